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

class TlsContexts;

// What is shown now: a domain whose files cannot be used, or that has none, goes on with that, and `kept` says why.
struct ContextsBefore {
  const TlsContexts* contexts = nullptr;
  std::map<std::string, std::string>* kept = nullptr;
};

struct ContextsWish {
  const Settings& settings;
  const std::vector<std::string>& domains;
  const FilesOfDomains& files;
  std::shared_ptr<TlsTickets> tickets;
};

class TlsContexts {
 public:
  // Failure: the first domain whose files cannot be used; nothing has changed then.
  static Result<std::shared_ptr<TlsContexts>> make(const ContextsWish& wish, const TrustedCertificates& trusted,
                                                   const ContextsBefore& before = {});

  // One for each of so many cores; `before`: of each core, or none.
  static Result<std::vector<std::shared_ptr<TlsContexts>>> make_each(std::size_t cores, const ContextsWish& wish,
                                                                     const std::vector<ContextsBefore>& before = {});

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
  Result<Done> add(const ContextsWish& wish, const std::string& domain, const TlsFiles& files);
  bool take_over(const std::string& domain, const TlsContexts& before);
  static SSL_CTX* find(const ByDomain& contexts, std::string_view domain);
  SSL_CTX* or_first(const ByDomain& contexts, std::string_view domain) const;
  ByDomain contexts_, for_servers_, clients_;
  std::string first_;
  TrustedCertificates trusted_;
  TlsChooser chooser_, chooser_for_servers_;
};

}  // namespace jackdaw
