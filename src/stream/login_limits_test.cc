// Attackers and forgetful users against LoginLimits, with time passed in.
// SPDX-License-Identifier: Apache-2.0
#include "stream/login_limits.h"

#include <gtest/gtest.h>

#include "base/check.h"

namespace jackdaw {
namespace {

const Steady start = Steady{} + 1000h;
const std::string juliet = "juliet@example.com", home = "192.0.2.1", away = "198.51.100.7";

std::string stranger(int number) {
  return "203." + std::to_string(number / 65536) + "." + std::to_string(number / 256 % 256) + "." +
         std::to_string(number % 256);
}

void fail(LoginLimits& limits, const std::string& account, const std::string& address, int times, Steady now) {
  for (int i = 0; i < times; ++i) limits.failed(account, address, now);
}

TEST(AddressKey, WhatIsOneAddress) {
  EXPECT_EQ(address_key("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(address_key("::ffff:192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(address_key("::FFFF:c000:0201"), "192.0.2.1");
  EXPECT_EQ(address_key("2001:db8:1:2::1"), "20010db800010002/64");
  EXPECT_EQ(address_key("2001:db8:1:2:ffff:ffff:ffff:ffff"), address_key("2001:db8:1:2::1"));
  EXPECT_NE(address_key("2001:db8:1:3::1"), address_key("2001:db8:1:2::1"));
  EXPECT_EQ(address_key("fe80::1%eth0"), address_key("fe80::2%eth1"));
  EXPECT_EQ(address_key("local"), "local");
  EXPECT_EQ(address_key(""), "");
}

TEST(LoginLimits, FiveTriesThenTheWaitDoubles) {
  LoginLimits limits;
  Steady now = start;
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(limits.wait(juliet, away, now), 0s);
    limits.failed(juliet, away, now);
  }
  for (const auto expected : {5s, 10s, 20s, 40s, 80s, 160s, 320s, 640s, 900s, 900s}) {
    EXPECT_EQ(limits.wait(juliet, away, now), expected);
    EXPECT_EQ(limits.wait(juliet, away, now + expected - 1s), 1s);
    EXPECT_EQ(limits.wait(juliet, away, now + expected - 1ms), 1s);
    now += expected;
    EXPECT_EQ(limits.wait(juliet, away, now), 0s);
    limits.failed(juliet, away, now);
  }
  EXPECT_EQ(limits.wait(juliet, home, now), 0s);
  EXPECT_EQ(limits.wait("nurse@example.com", away, now), 0s);
}

TEST(LoginLimits, TenAMinuteOfOneAccountWhereverTheyComeFrom) {
  LoginLimits limits;
  limits.set_account_flow(10, 60s);
  limits.succeeded(juliet, home, start);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(limits.wait(juliet, stranger(i), start + i * 1s), 0s);
    limits.failed(juliet, stranger(i), start + i * 1s);
  }
  EXPECT_EQ(limits.wait(juliet, stranger(99), start + 10s), 50s);
  EXPECT_EQ(limits.wait(juliet, home, start + 10s), 0s);
  EXPECT_EQ(limits.wait("nurse@example.com", stranger(99), start + 10s), 0s);
  EXPECT_EQ(limits.wait(juliet, stranger(99), start + 60s), 0s);
  limits.set_account_flow(0, 60s);
  EXPECT_EQ(limits.wait(juliet, stranger(99), start + 10s), 0s);
}

TEST(LoginLimits, NobodysFailuresAreTheAddressesAlone) {
  LoginLimits limits;
  limits.set_account_flow(10, 60s);
  fail(limits, "", away, 60, start);
  EXPECT_EQ(limits.wait("", home, start), 0s);
  EXPECT_EQ(limits.wait("", away, start), 0s);
  EXPECT_EQ(limits.wait(juliet, away, start), 0s);
  fail(limits, "", away, 40, start);
  EXPECT_GT(limits.wait("", away, start), 0s);
  EXPECT_EQ(limits.wait("", home, start), 0s);
}

TEST(LoginLimits, FailuresAreForgotten) {
  LoginLimits limits;
  fail(limits, juliet, away, 20, start);
  EXPECT_EQ(limits.wait(juliet, away, start), 900s);
  fail(limits, juliet, away, 1, start + 24h);
  EXPECT_EQ(limits.wait(juliet, away, start + 24h), 0s);
}

TEST(LoginLimits, SuccessEndsThePairsFailures) {
  LoginLimits limits;
  fail(limits, juliet, away, 4, start);
  limits.succeeded(juliet, away, start);
  fail(limits, juliet, away, 4, start);
  EXPECT_EQ(limits.wait(juliet, away, start), 0s);
}

TEST(LoginLimits, OneAccountFromManyAddresses) {
  LoginLimits limits;
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(limits.wait(juliet, stranger(i), start), 0s);
    limits.failed(juliet, stranger(i), start);
  }
  EXPECT_EQ(limits.wait(juliet, stranger(999), start), 5s);
  EXPECT_EQ(limits.wait("nurse@example.com", stranger(999), start), 0s);
  EXPECT_EQ(limits.wait(juliet, stranger(999), start + 5s), 0s);
}

TEST(LoginLimits, ManyAccountsFromOneAddress) {
  LoginLimits limits;
  for (int i = 0; i < 100; ++i) {
    const std::string account = "user" + std::to_string(i) + "@example.com";
    EXPECT_EQ(limits.wait(account, away, start), 0s);
    limits.failed(account, away, start);
  }
  EXPECT_EQ(limits.wait(juliet, away, start), 5s);
  EXPECT_EQ(limits.wait(juliet, home, start), 0s);
  // The attacker's own account does not clear the address for other names.
  limits.succeeded("mallory@example.com", away, start);
  EXPECT_EQ(limits.wait(juliet, away, start), 5s);
}

TEST(LoginLimits, OneNetworkCountsOnce) {
  LoginLimits limits;
  for (int i = 1; i <= 5; ++i) limits.failed(juliet, "2001:db8::" + std::to_string(i), start);
  EXPECT_EQ(limits.wait(juliet, "2001:db8::ffff", start), 5s);
  EXPECT_EQ(limits.wait(juliet, "2001:db8:0:1::1", start), 0s);
  for (int i = 0; i < 5; ++i) limits.failed(juliet, "::ffff:192.0.2.1", start);
  EXPECT_EQ(limits.wait(juliet, "192.0.2.1", start), 5s);
}

// The reason for trust: nobody but she herself can keep a user out of where she logged in before.
TEST(LoginLimits, StrangersCannotLockOutAUser) {
  LoginLimits limits;
  limits.succeeded(juliet, home, start);
  for (int i = 0; i < 1000; ++i) limits.failed(juliet, stranger(i), start);
  for (int i = 0; i < 1000; ++i) limits.failed("user" + std::to_string(i) + "@example.com", home, start);
  EXPECT_EQ(limits.wait(juliet, away, start), 900s);
  EXPECT_EQ(limits.wait("nurse@example.com", home, start), 900s);
  EXPECT_EQ(limits.wait(juliet, home, start), 0s);
  fail(limits, juliet, home, 5, start);
  EXPECT_EQ(limits.wait(juliet, home, start), 5s);
}

TEST(LoginLimits, TrustEndsAfterThirtyDays) {
  LoginLimits limits;
  limits.succeeded(juliet, home, start);
  const Steady later = start + 30 * 24h;
  for (int i = 0; i < 60; ++i) limits.failed(juliet, stranger(i), later - 1s);
  EXPECT_EQ(limits.wait(juliet, home, later - 1s), 0s);
  EXPECT_GT(limits.wait(juliet, home, later), 0s);
}

TEST(LoginLimits, AnOldPasswordAtHomeDoesNotLockTheUserOutElsewhere) {
  LoginLimits limits;
  limits.succeeded(juliet, home, start);
  fail(limits, juliet, home, 90, start);
  EXPECT_EQ(limits.wait(juliet, away, start), 0s);
}

TEST(LoginLimits, AnAccountTrustsItsLatestAddresses) {
  LoginLimits limits;
  for (int i = 0; i < 17; ++i) limits.succeeded(juliet, stranger(i), start + i * 1s);
  limits.succeeded(juliet, stranger(2), start + 20s);
  limits.succeeded(juliet, stranger(17), start + 21s);
  for (int i = 100; i < 160; ++i) limits.failed(juliet, stranger(i), start + 30s);
  for (const int gone : {0, 1}) EXPECT_GT(limits.wait(juliet, stranger(gone), start + 30s), 0s) << gone;
  EXPECT_EQ(limits.wait(juliet, stranger(2), start + 30s), 0s);
  EXPECT_EQ(limits.wait(juliet, stranger(17), start + 30s), 0s);
}

TEST(LoginLimits, FullTablesForgetTheOldest) {
  LoginLimits limits{{.pairs = 3, .accounts = 3, .addresses = 3, .trusted_accounts = 3}};
  fail(limits, juliet, away, 5, start);
  fail(limits, "a@example.com", away, 1, start);
  fail(limits, "b@example.com", away, 1, start);
  EXPECT_EQ(limits.wait(juliet, away, start), 5s);
  fail(limits, "c@example.com", away, 1, start);
  EXPECT_EQ(limits.wait(juliet, away, start), 0s);
  for (int i = 0; i < 1000; ++i) {
    const std::string account = std::to_string(i) + "@example.com";
    limits.failed(account, stranger(i), start);
    limits.succeeded(account, stranger(i), start);
    limits.failed(account, stranger(i + 1000), start);
    EXPECT_LE(limits.size(), 12U);
  }
}

TEST(LoginLimits, RulesThatCannotWorkAreABug) {
  EXPECT_THROW(LoginLimits({.free_for_pair = 0}), Bug);
  EXPECT_THROW(LoginLimits({.first_wait = 0s}), Bug);
  EXPECT_THROW(LoginLimits({.first_wait = 20min}), Bug);
  EXPECT_THROW(LoginLimits({.longest_wait = 24h}), Bug);
  EXPECT_THROW(LoginLimits({.pairs = 0}), Bug);
  EXPECT_THROW(LoginLimits({.trusted_addresses_each = 0}), Bug);
}

}  // namespace
}  // namespace jackdaw
