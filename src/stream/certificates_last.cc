// SPDX-License-Identifier: Apache-2.0
#include "stream/certificates_last.h"

#include <openssl/ssl.h>

#include <algorithm>

#include "net/pem.h"

namespace jackdaw {

std::optional<Seconds> certificates_last(const SSL* ssl, TimePoint now) {
  const X509* own = ssl ? SSL_get0_peer_certificate(ssl) : nullptr;
  if (!own) return std::nullopt;
  TimePoint until = time_of(X509_get0_notAfter(own));
  // Not known where the handshake was shortened: what proves the peer then is its own one.
  const STACK_OF(X509)* chain = SSL_get0_verified_chain(ssl);
  for (int i = 0; i < sk_X509_num(chain); ++i)
    until = std::min(until, time_of(X509_get0_notAfter(sk_X509_value(chain, i))));
  return std::max(std::chrono::ceil<Seconds>(until - now), Seconds{0});
}

}  // namespace jackdaw
