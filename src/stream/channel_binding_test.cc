// Real TLS connections in memory: what the server offers is what the client computes for itself.
// SPDX-License-Identifier: Apache-2.0
#include "stream/channel_binding.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <map>

#include "base/bytes.h"
#include "stream/test_certificate.h"

namespace jackdaw {
namespace {

struct FreeTls {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using Context = std::unique_ptr<SSL_CTX, FreeTls>;
using Session = std::unique_ptr<SSL_SESSION, FreeTls>;

struct Connection {
  std::unique_ptr<SSL, FreeTls> server, client;
};

Context make_context(const SSL_METHOD* method, int version) {
  Context context{SSL_CTX_new(method)};
  SSL_CTX_set_security_level(context.get(), 0);
  SSL_CTX_set_min_proto_version(context.get(), version);
  SSL_CTX_set_max_proto_version(context.get(), version);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION);
  return context;
}

Context client_context(int version) { return make_context(TLS_client_method(), version); }

void add_certificate(SSL_CTX* context, EVP_PKEY* key, const test::CertificateWish& wish) {
  const auto certificate = test::make_certificate(key, wish);
  ASSERT_EQ(SSL_CTX_use_certificate(context, certificate.get()), 1);
  ASSERT_EQ(SSL_CTX_use_PrivateKey(context, key), 1);
}

Context server_context(int version, const test::CertificateWish& wish = {}) {
  Context context = make_context(TLS_server_method(), version);
  SSL_CTX_set_session_id_context(context.get(), reinterpret_cast<const unsigned char*>("test"), 4);
  add_certificate(context.get(), test::make_ecdsa_key().get(), wish);
  return context;
}

Connection unconnected(SSL_CTX* server, SSL_CTX* client) {
  Connection connection{.server{SSL_new(server)}, .client{SSL_new(client)}};
  BIO *server_end = nullptr, *client_end = nullptr;
  BIO_new_bio_pair(&server_end, 0, &client_end, 0);
  SSL_set_bio(connection.server.get(), server_end, server_end);
  SSL_set_bio(connection.client.get(), client_end, client_end);
  SSL_set_accept_state(connection.server.get());
  SSL_set_connect_state(connection.client.get());
  return connection;
}

Connection connect(SSL_CTX* server, SSL_CTX* client, SSL_SESSION* session = nullptr) {
  Connection connection = unconnected(server, client);
  if (session != nullptr) SSL_set_session(connection.client.get(), session);
  for (int i = 0; i < 10; ++i) SSL_do_handshake(connection.client.get()), SSL_do_handshake(connection.server.get());
  EXPECT_TRUE(SSL_is_init_finished(connection.client.get()) && SSL_is_init_finished(connection.server.get()));
  char byte = 0;
  SSL_write(connection.server.get(), "x", 1);
  EXPECT_EQ(SSL_read(connection.client.get(), &byte, 1), 1);  // takes the TLS 1.3 tickets too
  return connection;
}

// The second connection resumes the first one's session.
Connection resume(SSL_CTX* server, SSL_CTX* client) {
  const Connection first = connect(server, client);
  const Session session{SSL_get1_session(first.client.get())};
  SSL_shutdown(first.client.get());  // else the session counts as broken off
  Connection second = connect(server, client, session.get());
  EXPECT_TRUE(SSL_session_reused(second.server.get()));
  return second;
}

std::map<std::string, std::string> offered(const Connection& connection) {
  std::map<std::string, std::string> found;
  for (const auto& binding : channel_bindings(connection.server.get())) found[binding.name] = binding.data;
  return found;
}

std::string exporter_of_client(const Connection& connection) {
  unsigned char out[32];
  EXPECT_EQ(SSL_export_keying_material(connection.client.get(), out, 32, "EXPORTER-Channel-Binding", 24,
                                       reinterpret_cast<const unsigned char*>(""), 0, 1),
            1);
  return {reinterpret_cast<char*>(out), 32};
}

std::string end_point_of_client(const Connection& connection, const EVP_MD* hash = EVP_sha256()) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  X509* certificate = SSL_get0_peer_certificate(connection.client.get());
  EXPECT_EQ(X509_digest(certificate, hash, out, &size), 1);
  return {reinterpret_cast<char*>(out), size};
}

std::string unique_of_client(const Connection& connection, bool resumed) {
  char out[64];
  const auto size = resumed ? SSL_get_peer_finished(connection.client.get(), out, sizeof out)
                            : SSL_get_finished(connection.client.get(), out, sizeof out);
  EXPECT_EQ(size, 12U);
  return {out, size};
}

using Offered = std::map<std::string, std::string>;

TEST(ChannelBinding, Tls13) {
  const auto server = server_context(TLS1_3_VERSION), client = client_context(TLS1_3_VERSION);
  const auto connection = connect(server.get(), client.get());
  EXPECT_EQ(offered(connection), (Offered{{"tls-exporter", exporter_of_client(connection)},
                                          {"tls-server-end-point", end_point_of_client(connection)}}));
  EXPECT_EQ(channel_bindings(connection.server.get()).front().name, "tls-exporter");
  EXPECT_NE(offered(connect(server.get(), client.get()))["tls-exporter"], exporter_of_client(connection));
}

TEST(ChannelBinding, Tls13Resumed) {
  const auto server = server_context(TLS1_3_VERSION), client = client_context(TLS1_3_VERSION);
  const auto connection = resume(server.get(), client.get());
  EXPECT_EQ(offered(connection), (Offered{{"tls-exporter", exporter_of_client(connection)},
                                          {"tls-server-end-point", end_point_of_client(connection)}}));
}

TEST(ChannelBinding, Tls12) {
  const auto server = server_context(TLS1_2_VERSION), client = client_context(TLS1_2_VERSION);
  const auto connection = connect(server.get(), client.get());
  EXPECT_EQ(offered(connection), (Offered{{"tls-exporter", exporter_of_client(connection)},
                                          {"tls-unique", unique_of_client(connection, false)},
                                          {"tls-server-end-point", end_point_of_client(connection)}}));
}

TEST(ChannelBinding, Tls12Resumed) {
  const auto server = server_context(TLS1_2_VERSION), client = client_context(TLS1_2_VERSION);
  const auto connection = resume(server.get(), client.get());
  EXPECT_EQ(offered(connection), (Offered{{"tls-exporter", exporter_of_client(connection)},
                                          {"tls-unique", unique_of_client(connection, true)},
                                          {"tls-server-end-point", end_point_of_client(connection)}}));
}

// RFC 7627 §5.4: without it two connections may share a master secret.
TEST(ChannelBinding, Tls12WithoutExtendedMasterSecret) {
  const auto server = server_context(TLS1_2_VERSION), client = client_context(TLS1_2_VERSION);
  SSL_CTX_set_options(client.get(), SSL_OP_NO_EXTENDED_MASTER_SECRET);
  const auto connection = connect(server.get(), client.get());
  EXPECT_EQ(offered(connection), (Offered{{"tls-server-end-point", end_point_of_client(connection)}}));
}

TEST(ChannelBinding, Tls12WithRenegotiation) {
  const auto server = server_context(TLS1_2_VERSION), client = client_context(TLS1_2_VERSION);
  SSL_CTX_clear_options(server.get(), SSL_OP_NO_RENEGOTIATION);
  const auto connection = connect(server.get(), client.get());
  EXPECT_EQ(offered(connection), (Offered{{"tls-server-end-point", end_point_of_client(connection)}}));
}

// RFC 5929 §4.1: the certificate's own hash, but never MD5 or SHA-1.
TEST(ChannelBinding, EndPointHashes) {
  const std::pair<const EVP_MD*, const EVP_MD*> cases[] = {
      {EVP_sha1(), EVP_sha256()}, {EVP_sha384(), EVP_sha384()}, {EVP_sha512(), EVP_sha512()}};
  for (const auto& [signed_with, expected] : cases) {
    const auto server = server_context(TLS1_3_VERSION, {.hash = signed_with}), client = client_context(TLS1_3_VERSION);
    const auto connection = connect(server.get(), client.get());
    EXPECT_EQ(offered(connection)["tls-server-end-point"], end_point_of_client(connection, expected));
  }
}

// A signature without a hash of its own leaves the binding undefined.
TEST(ChannelBinding, NoEndPointForEd25519) {
  const auto server = make_context(TLS_server_method(), TLS1_3_VERSION), client = client_context(TLS1_3_VERSION);
  const test::Key key{EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")};
  add_certificate(server.get(), key.get(), {.hash = nullptr});
  const auto connection = connect(server.get(), client.get());
  EXPECT_EQ(offered(connection), (Offered{{"tls-exporter", exporter_of_client(connection)}}));
}

// With two certificates the one that was sent counts; on a resumed connection it cannot be told.
TEST(ChannelBinding, SeveralCertificates) {
  const test::Key rsa{EVP_RSA_gen(2048)};
  for (const char* algorithms : {"ECDSA+SHA256", "RSA-PSS+SHA256"}) {
    const auto server = server_context(TLS1_3_VERSION), client = client_context(TLS1_3_VERSION);
    add_certificate(server.get(), rsa.get(), {.common_names = {"rsa"}});
    ASSERT_EQ(SSL_CTX_set1_sigalgs_list(client.get(), algorithms), 1);
    const auto connection = connect(server.get(), client.get());
    EXPECT_EQ(offered(connection)["tls-server-end-point"], end_point_of_client(connection)) << algorithms;
    const auto resumed = resume(server.get(), client.get());
    EXPECT_EQ(offered(resumed), (Offered{{"tls-exporter", exporter_of_client(resumed)}}));
  }
}

TEST(ChannelBinding, NothingBeforeTheHandshake) {
  const auto server = server_context(TLS1_3_VERSION), client = client_context(TLS1_3_VERSION);
  const auto connection = unconnected(server.get(), client.get());
  EXPECT_TRUE(channel_bindings(connection.server.get()).empty());
  EXPECT_TRUE(channel_bindings(nullptr).empty());
}

}  // namespace
}  // namespace jackdaw
