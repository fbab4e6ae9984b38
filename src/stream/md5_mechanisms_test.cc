// CRAM-MD5 and DIGEST-MD5 with the examples of their RFCs, and what is refused.
// SPDX-License-Identifier: Apache-2.0
#include "stream/md5_mechanisms.h"

#include <gtest/gtest.h>

namespace jackdaw {
namespace {

// RFC 2195 §2.
TEST(CramMd5, TheExampleOfTheRfc) {
  const auto response = parse_cram("tim b913a602c7eda7a495b4e6e7334d3890");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->name, "tim");
  const std::string challenge = "<1896.697170952@postoffice.reston.mci.net>";
  EXPECT_TRUE(cram_fits(*response, challenge, "tanstaaftanstaaf"));
  EXPECT_FALSE(cram_fits(*response, challenge, "tanstaaftanstaag"));
  EXPECT_FALSE(cram_fits(*response, "<another@challenge>", "tanstaaftanstaaf"));
}

TEST(CramMd5, ChallengesAreNeverTheSame) {
  EXPECT_NE(cram_challenge("montague.lan"), cram_challenge("montague.lan"));
  EXPECT_TRUE(cram_challenge("montague.lan").ends_with("@montague.lan>"));
}

TEST(CramMd5, WhatIsNoResponse) {
  for (const std::string text :
       {"", " ", "tim", "tim b913", " b913a602c7eda7a495b4e6e7334d3890", "tim b913a602c7eda7a495b4e6e7334d38900"})
    EXPECT_FALSE(parse_cram(text)) << text;
}

// RFC 2831 §4, with the service of XMPP in the place of IMAP's: digests computed with Python's hashlib.
class Digest : public testing::Test {
 protected:
  static std::string response(std::string_view digest, std::string_view more = "") {
    return "charset=utf-8,username=\"chris\",realm=\"elwood.lan\",nonce=\"OA6MG9tEQGm2hh\",nc=00000001,"
           "cnonce=\"OA6MHXh6VqTrRk\",digest-uri=\"xmpp/elwood.lan\",qop=auth,response=" +
           std::string{digest} + std::string{more};
  }
  DigestMd5 server_{"elwood.lan", "OA6MG9tEQGm2hh"};
};

TEST_F(Digest, TheChallenge) {
  EXPECT_EQ(server_.challenge(),
            "realm=\"elwood.lan\",nonce=\"OA6MG9tEQGm2hh\",qop=\"auth\",charset=utf-8,algorithm=md5-sess");
}

TEST_F(Digest, WhoKnowsThePasswordIsAnswered) {
  const auto read = server_.read(response("76513fc68d8b03c96138e667ff5b3ba4"));
  ASSERT_TRUE(std::holds_alternative<DigestMd5::Names>(read));
  EXPECT_EQ(std::get<DigestMd5::Names>(read).username, "chris");
  EXPECT_EQ(server_.finish("secret"), "rspauth=84dcae2b093622f37d5a54e94530fc2f");
  EXPECT_FALSE(server_.finish("Secret"));
}

TEST_F(Digest, NamesInLatinLettersAreHashedAsSuch) {
  const std::string text =
      "username=\"Ursel M\u00fcller\",nonce=\"OA6MG9tEQGm2hh\",nc=00000001,cnonce=\"x\","
      "digest-uri=\"xmpp/elwood.lan\",response=673997574da1bd0fce6031d9ddce3332";
  ASSERT_TRUE(std::holds_alternative<DigestMd5::Names>(server_.read(text)));
  EXPECT_TRUE(server_.finish("p\u00e4ssword"));
}

TEST_F(Digest, WhatIsRefused) {
  const std::string good(32, 'a');
  for (const std::string& text : std::vector<std::string>{
           std::string{}, std::string{"username"}, std::string{"="}, response("abc"), response(good, ",nc=00000001"),
           response(good, ",authzid=\"x"), response(good, ",x=\"\\"), std::string(5000, 'x'),
           "username=\"chris\",nonce=\"another\",nc=00000001,cnonce=\"x\",digest-uri=\"xmpp/elwood.lan\",response=" +
               good,
           "username=\"chris\",nonce=\"OA6MG9tEQGm2hh\",nc=00000002,cnonce=\"x\",digest-uri=\"xmpp/"
           "elwood.lan\",response=" +
               good,
           "username=\"chris\",nonce=\"OA6MG9tEQGm2hh\",nc=00000001,cnonce=\"x\",digest-uri=\"imap/"
           "elwood.lan\",response=" +
               good,
           "username=\"chris\",realm=\"x\",nonce=\"OA6MG9tEQGm2hh\",nc=00000001,cnonce=\"x\",digest-uri=\"xmpp/"
           "elwood.lan\",response=" +
               good,
           "username=\"chris\",qop=auth-conf,nonce=\"OA6MG9tEQGm2hh\",nc=00000001,cnonce=\"x\",digest-uri=\"xmpp/"
           "elwood.lan\",response=" +
               good})
    EXPECT_TRUE(std::holds_alternative<SaslError>(server_.read(text))) << text;
}

}  // namespace
}  // namespace jackdaw
