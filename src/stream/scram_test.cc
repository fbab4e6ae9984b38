// SCRAM against the RFCs' vectors, and against clients that do everything wrong.
// SPDX-License-Identifier: Apache-2.0
#include "stream/scram.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "stream/scram_test_client.h"

namespace jackdaw {
namespace {

using scram_test::Talk;

struct Vector {
  Hash hash;
  Plus plus;
  std::string salt, server_nonce, client_first, server_first, client_final, server_final;
  std::int32_t iterations = 4096;
};

const Vector vectors[] = {
    {Hash::sha1, Plus::unused, "QSXCR+Q6sek8bf92", "3rfcNHYJY1ZVvWVs7j", "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
     "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
     "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
     "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="},  // RFC 5802 §5
    {Hash::sha256, Plus::unused, "W22ZaJ0SNY7soEsUEjb6gQ==", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
     "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
     "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
     "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
     "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},  // RFC 7677 §3
    {Hash::sha512, Plus::unused, "Yin2FuHTt/M0kJWb0t9OI32n2VmOGi3m+JfjOvuDF88=", "serverNonce18bytesInBase",
     "n,,n=user,r=hello", "r=helloserverNonce18bytesInBase,s=Yin2FuHTt/M0kJWb0t9OI32n2VmOGi3m+JfjOvuDF88=,i=4096",
     "c=biws,r=helloserverNonce18bytesInBase,p=dGPffsyTcKax1WHE8AwpqJtnq0mdJEEY0WLUEqzU7zkouaYkgIRfN+EdbYJstzxZLj+w/"
     "IvXrrEt3FBEMA3uvg==",
     "v=7l4GoNOy/9Md+rUE/7gK4ZNYeZNcnp+eO7QLFmPlJFFcPb0DjQSOhVwk1bref1mVncH39ZKUEpiI4sqhf/P1Pw=="},  // Python's hashlib
    {Hash::sha512, Plus::used, "Yin2FuHTt/M0kJWb0t9OI32n2VmOGi3m+JfjOvuDF88=", "02b7e9ab-d8cf-4fa1-bd70-d4a4d7b2ee04",
     "p=tls-exporter,a=juliet@example.com,n=user,r=rOprNGfwEbeRWgbNEkqO",
     "r=rOprNGfwEbeRWgbNEkqO02b7e9ab-d8cf-4fa1-bd70-d4a4d7b2ee04,s=Yin2FuHTt/M0kJWb0t9OI32n2VmOGi3m+JfjOvuDF88=,"
     "i=10000",
     "c=cD10bHMtZXhwb3J0ZXIsYT1qdWxpZXRAZXhhbXBsZS5jb20sAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=,"
     "r=rOprNGfwEbeRWgbNEkqO02b7e9ab-d8cf-4fa1-bd70-d4a4d7b2ee04,p=UwrCp2weHxz+6PzpjbwwjYxr1RRCPePt91v23nM4RlnNhepMr1/"
     "UChrOiuiAzzX2TRBvKHPgHMhHUQzTJlZbwA==",
     "v=9R9cZsXoXCR4zyQa8bhCJ5AQhi6df5IMfgo7aehxLpxTSgkd/zwXHOv6VEETCc6Ks+EXvpbc3fgYEE+AivI49Q==", 10000},  // the same
};

std::string bytes_from_0_to_31() {
  std::string data;
  for (char c = 0; c < 32; ++c) data += c;
  return data;
}

const std::string salt = "sixteen bytes ..";
constexpr int iterations = 7;

ScramOffer offer_with_bindings(Plus plus) {
  return {.plus = plus,
          .bindings = {{"tls-exporter", bytes_from_0_to_31()}, {"tls-server-end-point", "end point"}},
          .nonce = "SERVER"};
}

std::string condition_of(const SaslError& error) { return std::string{wire_name(error.condition)}; }

template <class T>
std::string condition_of(const std::variant<T, SaslError>& outcome) {
  const auto* error = std::get_if<SaslError>(&outcome);
  return error == nullptr ? "success" : condition_of(*error);
}

std::string first_condition(std::string_view message, ScramOffer offer = {}) {
  return condition_of(ScramServer{std::move(offer)}.first(message));
}

// Talks up to the server's first message, and fills `talk` for the client's answer.
ScramServer challenged(Talk& talk, ScramOffer offer = {.nonce = "SERVER"}, KeyKind kind = KeyKind::account) {
  talk.hash = offer.hash;
  talk.salted_password = scram_test::salted(talk.hash, "pencil", salt, iterations);
  const ScramKeys keys = derive_scram_keys(talk.hash, "pencil", salt, iterations);
  ScramServer server{std::move(offer)};
  EXPECT_EQ(condition_of(server.first(talk.header + talk.bare)), "success");
  talk.server_first = server.server_first(keys, kind);
  return server;
}

TEST(Scram, Vectors) {
  for (const Vector& vector : vectors) {
    const ScramKeys keys = derive_scram_keys(vector.hash, "pencil", *from_base64(vector.salt), vector.iterations);
    ScramOffer offer{.hash = vector.hash, .plus = vector.plus, .nonce = vector.server_nonce};
    if (vector.plus == Plus::used) offer.bindings = {{"tls-exporter", bytes_from_0_to_31()}};
    ScramServer server{offer};
    const auto names = server.first(vector.client_first);
    ASSERT_TRUE(std::holds_alternative<ScramNames>(names));
    EXPECT_EQ(std::get<ScramNames>(names).authcid, "user");
    EXPECT_EQ(std::get<ScramNames>(names).authzid, vector.plus == Plus::used ? "juliet@example.com" : "");
    EXPECT_EQ(server.server_first(keys), vector.server_first);
    const auto outcome = server.finish(vector.client_final);
    ASSERT_TRUE(std::holds_alternative<std::string>(outcome)) << std::get<SaslError>(outcome).text;
    EXPECT_EQ(std::get<std::string>(outcome), vector.server_final);
  }
}

TEST(Scram, EveryHashWithAndWithoutBinding) {
  for (const Hash hash : all_hashes) {
    for (const Plus plus : {Plus::unused, Plus::used}) {
      Talk talk;
      ScramOffer offer = offer_with_bindings(plus);
      offer.hash = hash;
      if (plus == Plus::used) talk.header = "p=tls-server-end-point,,", talk.binding = "end point";
      ScramServer server = challenged(talk, offer);
      const auto outcome = server.finish(scram_test::client_final(talk));
      ASSERT_TRUE(std::holds_alternative<std::string>(outcome)) << scram_mechanism(hash, plus);
      EXPECT_EQ(std::get<std::string>(outcome), scram_test::server_final(talk));
    }
  }
  EXPECT_EQ(scram_mechanism(Hash::sha1, Plus::unused), "SCRAM-SHA-1");
  EXPECT_EQ(scram_mechanism(Hash::sha512, Plus::used), "SCRAM-SHA-512-PLUS");
}

// RFC 5802 §5.1: saslname.
TEST(Scram, NamesAreDecoded) {
  ScramServer server{{}};
  const auto names = server.first("n,a=a=3Db=2Cc@example.com,n==2Cu=3D=3D2C\xC3\xA9,r=x,x=later=,y=z");
  ASSERT_TRUE(std::holds_alternative<ScramNames>(names));
  EXPECT_EQ(std::get<ScramNames>(names).authzid, "a=b,c@example.com");
  EXPECT_EQ(std::get<ScramNames>(names).authcid, ",u==2C\xC3\xA9");
}

const std::string_view malformed_first[] = {"",
                                            ",",
                                            ",,",
                                            "n",
                                            "n,",
                                            "n,,",
                                            "n,,n=user",
                                            "n,,n=user,",
                                            "n,,n=,r=x",
                                            "n,,n=user,r=",
                                            "n,,r=x,n=user",
                                            "n,,r=x",
                                            "n,,n=user,r=x,",
                                            "n,,n=user,r=x,,",
                                            "n,,n=user,r=x,y",
                                            "n,,n=user,r=x,y=",
                                            "n,,n=user,r=x,1=y",
                                            "n,n=user,r=x",
                                            "n,b=x,n=user,r=x",
                                            "n,a=,n=user,r=x",
                                            "n,a,n=user,r=x",
                                            "n,a=x=,n=user,r=x",
                                            "N,,n=user,r=x",
                                            "x,,n=user,r=x",
                                            "ny,,n=user,r=x",
                                            "p,,n=user,r=x",
                                            "p=,,n=user,r=x",
                                            " n,,n=user,r=x",
                                            "F,n,,n=user,r=x",
                                            "n,,n=us=er,r=x",
                                            "n,,n=us=2c,r=x",
                                            "n,,n=us=3d,r=x",
                                            "n,,n=us=,r=x",
                                            "n,,n=us=2,r=x",
                                            "n,,n=us=00,r=x",
                                            "n,,n=user,r=a b",
                                            "n,,n=user,r=a\x7F",
                                            "n,,n=user,r=\xC3\xA9",
                                            "n,,n=user,r=x,r=y",
                                            "n,,n=user,r=x,n=other",
                                            "n,,n=user,r=x,x=1,x=2",
                                            "n,,n=user,r=x,p=y",
                                            "n,,n=user,r=x,a=y",
                                            "n,,n=us\xC3,r=x",
                                            "n,,n=us\xC0\xAF,r=x",
                                            "n,,n=us\xED\xA0\x80,r=x",
                                            "n,,n=us\xF4\x90\x80\x80,r=x",
                                            "n,,n=\xFF,r=x",
                                            "n,,N=user,r=x",
                                            "n,,n:user,r=x",
                                            "n,,n=user,R=x"};

TEST(Scram, MalformedFirstMessages) {
  for (const auto message : malformed_first) EXPECT_EQ(first_condition(message), "malformed-request") << message;
  using namespace std::string_view_literals;
  EXPECT_EQ(first_condition("n,,n=us\0er,r=x"sv), "malformed-request");
  EXPECT_EQ(first_condition("n,,n=user,r=x"), "success");
}

// RFC 5802 §5.1: m= is reserved, and its presence must fail the exchange, wherever it stands.
TEST(Scram, MandatoryExtensionsFail) {
  EXPECT_EQ(first_condition("n,,m=ext,n=user,r=x"), "malformed-request");
  EXPECT_EQ(first_condition("n,,n=user,r=x,m=ext"), "malformed-request");
  Talk talk{.extensions = ",m=ext"};
  ScramServer server = challenged(talk);
  EXPECT_EQ(condition_of(server.finish(scram_test::client_final(talk))), "malformed-request");
}

TEST(Scram, LongMessagesAreRefused) {
  const std::string start = "n,,n=user,r=";
  EXPECT_EQ(first_condition(start + std::string(4096 - start.size(), 'x')), "success");
  EXPECT_EQ(first_condition(start + std::string(4097 - start.size(), 'x')), "malformed-request");
  Talk talk;
  talk.extensions = ",x=" + std::string(4096, 'x');
  ScramServer server = challenged(talk);
  EXPECT_EQ(condition_of(server.finish(scram_test::client_final(talk))), "malformed-request");
}

// RFC 5802 §6: the three flags against what was offered.
TEST(Scram, BindingFlagsAgainstTheOffer) {
  const std::string bare = ",,n=user,r=x";
  EXPECT_EQ(first_condition("n" + bare, offer_with_bindings(Plus::unused)), "success");
  EXPECT_EQ(first_condition("y" + bare), "success");
  // The client could bind, the server offered it, and yet the client saw no -PLUS: somebody in between.
  EXPECT_EQ(first_condition("y" + bare, offer_with_bindings(Plus::unused)), "not-authorized");
  EXPECT_EQ(first_condition("n" + bare, offer_with_bindings(Plus::used)), "malformed-request");
  EXPECT_EQ(first_condition("y" + bare, offer_with_bindings(Plus::used)), "malformed-request");
  EXPECT_EQ(first_condition("p=tls-exporter" + bare, offer_with_bindings(Plus::unused)), "malformed-request");
  EXPECT_EQ(first_condition("p=tls-exporter" + bare, offer_with_bindings(Plus::used)), "success");
  EXPECT_EQ(first_condition("p=tls-unique" + bare, offer_with_bindings(Plus::used)), "not-authorized");
  EXPECT_EQ(first_condition("p=TLS-EXPORTER" + bare, offer_with_bindings(Plus::used)), "not-authorized");
  EXPECT_EQ(first_condition("p=tls-exporter" + bare, {.plus = Plus::used}), "not-authorized");
}

TEST(Scram, BindingDataMustMatch) {
  struct Case {
    std::string header, said_header, data, expected;
  };
  const std::string exporter = bytes_from_0_to_31();
  const Case cases[] = {
      {"p=tls-exporter,,", "p=tls-exporter,,", exporter, "success"},
      {"p=tls-exporter,,", "p=tls-exporter,,", "", "not-authorized"},
      {"p=tls-exporter,,", "p=tls-exporter,,", exporter + "x", "not-authorized"},
      {"p=tls-exporter,,", "p=tls-exporter,,", "end point", "not-authorized"},
      {"p=tls-exporter,,", "p=tls-server-end-point,,", "end point", "not-authorized"},
      {"p=tls-exporter,,", "p=tls-exporter,a=romeo,", exporter, "not-authorized"},
      {"p=tls-exporter,,", "n,,", "", "not-authorized"},
  };
  for (const Case& c : cases) {
    Talk talk{.header = c.header};
    ScramServer server = challenged(talk, offer_with_bindings(Plus::used));
    talk.header = c.said_header;
    talk.binding = c.data;
    EXPECT_EQ(condition_of(server.finish(scram_test::client_final(talk))), c.expected) << c.said_header;
  }
  // Without -PLUS nothing may stand behind the header, and the flag must be the one of the first message.
  for (const char* header : {"n,,extra", "y,,", "n,a=romeo,"}) {
    Talk talk;
    ScramServer server = challenged(talk);
    talk.header = header;
    EXPECT_EQ(condition_of(server.finish(scram_test::client_final(talk))), "not-authorized") << header;
  }
}

TEST(Scram, MalformedFinalMessages) {
  Talk sample;
  challenged(sample);
  const std::string proof = scram_test::client_final(sample).substr(scram_test::without_proof(sample).size() + 1);
  const std::string nonce = "r=clientnonceSERVER";
  const std::string bad[] = {"",
                             ",",
                             "c=biws",
                             "c=biws," + nonce,
                             proof,
                             "c=biws," + proof,
                             nonce + ",c=biws," + proof,
                             "c=biws," + proof + "," + nonce,
                             "c=biws," + nonce + "," + proof + ",",
                             "c=biws," + nonce + "," + proof + ",x=1",
                             "c=," + nonce + "," + proof,
                             "c=biw," + nonce + "," + proof,
                             "c=bi ws," + nonce + "," + proof,
                             "c=biws,r=," + proof,
                             "c=biws," + nonce + ",p=",
                             "c=biws," + nonce + ",p=AAAA",
                             "c=biws," + nonce + ",p=!" + proof.substr(3),
                             "c=biws," + nonce + ",x," + proof,
                             "c=biws," + nonce + ",x=1,x=2," + proof,
                             "c=biws," + nonce + "," + nonce + "," + proof,
                             "c=biws," + nonce + "," + proof + "," + proof,
                             "c=biws,c=biws," + nonce + "," + proof,
                             "c=biws," + nonce + ",x=\xFF," + proof,
                             "C=biws," + nonce + "," + proof,
                             "c=biws," + nonce + ",P" + proof.substr(1)};
  for (const std::string& message : bad) {
    Talk talk;
    EXPECT_EQ(condition_of(challenged(talk).finish(message)), "malformed-request") << message;
  }
  Talk talk;
  EXPECT_EQ(condition_of(challenged(talk).finish("c=biws," + nonce + "," + proof)), "success");
}

TEST(Scram, NoncesMustMatch) {
  for (const char* nonce : {"clientnonce", "SERVER", "clientnonceSERVERx", "clientnonceSERVE", "clientnonceserver"}) {
    Talk talk;
    ScramServer server = challenged(talk);
    std::string final = scram_test::client_final(talk);
    final.replace(final.find(",r=") + 3, std::string_view{"clientnonceSERVER"}.size(), nonce);
    EXPECT_EQ(condition_of(server.finish(final)), "not-authorized") << nonce;
  }
}

// Any other byte anywhere in the final message, and any byte less, must not pass.
TEST(Scram, EveryTamperedByteOfTheFinalMessageFails) {
  Talk talk{.extensions = ",x=1"};
  challenged(talk);
  const std::string good = scram_test::client_final(talk);
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const char other : {'A', 'z', '=', ',', '\x01', static_cast<char>(good[at] ^ 1)}) {
      if (other == good[at]) continue;
      std::string bad = good;
      bad[at] = other;
      EXPECT_NE(condition_of(challenged(talk).finish(bad)), "success") << bad;
    }
    EXPECT_NE(condition_of(challenged(talk).finish(good.substr(0, at))), "success");
  }
  EXPECT_EQ(condition_of(challenged(talk).finish(good)), "success");
}

// What the client signed must be what the server saw and said: the first messages are part of the proof.
TEST(Scram, TamperedFirstMessagesFail) {
  const auto outcome = [](auto&& tamper) {
    Talk talk;
    ScramServer server = challenged(talk);
    tamper(talk);
    return condition_of(server.finish(scram_test::client_final(talk)));
  };
  EXPECT_EQ(outcome([](Talk&) {}), "success");
  EXPECT_EQ(outcome([](Talk& talk) { talk.bare = "n=usera,r=clientnonce"; }), "not-authorized");
  EXPECT_EQ(outcome([](Talk& talk) { talk.bare += ",x=1"; }), "not-authorized");
  EXPECT_EQ(outcome([](Talk& talk) { talk.server_first += "0"; }), "not-authorized");
  EXPECT_EQ(outcome([](Talk& talk) { talk.server_first.insert(talk.server_first.find(",i="), ",x=1"); }),
            "not-authorized");
  EXPECT_EQ(outcome([](Talk& talk) { talk.salted_password[0] ^= 1; }), "not-authorized");
}

TEST(Scram, DecoysNeverSucceed) {
  // The keys themselves fit no password ...
  ScramServer server{{.nonce = "SERVER"}};
  Talk talk;
  EXPECT_EQ(condition_of(server.first("n,," + talk.bare)), "success");
  const ScramKeys decoy = decoy_keys(Hash::sha256, "secret", "nobody@example.com", iterations);
  talk.server_first = server.server_first(decoy);
  talk.salted_password = scram_test::salted(talk.hash, "pencil", decoy.salt, iterations);
  EXPECT_EQ(condition_of(server.finish(scram_test::client_final(talk))), "not-authorized");
  // ... and even a right proof does not pass where the caller said decoy; the error is the same one.
  Talk right, wrong;
  ScramServer as_decoy = challenged(right, {.nonce = "SERVER"}, KeyKind::decoy);
  ScramServer as_account = challenged(wrong);
  wrong.salted_password[0] ^= 1;
  const auto of_decoy = as_decoy.finish(scram_test::client_final(right));
  const auto of_account = as_account.finish(scram_test::client_final(wrong));
  EXPECT_EQ(condition_of(of_decoy), "not-authorized");
  EXPECT_EQ(std::get<SaslError>(of_decoy).text, std::get<SaslError>(of_account).text);
}

TEST(Scram, OutOfOrderIsABug) {
  const ScramKeys keys = decoy_keys(Hash::sha256, "secret", "a@example.com", 1);
  ScramServer fresh{{}};
  EXPECT_THROW(fresh.server_first(keys), Bug);
  ScramServer refused{{}};
  EXPECT_EQ(condition_of(refused.first("nonsense")), "malformed-request");
  EXPECT_THROW(refused.server_first(keys), Bug);
  EXPECT_THROW(refused.first("n,,n=user,r=x"), Bug);
  Talk talk;
  ScramServer done = challenged(talk);
  EXPECT_EQ(condition_of(done.finish(scram_test::client_final(talk))), "success");
  EXPECT_THROW(static_cast<void>(done.finish(scram_test::client_final(talk))), Bug);
  EXPECT_THROW(ScramServer({.nonce = "a,b"}), Bug);
  EXPECT_THROW(ScramServer({.nonce = ""}), Bug);
}

TEST(Scram, NoncesAreFresh) {
  EXPECT_NE(scram_nonce(), scram_nonce());
  EXPECT_EQ(from_base64(scram_nonce())->size(), 18U);
  ScramServer server{{}};
  EXPECT_EQ(condition_of(server.first("n,,n=user,r=client")), "success");
  const auto first = server.server_first(decoy_keys(Hash::sha256, "secret", "a@example.com", 1));
  EXPECT_EQ(scram_test::attribute(first, "r=").size(), 6U + 24U);
}

// XEP-0474: the hash is part of what the client signs.
TEST(Scram, DowngradeHashIsSent) {
  Talk talk;
  ScramServer server = challenged(talk, {.downgrade_hash = "G6k/rBLDqgOhRRaCuuatSDFkJ08=", .nonce = "SERVER"});
  EXPECT_TRUE(talk.server_first.ends_with(",i=7,h=G6k/rBLDqgOhRRaCuuatSDFkJ08="));
  EXPECT_EQ(condition_of(server.finish(scram_test::client_final(talk))), "success");
}

}  // namespace
}  // namespace jackdaw
