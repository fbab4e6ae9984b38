// The certificates that the domains show, read from their files, and what they looked like then.
//
// Reads files: never on a core that runs.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "stream/certificate_files.h"
#include "stream/tls_contexts.h"

namespace jackdaw {

struct DomainCertificates {
  struct Shown {
    TlsFiles files;
    std::string fingerprint;
    TimePoint until{};
  };
  std::string look;                                    // of the files, before they were read (look_of_certificates())
  std::map<std::string, Shown> shown;                  // by domain
  std::vector<std::shared_ptr<TlsContexts>> contexts;  // one for each core
};

struct CertificateWish {
  const Settings& settings;
  const std::vector<std::string>& domains;
  std::string data_directory;
  TimePoint now;
  std::shared_ptr<TlsTickets> tickets;
  std::size_t cores;  // 0: no contexts are made
  // What is shown now, when files have changed while the server runs: a certificate that is gone for the moment is then
  // a failure, and none of our own comes in its place. Null: at a start or a reload.
  const std::map<std::string, DomainCertificates::Shown>* now_shown = nullptr;
};

// A domain without a certificate gets a self-signed one: TLS is on from the first minute. Failure: the first domain
// whose files cannot be used, and why.
Result<DomainCertificates> read_domain_certificates(const CertificateWish& wish);

// Warns of those that have expired or do so within `warning`, and counts them. Any thread.
void tell_of_expiry(const std::map<std::string, DomainCertificates::Shown>& shown, TimePoint now, Seconds warning);

}  // namespace jackdaw
