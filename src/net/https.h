// One file of a web server, over HTTPS with a verified certificate. Boost.Beast is seen in https.cc alone.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "net/address.h"
#include "net/tls.h"

namespace jackdaw {

struct HttpsRequest {
  std::string host;  // in its ASCII form; the certificate must be for it
  std::string path;
  std::vector<SocketAddress> addresses;
  TrustedCertificates trusted;
  std::size_t most_bytes = 64 * 1024;
  Seconds patience{10};  // for everything
};

// Blocks: never on a core. Follows nowhere; any other answer than 200 is a failure.
Result<std::string> fetch_over_https(HttpsRequest request);

}  // namespace jackdaw
