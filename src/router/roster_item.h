// A roster item as XML and as it is stored.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>

#include "router/contacts.h"

namespace jackdaw {

// <item/> as a client sees it (RFC 6121 §2.1.2).
std::string item_xml(const RosterItem& item);
std::string removed_item_xml(const RosterItem& item);
// Fields separated by U+001F, which no XML can contain.
std::string stored_form(const RosterItem& item);
std::optional<RosterItem> roster_item_of(const std::string& jid, const std::string& stored);

}  // namespace jackdaw
