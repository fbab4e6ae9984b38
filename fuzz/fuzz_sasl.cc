// Any bytes as SASL messages and as a client's certificate. The first byte selects what is attacked, the second the
// offer, the rest is the messages (a NUL between them). No decoy and no changed byte is ever let in; an honest
// client that was understood always is.
// SPDX-License-Identifier: Apache-2.0
#include <openssl/x509.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "stream/external.h"
#include "stream/login_limits.h"
#include "stream/md5_mechanisms.h"
#include "stream/plain.h"
#include "stream/sasl_text.h"
#include "stream/scram.h"
#include "stream/scram_test_client.h"

namespace jackdaw {
namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

const std::string exporter_data(32, 'e');
const std::string salt = "sixteen bytes ..";

ScramOffer offer_from(unsigned char byte) {
  ScramOffer offer{.hash = all_hashes[byte % 3], .nonce = "SERVER"};
  if (byte & 4) offer.bindings = {{"tls-exporter", exporter_data}, {"tls-unique", "finished"}};
  if (byte & 8) offer.plus = Plus::used;
  if (byte & 16) offer.downgrade_hash = "aGFzaA==";
  return offer;
}

// The talk as an honest client has it after `client_first` was understood.
scram_test::Talk honest(const ScramOffer& offer, std::string_view client_first, std::string server_first) {
  const auto header_end = client_first.find(',', client_first.find(',') + 1) + 1;
  scram_test::Talk talk{.hash = offer.hash,
                        .salted_password = scram_test::salted(offer.hash, "pencil", salt, 1),
                        .header = std::string{client_first.substr(0, header_end)},
                        .bare = std::string{client_first.substr(header_end)},
                        .server_first = std::move(server_first)};
  const auto kind = talk.header.substr(0, talk.header.find(','));
  for (const auto& binding : offer.bindings)
    if (kind == "p=" + binding.name) talk.binding = binding.data;
  return talk;
}

// The attacker writes both messages.
void attack_decoy(const ScramOffer& offer, std::string_view client_first, std::string_view client_final) {
  ScramServer server{offer};
  const auto names = server.first(client_first);
  if (!std::holds_alternative<ScramNames>(names)) return;
  const auto& authcid = std::get<ScramNames>(names).authcid;
  require(!authcid.empty() && is_sasl_text(authcid) && is_sasl_text(std::get<ScramNames>(names).authzid));
  const auto keys = decoy_keys(offer.hash, "server secret", authcid, 1);
  std::string server_first = server.server_first(keys);
  require(server_first.find('\0') == std::string::npos);
  require(std::holds_alternative<SaslError>(server.finish(client_final)));

  // The same keys against a client that does all else right.
  ScramServer again{offer};
  require(std::holds_alternative<ScramNames>(again.first(client_first)));
  again.server_first(keys);
  auto talk = honest(offer, client_first, std::move(server_first));
  talk.salted_password = scram_test::salted(offer.hash, "pencil", keys.salt, 1);
  require(std::holds_alternative<SaslError>(again.finish(scram_test::client_final(talk))));
}

// The attacker writes the first message, and changes the final message of a client that knows the password: one byte
// (place, difference) for each pair of bytes of `changes`.
void attack_account(const ScramOffer& offer, std::string_view client_first, std::string_view changes) {
  ScramServer server{offer};
  if (!std::holds_alternative<ScramNames>(server.first(client_first))) return;
  const auto keys = derive_scram_keys(offer.hash, "pencil", salt, 1);
  auto talk = honest(offer, client_first, server.server_first(keys));
  const std::string good = scram_test::client_final(talk);
  std::string sent = good;
  for (std::size_t i = 0; i + 1 < changes.size(); i += 2) {
    auto& byte = sent[static_cast<unsigned char>(changes[i]) % sent.size()];
    byte = static_cast<char>(byte ^ changes[i + 1]);
  }
  const auto outcome = server.finish(sent);
  const auto* server_final = std::get_if<std::string>(&outcome);
  require((server_final != nullptr) == (sent == good && good.size() <= largest_sasl_message));
  require(server_final == nullptr || *server_final == scram_test::server_final(talk));
}

void attack_plain(std::string_view message) {
  const auto outcome = parse_plain(message);
  const auto* parts = std::get_if<PlainMessage>(&outcome);
  if (parts == nullptr) return;
  require(!parts->authcid.empty() && !parts->password.empty());
  require(parts->authzid + '\0' + parts->authcid + '\0' + parts->password == message);
}

// Nobody who does not know the password is let in, whatever they write; and somebody who does is.
void attack_md5(std::string_view response) {
  const std::string challenge = "<1.2@elwood.lan>";
  if (const auto cram = parse_cram(response)) require(!cram_fits(*cram, challenge, "no client knows this"));
  DigestMd5 server{"elwood.lan", "OA6MG9tEQGm2hh"};
  const auto read = server.read(response);
  if (const auto* names = std::get_if<DigestMd5::Names>(&read)) {
    require(!names->username.empty());
    require(!server.finish("no client knows this"));
  }
}

void attack_certificate(std::string_view der) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  const std::unique_ptr<X509, decltype(&X509_free)> certificate{
      d2i_X509(nullptr, &bytes, static_cast<long>(der.size())), &X509_free};
  if (!certificate) return;
  for (const auto field : {CertificateField::xmppaddr, CertificateField::email, CertificateField::cn})
    for (const BareJid& jid : proven_accounts(certificate.get(), field, "example.com")) {
      require(jid.has_localpart() && jid.domainpart() == "example.com");
      require(BareJid::parse(jid.text()) == jid);
    }
  xmpp_addresses(certificate.get());
}

// Each byte is an event; whatever happens, the tables stay small and no wait is longer than the longest.
void attack_limits(std::string_view events) {
  LoginLimits limits{{.pairs = 8, .accounts = 8, .addresses = 8, .trusted_accounts = 4, .trusted_addresses_each = 2}};
  Steady now{};
  for (const char event : events) {
    const std::string account = std::to_string(event & 7) + "@example.com";
    const std::string address =
        (event & 8) ? "2001:db8::" + std::to_string(event & 3) : "::ffff:192.0.2." + std::to_string(event & 48);
    if (event & 64) {
      limits.failed(account, address, now);
    } else if (event & 32) {
      limits.succeeded(account, address, now);
      require(limits.wait(account, address, now) == 0s);
    } else {
      now += Seconds{static_cast<unsigned char>(event)};
    }
    require(limits.wait(account, address, now) >= 0s && limits.wait(account, address, now + 15min) == 0s);
    require(limits.size() <= 28);
  }
  address_key(events);
}

}  // namespace
}  // namespace jackdaw

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace jackdaw;
  if (size < 2) return 0;
  const std::string_view rest{reinterpret_cast<const char*>(data) + 2, size - 2};
  const auto middle = std::min(rest.find('\0'), rest.size());
  const auto one = rest.substr(0, middle);
  const auto two = middle < rest.size() ? rest.substr(middle + 1) : std::string_view{};
  switch (data[0] % 6) {
    case 0:
      attack_decoy(offer_from(data[1]), one, two);
      break;
    case 1:
      attack_account(offer_from(data[1]), one, two);
      break;
    case 2:
      attack_plain(rest);
      break;
    case 3:
      attack_certificate(rest);
      break;
    case 5:
      attack_md5(rest);
      break;
    default:
      attack_limits(rest.substr(0, 200));
      break;
  }
  return 0;
}
