// The tables of RFC 6121 §8.5, row by row, without any module.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "router/test_shard.h"

namespace jackdaw {
namespace {

using namespace test;

constexpr std::string_view bare = "juliet@capulet.lan", full = "juliet@capulet.lan/balcony",
                           gone = "juliet@capulet.lan/chamber";

// Keeps every message.
struct KeepsAll final : Offline {
  bool keeps(const Stanza&) override { return true; }
  void keep(Account&, StanzaRef, TimePoint, std::function<void(Fate)> done) override { done(Fate::stored); }
  void flush(Account&, const SessionRef&) override {}
};
const Module keeps_all{.name = "offline", .summary = "Keeps all.", .setup = [](Domain& domain) {
                         domain.provide(domain.keep<KeepsAll>());
                       }};

class DeliveryTable : public testing::Test {
 protected:
  void become_available(int priority = 0) { shards_.make_available(juliet_, priority); }
  // What Juliet's session gets and what comes back to Romeo's.
  std::string sent(Kind kind, Type type, std::string_view to) {
    shards_.route(stanza(kind, type, "romeo@montague.lan/garden", to, "1"));
    const auto arrived = shards_.taken(juliet_), back = shards_.taken(romeo_);
    EXPECT_TRUE(arrived.empty() || back.empty());
    return !arrived.empty() ? "delivered" : !back.empty() ? back : "dropped";
  }

  TestShards shards_;
  Listening romeo_ = shards_.connect("romeo@montague.lan/garden");
  Listening juliet_ = shards_.connect(full);
};

constexpr std::string_view error = "message error 1 service-unavailable";

TEST_F(DeliveryTable, MessagesToTheBareJidWithSomebodyAvailable) {
  become_available();
  EXPECT_EQ(sent(Kind::message, Type::normal, bare), "delivered");
  EXPECT_EQ(sent(Kind::message, Type::chat, bare), "delivered");
  EXPECT_EQ(sent(Kind::message, Type::headline, bare), "delivered");
  EXPECT_EQ(sent(Kind::message, Type::groupchat, bare), error);
  EXPECT_EQ(sent(Kind::message, Type::error, bare), "dropped");
}

TEST_F(DeliveryTable, MessagesToTheBareJidWithNobodyAvailable) {
  for (const bool negative : {false, true}) {
    if (negative) become_available(-1);  // RFC 6121 §8.5.2.1.1: a negative priority gets none
    EXPECT_EQ(sent(Kind::message, Type::normal, bare), error);
    EXPECT_EQ(sent(Kind::message, Type::chat, bare), error);
    EXPECT_EQ(sent(Kind::message, Type::headline, bare), "dropped");
    EXPECT_EQ(sent(Kind::message, Type::groupchat, bare), error);
    EXPECT_EQ(sent(Kind::message, Type::error, bare), "dropped");
  }
}

TEST_F(DeliveryTable, EverythingToAConnectedFullJid) {
  for (const Type type : {Type::normal, Type::chat, Type::headline, Type::groupchat, Type::error})
    EXPECT_EQ(sent(Kind::message, type, full), "delivered") << name_of(type);
  for (const Type type : {Type::get, Type::set, Type::result, Type::error})
    EXPECT_EQ(sent(Kind::iq, type, full), "delivered") << name_of(type);
  EXPECT_EQ(sent(Kind::presence, Type::available, full), "delivered");
  EXPECT_EQ(sent(Kind::presence, Type::unavailable, full), "delivered");
}

TEST_F(DeliveryTable, ToAFullJidThatIsNotConnected) {
  become_available();
  EXPECT_EQ(sent(Kind::message, Type::normal, gone), error);
  EXPECT_EQ(sent(Kind::message, Type::chat, gone), "delivered");  // as to the bare JID
  EXPECT_EQ(sent(Kind::message, Type::headline, gone), "dropped");
  EXPECT_EQ(sent(Kind::message, Type::groupchat, gone), error);
  EXPECT_EQ(sent(Kind::message, Type::error, gone), "dropped");
  EXPECT_EQ(sent(Kind::iq, Type::get, gone), "iq error 1 service-unavailable");
  EXPECT_EQ(sent(Kind::iq, Type::result, gone), "dropped");
  EXPECT_EQ(sent(Kind::presence, Type::available, gone), "dropped");
}

TEST_F(DeliveryTable, RequestsToTheBareJidAreAnsweredForTheAccount) {
  become_available();
  EXPECT_EQ(sent(Kind::iq, Type::get, bare), "iq error 1 service-unavailable");
  EXPECT_EQ(sent(Kind::iq, Type::result, bare), "dropped");
}

// RFC 6121 §8.5.1.
TEST_F(DeliveryTable, ToNobody) {
  constexpr std::string_view nobody = "tybalt@capulet.lan";
  EXPECT_EQ(sent(Kind::message, Type::chat, nobody), error);
  EXPECT_EQ(sent(Kind::message, Type::error, nobody), "dropped");
  EXPECT_EQ(sent(Kind::iq, Type::get, nobody), "iq error 1 service-unavailable");
  EXPECT_EQ(sent(Kind::iq, Type::result, nobody), "dropped");
  EXPECT_EQ(sent(Kind::presence, Type::available, nobody), "dropped");
}

TEST_F(DeliveryTable, ToTheDomainAndElsewhere) {
  EXPECT_EQ(sent(Kind::message, Type::chat, "capulet.lan"), error);
  EXPECT_EQ(sent(Kind::iq, Type::get, "capulet.lan"), "iq error 1 service-unavailable");
  EXPECT_EQ(sent(Kind::iq, Type::get, "capulet.lan/x"), "iq error 1 service-unavailable");
  EXPECT_EQ(sent(Kind::presence, Type::available, "capulet.lan"), "dropped");
  EXPECT_EQ(sent(Kind::message, Type::chat, "a@verona.lan"), "message error 1 remote-server-not-found");
}

TEST_F(DeliveryTable, AMessageToTheBareJidReachesAllWhoAreReachable) {
  become_available();
  const auto second = shards_.connect("juliet@capulet.lan/garden"), away = shards_.connect("juliet@capulet.lan/away"),
             quiet = shards_.connect("juliet@capulet.lan/quiet");
  shards_.make_available(second, 5);
  shards_.make_available(away, -1);
  EXPECT_EQ(sent(Kind::message, Type::chat, bare), "delivered");
  EXPECT_EQ(shards_.taken(second), "message chat 1");
  EXPECT_EQ(shards_.taken(away), "");
  EXPECT_EQ(shards_.taken(quiet), "");
}

TEST(DeliveryOffline, KeepsWhatNobodyIsThereFor) {
  TestShards shards{1, &keeps_all};
  const auto romeo = shards.connect("romeo@montague.lan/garden");
  shards.make_account(*BareJid::parse(bare));
  for (const Type type : {Type::normal, Type::chat}) {
    shards.route(stanza(Kind::message, type, "romeo@montague.lan/garden", bare, "1"));
    EXPECT_EQ(shards.taken(romeo), "") << name_of(type);
  }
  shards.route(stanza(Kind::message, Type::groupchat, "romeo@montague.lan/garden", bare, "1"));
  EXPECT_EQ(shards.taken(romeo), error);
}

}  // namespace
}  // namespace jackdaw
