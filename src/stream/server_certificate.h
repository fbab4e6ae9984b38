// Which domains a server's certificate proves (RFC 9525, RFC 6120 §13.7.1.2, XEP-0178 §3).
//
// The caller has verified the certificate's chain: nothing here does. Any thread.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <openssl/types.h>

#include <string_view>

namespace jackdaw {

enum class CommonName { ignored, accepted };

// `domain` is prepared. By a dNSName (RFC 9525 §6.3: "*" is one whole label, the leftmost), an SRVName for
// _xmpp-server (RFC 4985) or an XmppAddr; by the common name only when the certificate has no alternative names.
bool proves_domain(const X509* certificate, std::string_view domain, CommonName common_name);

}  // namespace jackdaw
