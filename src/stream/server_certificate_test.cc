// Which domains a certificate proves (RFC 9525 §6), made on the spot.
// SPDX-License-Identifier: Apache-2.0
#include "stream/server_certificate.h"

#include <gtest/gtest.h>

#include "stream/test_certificate.h"

namespace jackdaw {
namespace {

using namespace test;

bool proves(const std::string& alternative_names, std::string_view domain, const std::string& common_name = "other.lan",
            CommonName accepted = CommonName::ignored) {
  const Key key = make_ecdsa_key();
  const auto certificate =
      make_certificate(key.get(), {.common_names = {common_name}, .alternative_names = alternative_names});
  return proves_domain(certificate.get(), domain, accepted);
}

TEST(ServerCertificate, names_of_the_domain) {
  EXPECT_TRUE(proves("DNS:capulet.lan", "capulet.lan"));
  EXPECT_TRUE(proves("DNS:CAPULET.lan,DNS:x.lan", "capulet.lan"));
  EXPECT_TRUE(proves("otherName:1.3.6.1.5.5.7.8.7;IA5STRING:_xmpp-server.capulet.lan", "capulet.lan"));
  EXPECT_TRUE(proves("otherName:1.3.6.1.5.5.7.8.5;UTF8:capulet.lan", "capulet.lan"));
  EXPECT_TRUE(proves("DNS:xn--bcher-kva.lan", "b\u00fccher.lan"));
  EXPECT_TRUE(proves("DNS:*.capulet.lan", "chat.capulet.lan"));
}

TEST(ServerCertificate, what_proves_nothing) {
  EXPECT_FALSE(proves("DNS:montague.lan", "capulet.lan"));
  EXPECT_FALSE(proves("DNS:*.capulet.lan", "capulet.lan"));
  EXPECT_FALSE(proves("DNS:*.lan", "a.capulet.lan"));
  EXPECT_FALSE(proves("DNS:*.lan", "capulet.lan"));  // too much for one certificate
  EXPECT_FALSE(proves("DNS:c*.lan", "capulet.lan"));
  EXPECT_FALSE(proves("DNS:lan", "capulet.lan"));
  EXPECT_FALSE(proves("otherName:1.3.6.1.5.5.7.8.7;IA5STRING:_xmpp-client.capulet.lan", "capulet.lan"));
  EXPECT_FALSE(proves("otherName:1.3.6.1.5.5.7.8.7;IA5STRING:_xmpp-server.*.lan", "capulet.lan"));
  EXPECT_FALSE(proves("otherName:1.3.6.1.5.5.7.8.5;UTF8:juliet@capulet.lan", "capulet.lan"));
  EXPECT_FALSE(proves("email:capulet.lan@x.lan", "capulet.lan"));
  EXPECT_FALSE(proves("IP:127.0.0.1", "127.0.0.1"));
}

TEST(ServerCertificate, the_common_name_counts_only_when_asked_and_alone) {
  EXPECT_FALSE(proves("", "capulet.lan", "capulet.lan"));
  EXPECT_TRUE(proves("", "capulet.lan", "capulet.lan", CommonName::accepted));
  EXPECT_FALSE(proves("DNS:montague.lan", "capulet.lan", "capulet.lan", CommonName::accepted));
  EXPECT_FALSE(proves("", "capulet.lan", "other.lan", CommonName::accepted));
}

}  // namespace
}  // namespace jackdaw
