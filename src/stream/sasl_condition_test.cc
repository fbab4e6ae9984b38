// The words of RFC 6120 §6.5.
// SPDX-License-Identifier: Apache-2.0
#include "stream/sasl_condition.h"

#include <gtest/gtest.h>

namespace jackdaw {
namespace {

TEST(SaslConditions, HaveTheWordsOfTheRfc) {
  EXPECT_EQ(wire_name(SaslCondition::aborted), "aborted");
  EXPECT_EQ(wire_name(SaslCondition::account_disabled), "account-disabled");
  EXPECT_EQ(wire_name(SaslCondition::credentials_expired), "credentials-expired");
  EXPECT_EQ(wire_name(SaslCondition::encryption_required), "encryption-required");
  EXPECT_EQ(wire_name(SaslCondition::incorrect_encoding), "incorrect-encoding");
  EXPECT_EQ(wire_name(SaslCondition::invalid_authzid), "invalid-authzid");
  EXPECT_EQ(wire_name(SaslCondition::invalid_mechanism), "invalid-mechanism");
  EXPECT_EQ(wire_name(SaslCondition::malformed_request), "malformed-request");
  EXPECT_EQ(wire_name(SaslCondition::mechanism_too_weak), "mechanism-too-weak");
  EXPECT_EQ(wire_name(SaslCondition::not_authorized), "not-authorized");
  EXPECT_EQ(wire_name(SaslCondition::temporary_auth_failure), "temporary-auth-failure");
}

}  // namespace
}  // namespace jackdaw
