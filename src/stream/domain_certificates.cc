// SPDX-License-Identifier: Apache-2.0
#include "stream/domain_certificates.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/metrics.h"

namespace jackdaw {
namespace {

const Metric expiring{"jackdaw_certificates_expiring",
                      "Domains whose certificate has expired, or does so within tls.expiry_warning.",
                      MetricKind::gauge};
const Metric earliest{"jackdaw_certificates_earliest_expiry",
                      "When the first of the domains' certificates expires, in seconds since 1970.", MetricKind::gauge};

const Log& certificates_log() {
  static const Log made{"CERTS"};
  return made;
}

void set(const Metric& gauge, std::int64_t value) { gauge.add(value - gauge.sum()); }

Result<Done> ensure_certificate(CertificateFiles& places, const std::string& domain,
                                const std::string& data_directory) {
  if (const auto directory = places.searched_in_vain(domain); !directory.empty())
    certificates_log().failure("no certificate of this domain, with its key, in the directory; one of our own is shown",
                               {{"domain", domain}, {"directory", directory}});
  const TlsFiles files = places.of(domain), own = places.own_place(domain);
  if (files.certificate != own.certificate || ::access(own.certificate.c_str(), F_OK) == 0) return Done{};
  if (::access(own.key.c_str(), F_OK) == 0)
    return Failure{own.certificate + ": is not there, while its key is: put it back, or remove " + own.key};
  ::mkdir((data_directory + "/certs").c_str(), 0700);
  std::vector<std::string> names{domain};
  if (domain != "localhost") names.push_back("localhost");
  return make_self_signed(own, names);
}

// Why a domain goes on with what it shows: its certificate has gone from the directory where it was. Empty: it does
// not.
std::string why_gone(const CertificateWish& wish, CertificateFiles& places, const std::string& domain) {
  if (!wish.now_shown) return {};
  const auto shown = wish.now_shown->find(domain);
  if (shown == wish.now_shown->end() || shown->second.files.certificate == places.own_place(domain).certificate)
    return {};
  const auto directory = places.searched_in_vain(domain);
  return directory.empty() ? directory : directory + ": holds no certificate of it with its key at present";
}

DomainCertificates::Shown shown_from(const TlsFiles& files) {
  DomainCertificates::Shown shown{.files = files};
  const auto pem = read_pem(files.certificate);
  if (!pem || pem->certificates.empty()) return shown;
  shown.fingerprint = fingerprint_of(pem->certificates.front().get());
  shown.until = time_of(X509_get0_notAfter(pem->certificates.front().get()));
  return shown;
}

}  // namespace

Result<DomainCertificates> read_domain_certificates(const CertificateWish& wish) {
  DomainCertificates made;
  if (!wish.now_shown) {
    CertificateFiles places{wish.settings, wish.data_directory, wish.time};
    for (const auto& domain : wish.domains)
      if (auto there = ensure_certificate(places, domain, wish.data_directory); !there) return there.failure();
  }
  made.look = look_of_certificates(wish.settings, wish.domains, wish.data_directory);
  CertificateFiles places{wish.settings, wish.data_directory, wish.time};
  FilesOfDomains files;
  for (const auto& domain : wish.domains) {
    if (std::string why = why_gone(wish, places, domain); !why.empty()) {
      made.kept[domain] = std::move(why);
      continue;
    }
    files[domain] = places.of(domain);
    made.shown[domain] = shown_from(files[domain]);
  }
  if (wish.cores == 0) return made;
  std::vector<ContextsBefore> before;
  before.reserve(wish.now.size());
  for (const TlsContexts* now : wish.now) before.push_back({now, &made.kept});
  auto contexts = TlsContexts::make_each(wish.cores, {wish.settings, wish.domains, files, wish.tickets}, before);
  if (!contexts) return contexts.failure();
  made.contexts = std::move(*contexts);
  for (const auto& [domain, why] : made.kept) made.shown[domain] = wish.now_shown->at(domain);
  return made;
}

void tell_of_expiry(const std::map<std::string, DomainCertificates::Shown>& shown, TimePoint now, Seconds warning,
                    Told told) {
  std::int64_t count = 0;
  TimePoint first = TimePoint::max();
  for (const auto& [domain, each] : shown) {
    if (each.until == TimePoint{}) continue;
    first = std::min(first, each.until);
    if (each.until - now >= warning && each.until > now) continue;
    ++count;
    if (warning > 0s && told == Told::said)
      certificates_log().failure(each.until <= now ? "a certificate has expired" : "a certificate expires soon",
                                 {{"domain", domain},
                                  {"file", each.files.certificate},
                                  {"at", to_datetime(std::chrono::floor<Seconds>(each.until))}});
  }
  set(expiring, count);
  set(earliest, first == TimePoint::max() ? 0 : std::chrono::floor<Seconds>(first.time_since_epoch()).count());
}

}  // namespace jackdaw
