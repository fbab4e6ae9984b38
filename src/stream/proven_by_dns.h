// Whether DNSSEC proves the certificate of a server that has connected to us (RFC 7712 §5, RFC 7671): the TLSA records
// of the hosts that its domain names. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <openssl/types.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/task.h"
#include "net/tls.h"
#include "stream/stream_shard.h"

namespace jackdaw {

// Whether the certificate that the peer of `ssl` has shown is one of the record's, of the host `host` or of `domain`
// itself. The usages that need no other authority: DANE-EE(3) and DANE-TA(2).
bool tlsa_proves(const SSL* ssl, const TlsaRecord& record, std::string_view host, std::string_view domain);

// Whether the record speaks of this certificate, or of its key (RFC 6698 §2.1); its usage does not count.
bool tlsa_matches(const TlsaRecord& record, const X509* certificate);
// SHA-256 of the public key: selector 1, matching type 1.
std::string key_digest(const X509* certificate);

// What the DNS proves of the certificates of a domain's servers: TLSA records with their hosts. `bogus`: a proof on the
// way to them is wrong.
struct DnsRecords {
  std::vector<std::pair<std::string, TlsaRecord>> records;
  bool bogus = false;
};
// On the stream's core. Nothing at once where DNSSEC is not used.
Task<DnsRecords> dns_records_of(StreamShard& here, std::string domain);
// none: there are no records, or none of them fits. refused: a proof is wrong.
enum class DnsProof { none, proven, refused };
DnsProof proof_by(const DnsRecords& records, const SSL* ssl, std::string_view domain);

}  // namespace jackdaw
