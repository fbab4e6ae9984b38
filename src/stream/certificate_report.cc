// SPDX-License-Identifier: Apache-2.0
#include "stream/certificate_report.h"

#include <fmt/format.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include "stanza/jid.h"
#include "stream/server_certificate.h"

namespace jackdaw {
namespace {

struct FreeVerification {
  void operator()(X509_STORE_CTX* p) const { X509_STORE_CTX_free(p); }
  void operator()(STACK_OF(X509) * p) const { sk_X509_free(p); }
};
using Verification = std::unique_ptr<X509_STORE_CTX, FreeVerification>;
using Stack = std::unique_ptr<STACK_OF(X509), FreeVerification>;

std::string listed(const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, ", ")); }

std::string day_of(TimePoint when) { return to_datetime(std::chrono::floor<Seconds>(when)); }

Finding key_finding(const CertificateDescription& is) {
  const auto pem = read_pem(is.files.key);
  if (!pem) return {"key", Severity::bad, pem.failure().what};
  if (!pem->key)
    return {"key", Severity::bad, is.files.key + ": holds no private key, or one behind a passphrase; take that off"};
  if (!belong_together(is.chain.front().get(), pem->key.get()))
    return {
        "key", Severity::bad,
        is.files.key + ": belongs to another certificate; tls.key must name the one made for " + is.files.certificate};
  struct stat file{};
  if (::stat(is.files.key.c_str(), &file) == 0 && (file.st_mode & 0007) != 0)
    return {"key", Severity::bad, is.files.key + ": everybody on this machine may read it: chmod o= " + is.files.key};
  return {"key", Severity::good, "belongs to the certificate"};
}

Finding name_finding(const CertificateDescription& is) {
  if (proves_domain(is.chain.front().get(), is.files.domain, CommonName::ignored))
    return {"name", Severity::good, "is for " + is.files.domain};
  if (proves_domain(is.chain.front().get(), is.files.domain, CommonName::accepted))
    return {"name", Severity::bad,
            "names " + is.files.domain +
                " as its common name alone, which nobody looks at (RFC 9525); ask for a certificate with it as an "
                "alternative name (dNSName)"};
  return {"name", Severity::bad,
          fmt::format("is for {}, not for {}; XMPP needs the domain behind the @, not the name of the host",
                      is.names.empty() ? "nobody" : listed(is.names), is.files.domain)};
}

Finding dates_finding(const CertificateDescription& is, TimePoint now, Seconds warning) {
  const auto days = std::chrono::floor<std::chrono::days>(is.until - now).count();
  if (now < is.from)
    return {"dates", Severity::bad, "is valid from " + day_of(is.from) + " on; is this machine's clock right?"};
  if (now >= is.until) return {"dates", Severity::bad, "expired at " + day_of(is.until) + "; renew it"};
  if (is.until - now < warning)
    return {"dates", Severity::bad, fmt::format("expires at {}, in {} days; renew it", day_of(is.until), days)};
  return {"dates", Severity::good, fmt::format("expires at {}, in {} days", day_of(is.until), days)};
}

std::string chain_advice(int error, const X509* at, const CertificateDescription& is) {
  const std::string issuer = text_of(X509_get_issuer_name(at));
  switch (error) {
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return "is signed by itself: clients ask their users whether to trust it, and other servers take it over "
             "dialback at "
             "most; get one from an authority";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return "ends in an authority that is not trusted here (" + issuer +
             "); whoever connects must have it: s2s.trusted_certificates, on other servers likewise";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "does not lead to a trusted authority: the certificate of " + issuer +
             " is missing; put it behind the others in " + is.files.certificate;
    case X509_V_ERR_INVALID_PURPOSE:
      return "is not for servers: ask for one with the extended key usage serverAuth";
    default:
      return fmt::format("is refused: {} ({})", X509_verify_cert_error_string(error),
                         text_of(X509_get_subject_name(at)));
  }
}

// At the time of the question: dates have a finding of their own.
Finding chain_finding(const CertificateDescription& is, const TrustedCertificates& trusted) {
  const Verification verification{X509_STORE_CTX_new()};
  const Stack others{sk_X509_new_null()};
  for (std::size_t i = 1; i < is.chain.size(); ++i) sk_X509_push(others.get(), is.chain[i].get());
  if (!trusted || X509_STORE_CTX_init(verification.get(), trusted.get(), is.chain.front().get(), others.get()) != 1)
    return {"chain", Severity::note, "is not looked at: no trusted certificates can be read"};
  X509_STORE_CTX_set_purpose(verification.get(), X509_PURPOSE_SSL_SERVER);
  X509_STORE_CTX_set_flags(verification.get(), X509_V_FLAG_NO_CHECK_TIME);
  if (X509_verify_cert(verification.get()) == 1)
    return {"chain", Severity::good, "leads to a trusted authority; issued by " + is.issuer};
  const X509* at = X509_STORE_CTX_get_current_cert(verification.get());
  return {"chain", Severity::bad,
          chain_advice(X509_STORE_CTX_get_error(verification.get()), at ? at : is.chain.front().get(), is)};
}

}  // namespace

std::string_view name_of(Severity severity) {
  constexpr std::string_view names[] = {"good", "note", "bad"};
  return names[static_cast<std::size_t>(severity)];
}

CertificateDescription describe_certificate(const CertificateQuestion& question, const TrustedCertificates& trusted) {
  CertificateDescription is{.files = question.files};
  if (!question.searched_in_vain.empty())
    is.findings.push_back({"file", Severity::bad,
                           question.searched_in_vain + ": holds no certificate for " + is.files.domain +
                               " with its key; one of the server's own is shown in its place"});
  auto pem = read_pem(is.files.certificate);
  if (!pem || pem->certificates.empty()) {
    is.findings.push_back(
        {"file", Severity::bad, pem ? is.files.certificate + ": holds no certificate (PEM)" : pem.failure().what});
    return is;
  }
  is.chain = std::move(pem->certificates);
  const X509* own = is.chain.front().get();
  is.names = names_in(own);
  is.issuer = text_of(X509_get_issuer_name(own));
  is.fingerprint = fingerprint_of(own);
  is.from = time_of(X509_get0_notBefore(own));
  is.until = time_of(X509_get0_notAfter(own));
  for (auto& finding : {key_finding(is), name_finding(is), dates_finding(is, question.now, question.warning),
                        chain_finding(is, trusted)})
    is.findings.push_back(finding);
  return is;
}

}  // namespace jackdaw
