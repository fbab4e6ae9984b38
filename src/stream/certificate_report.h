// What is right and what is wrong with a domain's certificate, and what to do about it; for `jackdaw cert`.
//
// describe_certificate() reads files: never on a core that runs. check_dns() runs on a core.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "base/task.h"
#include "net/pem.h"
#include "net/resolver.h"
#include "net/tls.h"
#include "settings/settings.h"

namespace jackdaw {

// good: as it should be. note: worth knowing. bad: somebody is going to refuse it.
enum class Severity { good, note, bad };
std::string_view name_of(Severity severity);

struct Finding {
  std::string what;  // file, key, name, dates, chain, shown, dns, dane
  Severity severity = Severity::good;
  std::string text;
};

struct CertificateDescription {
  TlsFiles files;
  std::vector<CertificatePtr> chain;  // as in the file, its own certificate first
  std::vector<std::string> names;
  std::string issuer, fingerprint;
  TimePoint from{}, until{};
  std::vector<Finding> findings;
};

struct CertificateQuestion {
  TlsFiles files;  // and the domain
  TimePoint now;
  Seconds warning{};  // so long before it expires
  std::string searched_in_vain = {};
};

// `trusted`: whose certificates the chain must end in.
CertificateDescription describe_certificate(const CertificateQuestion& question, const TrustedCertificates& trusted);

// Where the DNS sends clients and servers for the domain, and whether TLSA records fit the certificate (RFC 7673).
Task<std::vector<Finding>> check_dns(Resolver& resolver, const Settings& settings,
                                     const CertificateDescription& certificate);

}  // namespace jackdaw
