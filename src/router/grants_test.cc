// Rows that grant something to a component.
// SPDX-License-Identifier: Apache-2.0
#include "router/grants.h"

#include <gtest/gtest.h>

namespace jackdaw {
namespace {

TEST(Grants, NameAComponentAndWords) {
  const auto grant = parse_grant("Nurse.Example.ORG  roster=both iq=get:urn:xmpp:ping=1 ");
  ASSERT_TRUE(grant.ok());
  EXPECT_EQ(grant->component, "nurse.example.org");
  ASSERT_EQ(grant->words.size(), 2U);
  EXPECT_EQ(grant->words[0], (std::pair<std::string, std::string>{"roster", "both"}));
  EXPECT_EQ(grant->words[1], (std::pair<std::string, std::string>{"iq", "get:urn:xmpp:ping=1"}));
  EXPECT_TRUE(parse_grant("nurse.example.org")->words.empty());
}

TEST(Grants, SayWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {{"", "no component is named"},
                                                       {"roster=both", "'roster=both' is no component's name"},
                                                       {"nurse.example.org roster", "'roster' is not NAME=VALUE"},
                                                       {"nurse.example.org =both", "'=both' is not NAME=VALUE"},
                                                       {"nurse.example.org roster=", "'roster=' is not NAME=VALUE"}};
  for (const auto& [text, why] : cases) {
    const auto grant = parse_grant(text);
    ASSERT_FALSE(grant.ok()) << text;
    EXPECT_EQ(grant.failure().what, why);
  }
}

}  // namespace
}  // namespace jackdaw
