// SPDX-License-Identifier: Apache-2.0
#include "stream/proven_by_dns.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <memory>

#include "base/bytes.h"
#include "stream/find_server.h"
#include "stream/s2s_settings.h"
#include "stream/server_certificate.h"

namespace jackdaw {
namespace {

constexpr std::size_t most_places = 2;  // strangers make us ask
enum Usage : std::uint8_t { dane_ta = 2, dane_ee = 3 };

template <class T, void (*free)(T*)>
struct Free {
  void operator()(T* p) const { free(p); }
};
using StorePtr = std::unique_ptr<X509_STORE, Free<X509_STORE, X509_STORE_free>>;
using StoreContextPtr = std::unique_ptr<X509_STORE_CTX, Free<X509_STORE_CTX, X509_STORE_CTX_free>>;

// What a record speaks of (RFC 6698 §2.1.2): the whole certificate, or its key.
std::string selected(const X509* certificate, std::uint8_t selector) {
  unsigned char* bytes = nullptr;
  const int size = selector == 0   ? i2d_X509(certificate, &bytes)
                   : selector == 1 ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &bytes)
                                   : 0;
  std::string made;
  if (size > 0) made.assign(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return made;
}

// Whether the chain that the peer has sent leads from its certificate to `authority`.
bool chain_leads_to(X509* authority, X509* certificate, STACK_OF(X509) * chain) {
  const StorePtr store{X509_STORE_new()};
  const StoreContextPtr context{X509_STORE_CTX_new()};
  if (!store || !context || X509_STORE_add_cert(store.get(), authority) != 1 ||
      X509_STORE_CTX_init(context.get(), store.get(), certificate, chain) != 1)
    return false;
  X509_STORE_CTX_set_flags(context.get(), X509_V_FLAG_PARTIAL_CHAIN);
  return X509_verify_cert(context.get()) == 1;
}

}  // namespace

std::string key_digest(const X509* certificate) { return sha256(selected(certificate, 1)); }

// RFC 6698 §2.1.3.
bool tlsa_matches(const TlsaRecord& record, const X509* certificate) {
  const std::string content = selected(certificate, record.selector);
  if (content.empty() || record.matching > 2) return false;
  if (record.matching == 0) return content == record.data;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  const EVP_MD* hash = record.matching == 1 ? EVP_sha256() : EVP_sha512();
  return EVP_Digest(content.data(), content.size(), digest, &size, hash, nullptr) == 1 &&
         record.data == std::string_view{reinterpret_cast<const char*>(digest), size};
}

bool tlsa_proves(const SSL* ssl, const TlsaRecord& record, std::string_view host, std::string_view domain) {
  X509* certificate = ssl ? SSL_get0_peer_certificate(ssl) : nullptr;
  if (!certificate) return false;
  bool proven = false;
  // RFC 7671 §5.1: of the server's own key neither name nor age count.
  if (record.usage == dane_ee) proven = tlsa_matches(record, certificate);
  const bool is_named =
      proves_domain(certificate, domain, CommonName::ignored) || proves_domain(certificate, host, CommonName::ignored);
  STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl);
  if (record.usage == dane_ta && is_named)
    for (int i = 0; i < sk_X509_num(chain) && !proven; ++i)
      proven =
          tlsa_matches(record, sk_X509_value(chain, i)) && chain_leads_to(sk_X509_value(chain, i), certificate, chain);
  ERR_clear_error();  // must not be taken for a failure of the next SSL_read
  return proven;
}

Task<DnsRecords> dns_records_of(StreamShard& here, std::string domain) {
  const auto settings = here.shard.settings_ref();
  if (settings->value(dns_trust_anchor).empty()) co_return DnsRecords{};
  const ServerPlaces found = co_await find_server(*here.resolver, *settings, domain);
  DnsRecords all{.bogus = found.bogus};
  for (std::size_t i = 0; i < std::min(found.places.size(), most_places); ++i) {
    const ServerPlace& place = found.places[i];
    auto addresses = co_await addresses_of(*here.resolver, place);
    auto certificates = co_await certificates_of(*here.resolver, place, std::move(addresses));
    all.bogus |= certificates.bogus;
    for (auto& record : certificates.records) all.records.emplace_back(place.host, std::move(record));
  }
  co_return all;
}

DnsProof proof_by(const DnsRecords& records, const SSL* ssl, std::string_view domain) {
  for (const auto& [host, record] : records.records)
    if (tlsa_proves(ssl, record, host, domain)) return DnsProof::proven;
  return records.bogus ? DnsProof::refused : DnsProof::none;
}

}  // namespace jackdaw
