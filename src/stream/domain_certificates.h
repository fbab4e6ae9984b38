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
  std::map<std::string, std::string> kept = {};        // domains that show what they did, and why
};

struct CertificateWish {
  const Settings& settings;
  const std::vector<std::string>& domains;
  std::string data_directory;
  TimePoint time;
  std::shared_ptr<TlsTickets> tickets;
  std::size_t cores;  // 0: no contexts are made
  // What is shown now, when files have changed while the server runs: a domain whose certificate cannot be used, or is
  // gone for the moment, goes on with that (`kept`). Null: at a start or a reload.
  const std::map<std::string, DomainCertificates::Shown>* now_shown = nullptr;
  std::vector<const TlsContexts*> now = {};  // of each core
};

// A domain without a certificate gets a self-signed one: TLS is on from the first minute. Failure: the first domain
// whose files cannot be used, and why.
Result<DomainCertificates> read_domain_certificates(const CertificateWish& wish);

// Counts those that have expired or do so within `warning`, and where it is to be said warns of each. Any thread.
enum class Told { counted, said };
void tell_of_expiry(const std::map<std::string, DomainCertificates::Shown>& shown, TimePoint now, Seconds warning,
                    Told told);

}  // namespace jackdaw
