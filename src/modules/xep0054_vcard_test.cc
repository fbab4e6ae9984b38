// XEP-0054: vCards, read by everybody and written by one.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "modules/test_server.h"

namespace jackdaw {
extern const Module roster, xep0054_vcard;
namespace {

constexpr auto card = "<vCard xmlns='vcard-temp'><FN>Romeo &amp; co</FN></vCard>";

std::string iq(std::string_view type, std::string_view inside, std::string_view to = {}) {
  std::string out = "<iq type='" + std::string(type) + "' id='v'";
  if (!to.empty()) out += " to='" + std::string(to) + "'";
  return out + ">" + std::string(inside) + "</iq>";
}

// XEP-0054 §3.1 to §3.3.
TEST(VCard, OneWritesEverybodyReads) {
  TestServer server{xep0054_vcard};
  auto romeo = server.login("romeo@montague.lan/garden");
  auto juliet = server.login("juliet@capulet.lan/balcony");
  romeo.send(iq("set", card));
  romeo.expect("<iq type='result' id='v' from='romeo@montague.lan' to='romeo@montague.lan/garden'/>");
  romeo.send(iq("get", "<vCard xmlns='vcard-temp'/>"));
  romeo.expect("<iq type='result' id='v' from='romeo@montague.lan' to='romeo@montague.lan/garden'>" +
               std::string(card) + "</iq>");
  juliet.send(iq("get", "<vCard xmlns='vcard-temp'/>", "romeo@montague.lan"));
  juliet.expect("<iq type='result' id='v' from='romeo@montague.lan' to='juliet@capulet.lan/balcony'>" +
                std::string(card) + "</iq>");
}

TEST(VCard, WithoutOne) {
  TestServer server{xep0054_vcard};
  auto romeo = server.login("romeo@montague.lan/garden");
  server.make_account("juliet@capulet.lan");
  romeo.send(iq("get", "<vCard xmlns='vcard-temp'/>"));
  romeo.expect_error("v", Condition::item_not_found);
  // §3.3: no difference between no card and no account.
  for (const char* whom : {"juliet@capulet.lan", "nobody@capulet.lan"}) {
    romeo.send(iq("get", "<vCard xmlns='vcard-temp'/>", whom));
    romeo.expect_error("v", Condition::service_unavailable);
  }
}

// XEP-0054 §3.2.
TEST(VCard, NobodyWritesAnothers) {
  TestServer server{roster, xep0054_vcard};
  auto romeo = server.login("romeo@montague.lan/garden");
  server.make_account("juliet@capulet.lan");
  romeo.send(iq("set", card, "juliet@capulet.lan"));
  romeo.expect_error("v", Condition::service_unavailable);
  server.put_contact("juliet@capulet.lan", "romeo@montague.lan", Subscription::both);
  romeo.send(iq("set", card, "juliet@capulet.lan"));
  romeo.expect_error("v", Condition::forbidden);
  romeo.send(iq("get", "<vCard xmlns='vcard-temp'/>", "juliet@capulet.lan"));
  romeo.expect_error("v", Condition::service_unavailable);
}

TEST(VCard, SizeIsLimited) {
  TestServer server{xep0054_vcard};
  server.set("vcard.max_size=1KiB");
  auto romeo = server.login("romeo@montague.lan/garden");
  romeo.send(iq("set", "<vCard xmlns='vcard-temp'><DESC>" + std::string(1024, 'a') + "</DESC></vCard>"));
  romeo.expect_error("v", Condition::not_acceptable);
  romeo.send(iq("get", "<vCard xmlns='vcard-temp'/>"));
  romeo.expect_error("v", Condition::item_not_found);
}

}  // namespace
}  // namespace jackdaw
