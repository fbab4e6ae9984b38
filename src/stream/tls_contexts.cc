// SPDX-License-Identifier: Apache-2.0
#include "stream/tls_contexts.h"

#include "stanza/jid.h"
#include "stream/stream_settings.h"

namespace jackdaw {

TlsFiles tls_files_of(const Settings& settings, const std::string& domain, const std::string& data_directory) {
  TlsFiles files{settings.value(tls_certificate, domain), settings.value(tls_key, domain), domain};
  if (files.certificate.empty()) files.certificate = data_directory + "/certs/" + domain + ".pem";
  if (files.key.empty()) files.key = data_directory + "/certs/" + domain + ".key";
  return files;
}

Result<std::shared_ptr<TlsContexts>> TlsContexts::make(const Settings& settings,
                                                       const std::vector<std::string>& domains,
                                                       const std::string& data_directory,
                                                       const std::shared_ptr<TlsTickets>& tickets) {
  auto made = std::make_shared<TlsContexts>();
  for (const auto& domain : domains) {
    const bool external = settings.value(auth_external, domain);
    auto context = make_tls_context(tls_files_of(settings, domain, data_directory), tickets,
                                    external ? ClientCertificate::asked : ClientCertificate::not_asked);
    if (!context) return Failure{context.failure()};
    const auto ca = settings.value(auth_external_ca, domain);
    // One or the other: a private authority would be worth nothing beside all public ones.
    if (external && (ca.empty() ? SSL_CTX_set_default_verify_paths(context->get())
                                : SSL_CTX_load_verify_file(context->get(), ca.c_str())) != 1)
      return Failure{ca + ": no usable certificates (PEM) for auth.external_ca: " + TlsState::last_error()};
    made->contexts_.emplace(domain, std::move(*context));
  }
  if (!domains.empty()) made->first_ = domains.front();
  made->chooser_ = [contexts = made.get()](std::string_view name) -> SSL_CTX* {
    const auto domain = prepare_domainpart(name);
    const auto found = domain ? contexts->contexts_.find(*domain) : contexts->contexts_.end();
    return found == contexts->contexts_.end() ? nullptr : found->second.get();
  };
  return made;
}

SSL_CTX* TlsContexts::of(std::string_view domain) const {
  auto found = contexts_.find(domain);
  if (found == contexts_.end()) found = contexts_.find(first_);
  return found == contexts_.end() ? nullptr : found->second.get();
}

}  // namespace jackdaw
