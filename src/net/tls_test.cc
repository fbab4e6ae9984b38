// Certificates, ticket keys, and a transport's handshake against OpenSSL's client.
// SPDX-License-Identifier: Apache-2.0
#include "net/tls.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "net/test_cores.h"
#include "net/transport.h"

namespace jackdaw {
namespace {

using namespace test;

class TlsTest : public testing::Test {
 protected:
  TlsTest() {
    std::filesystem::create_directories(directory_);
    EXPECT_TRUE(make_self_signed(files_, {"montague.lan", "capulet.lan"}).ok());
  }
  ~TlsTest() override { std::filesystem::remove_all(directory_); }

  const std::string directory_ = testing::TempDir() + "/tls_test_" + std::to_string(::getpid());
  const TlsFiles files_{directory_ + "/own.pem", directory_ + "/own.key"};
  HandClock clock_;
};

TEST_F(TlsTest, TheCertificateOfTheFirstDayCanBeRead) {
  FILE* const file = std::fopen(files_.certificate.c_str(), "r");
  ASSERT_NE(file, nullptr);
  const std::unique_ptr<X509, void (*)(X509*)> read{PEM_read_X509(file, nullptr, nullptr, nullptr), X509_free};
  std::fclose(file);
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(X509_check_host(read.get(), "montague.lan", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_host(read.get(), "capulet.lan", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_host(read.get(), "verona.lan", 0, 0, nullptr), 0);
  EXPECT_EQ(X509_verify(read.get(), X509_get0_pubkey(read.get())), 1);
  EXPECT_LT(X509_cmp_current_time(X509_get0_notBefore(read.get())), 0);
  EXPECT_GT(X509_cmp_current_time(X509_get0_notAfter(read.get())), 0);
}

TEST_F(TlsTest, NobodyElseReadsTheKey) {
  struct stat of_key{};
  ASSERT_EQ(::stat(files_.key.c_str(), &of_key), 0);
  EXPECT_EQ(of_key.st_mode & 0777, 0600U);
}

TEST_F(TlsTest, AFileThatCannotBeUsedIsNamed) {
  const auto tickets = std::make_shared<TlsTickets>(clock_);
  const auto no_file = make_tls_context({directory_ + "/none.pem", files_.key}, tickets);
  ASSERT_FALSE(no_file);
  EXPECT_NE(no_file.failure().what.find("none.pem"), std::string::npos);

  const TlsFiles other{directory_ + "/other.pem", directory_ + "/other.key"};
  ASSERT_TRUE(make_self_signed(other, {"other.lan"}).ok());
  const auto wrong_key = make_tls_context({files_.certificate, other.key}, tickets);
  ASSERT_FALSE(wrong_key);
  EXPECT_NE(wrong_key.failure().what.find("other.key"), std::string::npos);

  EXPECT_FALSE(make_self_signed({directory_ + "/none/a.pem", directory_ + "/none/a.key"}, {"a.lan"}).ok());
}

TEST_F(TlsTest, TicketKeysChangeDailyAndOpenForADayMore) {
  TlsTickets tickets{clock_};
  const auto first = tickets.current();
  TlsTickets::Key found;
  bool renew = true;
  EXPECT_TRUE(tickets.find(first.name, found, renew));
  EXPECT_FALSE(renew);
  EXPECT_EQ(memcmp(&found, &first, sizeof first), 0);

  clock_.pass(std::chrono::hours{25});
  EXPECT_NE(memcmp(tickets.current().name, first.name, sizeof first.name), 0);
  EXPECT_TRUE(tickets.find(first.name, found, renew));
  EXPECT_TRUE(renew);
  EXPECT_EQ(memcmp(&found, &first, sizeof first), 0);

  clock_.pass(std::chrono::hours{25});
  EXPECT_FALSE(tickets.find(first.name, found, renew));
}

// OpenSSL's client with its bytes in memory, so that the test decides what goes out together.
class Client {
 public:
  Client() : context_(SSL_CTX_new(TLS_client_method())), ssl_(SSL_new(context_.get())) {
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl_.get());
    SSL_set_tlsext_host_name(ssl_.get(), "montague.lan");
  }
  // Until it is done on this side; the last bytes for the server are still to be taken.
  bool handshake(const SocketPair& sockets) {
    for (int i = 0; i < 10; ++i) {
      if (SSL_do_handshake(ssl_.get()) == 1) return true;
      sockets.say(take());
      give(sockets.hear(1));
    }
    return false;
  }
  void give(std::string_view encrypted) {
    BIO_write(SSL_get_rbio(ssl_.get()), encrypted.data(), static_cast<int>(encrypted.size()));
  }
  std::string take() {
    std::string out(static_cast<std::size_t>(BIO_pending(SSL_get_wbio(ssl_.get()))), '\0');
    if (!out.empty()) BIO_read(SSL_get_wbio(ssl_.get()), out.data(), static_cast<int>(out.size()));
    return out;
  }
  std::string encrypt(std::string_view plain) {
    SSL_write(ssl_.get(), plain.data(), static_cast<int>(plain.size()));
    return take();
  }
  std::string decrypt(const SocketPair& sockets, std::size_t size) {
    std::string out;
    char room[16384];
    while (out.size() < size) {
      const int n = SSL_read(ssl_.get(), room, sizeof room);
      if (n > 0) {
        out.append(room, static_cast<std::size_t>(n));
        continue;
      }
      const auto more = sockets.hear(1);
      if (more.empty()) break;
      give(more);
    }
    return out;
  }
  SSL* ssl() const { return ssl_.get(); }

 private:
  SslContextPtr context_;
  SslPtr ssl_;
};

struct Served {
  std::string heard;
  bool encrypted = false, ended = false;
};

// Repeats what it hears, encrypted.
Task<void> serve(Transport& transport, SSL_CTX* context, const TlsChooser& chooser, Served& served) {
  served.encrypted = co_await transport.start_tls(context, chooser, 30s);
  while (served.encrypted) {
    const Received received = co_await transport.read(60s);
    if (received.why != Wake::data) break;
    const std::string heard{received.bytes, received.size};
    served.heard += heard;
    transport.write(heard);
  }
  served.ended = true;
}

class HandshakeTest : public TlsTest {
 protected:
  HandshakeTest() {
    auto made = make_tls_context(files_, std::make_shared<TlsTickets>(clock_));
    EXPECT_TRUE(made.ok());
    context_ = std::move(*made);
    core_.on([&] {
      transport_ = std::make_unique<Transport>(core_.core, sockets_.ours, "192.0.2.1", nullptr);
      spawn(serve(*transport_, context_.get(), chooser_, served_));
    });
  }
  ~HandshakeTest() override {
    sockets_.hang_up();
    EXPECT_TRUE(ends());
    core_.on([&] { transport_.reset(); });
  }
  Served served() {
    Served copy;
    core_.on([&] { copy = served_; });
    return copy;
  }
  bool ends() {
    return becomes_true([&] { return served().ended; });
  }

  TestCore core_{0, clock_};
  SocketPair sockets_;
  SslContextPtr context_;
  const TlsChooser chooser_ = [this](std::string_view name, Comer) {
    chosen_for_ = name;
    return context_.get();
  };
  std::string chosen_for_;
  std::unique_ptr<Transport> transport_;
  Served served_;
};

TEST_F(HandshakeTest, BytesGoBothWays) {
  Client client;
  ASSERT_TRUE(client.handshake(sockets_));
  sockets_.say(client.take());
  sockets_.say(client.encrypt("hello"));
  EXPECT_EQ(client.decrypt(sockets_, 5), "hello");
  EXPECT_TRUE(served().encrypted);
  EXPECT_STREQ(SSL_get_version(client.ssl()), "TLSv1.3");
  EXPECT_EQ(chosen_for_, "montague.lan");
}

TEST_F(HandshakeTest, BytesRightBehindItAreNotLost) {
  Client client;
  ASSERT_TRUE(client.handshake(sockets_));
  std::string together = client.take();
  together += client.encrypt("first ");
  together += client.encrypt("second");
  sockets_.say(together);
  EXPECT_EQ(client.decrypt(sockets_, 12), "first second");
}

TEST_F(HandshakeTest, TakesMuch) {
  Client client;
  ASSERT_TRUE(client.handshake(sockets_));
  sockets_.say(client.take());
  const std::string much(300'000, 'x');
  sockets_.say(client.encrypt(much));
  EXPECT_EQ(client.decrypt(sockets_, much.size()), much);
}

TEST_F(HandshakeTest, EndsWithWhatIsNoTls) {
  sockets_.say("<stream:stream xmlns='jabber:client'>");
  EXPECT_TRUE(ends());
  EXPECT_FALSE(served().encrypted);
}

TEST_F(HandshakeTest, EndsWhenItTakesTooLong) {
  clock_.pass(32s);
  core_.turns();
  EXPECT_TRUE(ends());
  EXPECT_FALSE(served().encrypted);
}

}  // namespace
}  // namespace jackdaw
