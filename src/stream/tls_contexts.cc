// SPDX-License-Identifier: Apache-2.0
#include "stream/tls_contexts.h"

#include "stanza/jid.h"
#include "stream/s2s_settings.h"
#include "stream/stream_settings.h"

namespace jackdaw {

Result<std::shared_ptr<TlsContexts>> TlsContexts::make(const Settings& settings,
                                                       const std::vector<std::string>& domains,
                                                       const FilesOfDomains& files,
                                                       const std::shared_ptr<TlsTickets>& tickets,
                                                       const TrustedCertificates& trusted) {
  auto made = std::make_shared<TlsContexts>();
  made->trusted_ = trusted;
  for (const auto& domain : domains) {
    const bool external = settings.value(auth_external, domain);
    auto context =
        make_tls_context(files.at(domain), tickets, external ? ClientCertificate::asked : ClientCertificate::not_asked);
    if (!context) return Failure{context.failure()};
    const auto ca = settings.value(auth_external_ca, domain);
    // One or the other: a private authority would be worth nothing beside all public ones.
    if (external && (ca.empty() ? SSL_CTX_set_default_verify_paths(context->get())
                                : SSL_CTX_load_verify_file(context->get(), ca.c_str())) != 1)
      return Failure{ca + ": no usable certificates (PEM) for auth.external_ca: " + TlsState::last_error()};
    made->contexts_.emplace(domain, std::move(*context));
    if (!trusted) continue;
    auto for_servers = make_tls_context(files.at(domain), tickets);
    auto client = make_tls_client_context(files.at(domain), trusted);
    if (!for_servers) return for_servers.failure();
    if (!client) return client.failure();
    ask_for_certificate(for_servers->get(), trusted);
    made->for_servers_.emplace(domain, std::move(*for_servers));
    made->clients_.emplace(domain, std::move(*client));
  }
  if (!domains.empty()) made->first_ = domains.front();
  made->chooser_ = [contexts = made.get()](std::string_view name, Comer comer) {
    if (comer == Comer::client) return find(contexts->contexts_, name);
    SSL_CTX* const found = find(contexts->for_servers_, name);
    return found ? found : contexts->of_servers({});
  };
  made->chooser_for_servers_ = [contexts = made.get()](std::string_view name, Comer) {
    return find(contexts->for_servers_, name);
  };
  return made;
}

Result<std::vector<std::shared_ptr<TlsContexts>>> TlsContexts::make_each(std::size_t cores, const Settings& settings,
                                                                         const std::vector<std::string>& domains,
                                                                         const FilesOfDomains& files,
                                                                         const std::shared_ptr<TlsTickets>& tickets) {
  // Hundreds of certificates; and two more contexts a domain (make()).
  const auto trusted = settings.value(s2s_enabled) ? load_trusted(settings.value(s2s_trusted)) : TrustedCertificates{};
  if (!trusted) return Failure{"s2s.trusted_certificates: " + trusted.failure().what};
  std::vector<std::shared_ptr<TlsContexts>> all;
  for (std::size_t i = 0; i < cores; ++i) {
    auto tls = make(settings, domains, files, tickets, *trusted);
    if (!tls) return tls.failure();
    all.push_back(*tls);
  }
  return all;
}

// By a name that a peer has asked for.
SSL_CTX* TlsContexts::find(const ByDomain& contexts, std::string_view name) {
  const auto domain = prepare_domainpart(name);
  const auto found = domain ? contexts.find(*domain) : contexts.end();
  return found == contexts.end() ? nullptr : found->second.get();
}

SSL_CTX* TlsContexts::or_first(const ByDomain& contexts, std::string_view domain) const {
  auto found = contexts.find(domain);
  if (found == contexts.end()) found = contexts.find(first_);
  return found == contexts.end() ? nullptr : found->second.get();
}

SSL_CTX* TlsContexts::of(std::string_view domain) const { return or_first(contexts_, domain); }
SSL_CTX* TlsContexts::of_servers(std::string_view domain) const { return or_first(for_servers_, domain); }
SSL_CTX* TlsContexts::client_of(std::string_view domain) const { return or_first(clients_, domain); }

}  // namespace jackdaw
