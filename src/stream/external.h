// SASL EXTERNAL (RFC 6120 §6.3.4, XEP-0178): which addresses a client's certificate proves. Start at proven_accounts().
//
// The caller has verified the certificate's chain: nothing here does. Any thread.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <openssl/types.h>

#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "stanza/jid.h"
#include "stream/sasl_condition.h"

namespace jackdaw {

// Where an account's name stands in the certificate; the values of the setting are the names themselves.
enum class CertificateField { xmppaddr, email, cn };
std::optional<CertificateField> certificate_field(std::string_view setting);

// The id-on-xmppAddr names (RFC 6120 §13.7.1.4) that are valid bare JIDs, each once; accounts and domains alike.
std::vector<BareJid> xmpp_addresses(const X509* certificate);

// The accounts of `domain` that the certificate names in `field`, each once. An e-mail address is read as a JID. A
// common name is read as a JID when it has an "@", else as the localpart; a subject with several proves nothing.
std::vector<BareJid> proven_accounts(const X509* certificate, CertificateField field, std::string_view domain);

// XEP-0178 §2, steps 10 and 11: the account to log in to. An empty `authzid` chooses the only one proven.
std::variant<BareJid, SaslError> external_account(const std::vector<BareJid>& proven, std::string_view authzid);

}  // namespace jackdaw
