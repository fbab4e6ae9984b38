// SPDX-License-Identifier: Apache-2.0
#include "stream/tls_contexts.h"

#include "stanza/jid.h"
#include "stream/s2s_settings.h"
#include "stream/stream_settings.h"

namespace jackdaw {

Result<Done> TlsContexts::add(const ContextsWish& wish, const std::string& domain, const TlsFiles& files) {
  const Settings& settings = wish.settings;
  const auto& tickets = wish.tickets;
  const bool external = settings.value(auth_external, domain);
  auto context = make_tls_context(files, tickets, external ? ClientCertificate::asked : ClientCertificate::not_asked);
  if (!context) return context.failure();
  const auto ca = settings.value(auth_external_ca, domain);
  // One or the other: a private authority would be worth nothing beside all public ones.
  if (external && (ca.empty() ? SSL_CTX_set_default_verify_paths(context->get())
                              : SSL_CTX_load_verify_file(context->get(), ca.c_str())) != 1)
    return Failure{ca + ": no usable certificates (PEM) for auth.external_ca: " + TlsState::last_error()};
  if (trusted_) {
    auto for_servers = make_tls_context(files, tickets);
    auto client = make_tls_client_context(files, trusted_);
    if (!for_servers) return for_servers.failure();
    if (!client) return client.failure();
    ask_for_certificate(for_servers->get(), trusted_);
    for_servers_.emplace(domain, std::move(*for_servers));
    clients_.emplace(domain, std::move(*client));
  }
  contexts_.emplace(domain, std::move(*context));
  return Done{};
}

bool TlsContexts::take_over(const std::string& domain, const TlsContexts& before) {
  if (!before.contexts_.contains(domain)) return false;
  const auto share = [&domain](const ByDomain& from, ByDomain& to) {
    const auto found = from.find(domain);
    if (found == from.end()) return;
    SSL_CTX_up_ref(found->second.get());
    to.insert_or_assign(domain, SslContextPtr{found->second.get()});
  };
  share(before.contexts_, contexts_);
  share(before.for_servers_, for_servers_);
  share(before.clients_, clients_);
  return true;
}

Result<std::shared_ptr<TlsContexts>> TlsContexts::make(const ContextsWish& wish, const TrustedCertificates& trusted,
                                                       const ContextsBefore& before) {
  auto made = std::make_shared<TlsContexts>();
  made->trusted_ = trusted;
  for (const auto& domain : wish.domains) {
    const auto from = wish.files.find(domain);
    const auto added = from == wish.files.end() ? Result<Done>{Failure{}} : made->add(wish, domain, from->second);
    if (added) continue;
    if (!before.contexts || !made->take_over(domain, *before.contexts)) return added.failure();
    before.kept->try_emplace(domain, added.failure().what);
  }
  if (!wish.domains.empty()) made->first_ = wish.domains.front();
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

Result<std::vector<std::shared_ptr<TlsContexts>>> TlsContexts::make_each(std::size_t cores, const ContextsWish& wish,
                                                                         const std::vector<ContextsBefore>& before) {
  const Settings& settings = wish.settings;
  // Hundreds of certificates; and two more contexts a domain (make()).
  const auto trusted = settings.value(s2s_enabled) ? load_trusted(settings.value(s2s_trusted)) : TrustedCertificates{};
  if (!trusted) return Failure{"s2s.trusted_certificates: " + trusted.failure().what};
  std::vector<std::shared_ptr<TlsContexts>> all;
  for (std::size_t i = 0; i < cores; ++i) {
    auto tls = make(wish, *trusted, i < before.size() ? before[i] : ContextsBefore{});
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
