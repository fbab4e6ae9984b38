// An operation as a form that somebody fills in, and its answer as one (XEP-0004), for faces that speak XMPP.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "router/operation.h"
#include "xml/tape.h"

namespace jackdaw {

constexpr Name data_form{"jabber:x:data", "x"};

// Whether there is anything to be filled in.
bool has_form(const Operation& operation);
// <x type='form'/>: a field for each argument and flag.
std::string form_of(const Operation& operation);
// What was filled in; fields that are none of the operation's are left out (XEP-0004 §3.1). Failure: which one lacks.
Result<OperationValues> values_from_form(const Operation& operation, const Element& form);
// An answer inside <command/>: <x type='result'/> for tables and long texts, <note/> for what is said beside them.
std::string xml_of(const OperationAnswer& answer);
// XEP-0050 §4.3; `type` is "info", "warn" or "error".
std::string note_of(std::string_view type, std::string_view text);

}  // namespace jackdaw
