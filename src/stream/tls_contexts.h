// The TLS contexts of one core: one for each domain, chosen by the server name a client asks for.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/tls.h"
#include "settings/settings.h"

namespace jackdaw {

// What domains show, by domain.
using FilesOfDomains = std::map<std::string, TlsFiles>;

class TlsContexts {
 public:
  // Failure: the first domain whose files cannot be used; nothing has changed then.
  static Result<std::shared_ptr<TlsContexts>> make(const Settings& settings, const std::vector<std::string>& domains,
                                                   const FilesOfDomains& files,
                                                   const std::shared_ptr<TlsTickets>& tickets,
                                                   const TrustedCertificates& trusted);

  // One for each of so many cores.
  static Result<std::vector<std::shared_ptr<TlsContexts>>> make_each(std::size_t cores, const Settings& settings,
                                                                     const std::vector<std::string>& domains,
                                                                     const FilesOfDomains& files,
                                                                     const std::shared_ptr<TlsTickets>& tickets);

  // For a stream to `domain`; the first domain's when it is empty or not ours. Null when there are no domains.
  SSL_CTX* of(std::string_view domain) const;
  // The same for streams of other servers, which are asked for a certificate.
  SSL_CTX* of_servers(std::string_view domain) const;
  // For a stream from `domain` to another server.
  SSL_CTX* client_of(std::string_view domain) const;
  // Which certificates of other servers count; null where they are not spoken with.
  const TrustedCertificates& trusted() const { return trusted_; }
  const TlsChooser& chooser() const { return chooser_; }
  const TlsChooser& chooser_for_servers() const { return chooser_for_servers_; }

 private:
  using ByDomain = std::map<std::string, SslContextPtr, std::less<>>;
  static SSL_CTX* find(const ByDomain& contexts, std::string_view domain);
  SSL_CTX* or_first(const ByDomain& contexts, std::string_view domain) const;
  ByDomain contexts_, for_servers_, clients_;
  std::string first_;
  TrustedCertificates trusted_;
  TlsChooser chooser_, chooser_for_servers_;
};

}  // namespace jackdaw
