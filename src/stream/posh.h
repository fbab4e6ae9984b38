// POSH: a server's certificate is proven by a file of its domain's web server (RFC 7711, RFC 7712 §6).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <openssl/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"

namespace jackdaw {

struct StreamShard;

// RFC 7711 §3.1, §3.2: digests of certificates (bytes), or where they are.
struct PoshFile {
  std::vector<std::string> sha256, sha512;
  std::string host, path;  // of another file, instead of digests
  Seconds expires{0};
};
// Failure: what is wrong with it.
Result<PoshFile> read_posh_file(std::string_view json);
bool posh_file_fits(const PoshFile& file, const X509* certificate);

// On the stream's core. False at once without s2s.posh. `share`: whose share of the fetching threads it takes.
Task<bool> posh_proves(StreamShard& here, const SSL* ssl, std::string domain, std::string share);

}  // namespace jackdaw
