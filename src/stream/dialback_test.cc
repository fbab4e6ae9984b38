// Dialback's keys against the vector of the specifications, and its elements.
// SPDX-License-Identifier: Apache-2.0
#include "stream/dialback.h"

#include <gtest/gtest.h>

namespace jackdaw {
namespace {

TEST(Dialback, the_key_of_the_specification) {
  // XEP-0220 §2.1.1, XEP-0185 §3.
  EXPECT_EQ(dialback_key("s3cr3tf0rd14lb4ck", "montague.example", "capulet.example", "D60000229F"),
            "b4835385f37fe2895af6c196b59097b16862406db80559900d96bf6fa7d23df3");
}

TEST(Dialback, what_is_written) {
  const DomainPair pair{"capulet.example", "montague.example"};
  EXPECT_EQ(dialback_result(pair, "ab<"), "<db:result from='capulet.example' to='montague.example'>ab&lt;</db:result>");
  EXPECT_EQ(dialback_verify(pair, "4'7", "ab"),
            "<db:verify from='capulet.example' to='montague.example' id='4&apos;7'>ab</db:verify>");
  const DialbackElement asked{DialbackElement::What::verify, pair.source, pair.target, "417", {}, {}};
  EXPECT_EQ(dialback_answer(asked, "valid"),
            "<db:verify from='montague.example' to='capulet.example' id='417' type='valid'/>");
  const DialbackElement proof{DialbackElement::What::result, pair.source, pair.target, {}, {}, {}};
  const std::string error = dialback_error(proof, {Condition::item_not_found});
  EXPECT_TRUE(error.starts_with("<db:result from='montague.example' to='capulet.example' type='error'><error "));
  EXPECT_TRUE(error.ends_with("</db:result>"));
}

}  // namespace
}  // namespace jackdaw
