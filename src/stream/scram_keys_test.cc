// Keys and hashes of SCRAM, apart from the exchange.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <set>

#include "base/bytes.h"
#include "base/check.h"
#include "stream/scram.h"

namespace jackdaw {
namespace {

const std::string salt = "sixteen bytes ..";
constexpr int iterations = 7;

TEST(ScramKeys, DerivedKeysAgreeWithHashlib) {
  const ScramKeys keys = derive_scram_keys(Hash::sha256, "pencil", *from_base64("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096);
  EXPECT_EQ(to_hex(keys.stored_key), "586e5df283e6dceb5c3e791d8b8528ec191e664045ce971792e2e6b5bb13e2a6");
  EXPECT_EQ(to_hex(keys.server_key), "c1f3cbc1c13a9d35a14c0990eed97629ea225863e566a4314ab99f3f00e5d9d5");
  EXPECT_THROW(derive_scram_keys(Hash::sha256, "pencil", "salt", 0), Bug);
}

TEST(ScramKeys, DecoysLookLikeAccounts) {
  for (const Hash hash : all_hashes) {
    const ScramKeys decoy = decoy_keys(hash, "secret", "nobody@example.com", iterations);
    const ScramKeys real = derive_scram_keys(hash, "pencil", salt, iterations);
    EXPECT_EQ(decoy, decoy_keys(hash, "secret", "nobody@example.com", iterations));
    EXPECT_EQ(decoy.salt.size(), 16U);
    EXPECT_EQ(decoy.stored_key.size(), real.stored_key.size());
    EXPECT_EQ(decoy.server_key.size(), real.server_key.size());
    EXPECT_EQ(decoy.iterations, iterations);
  }
  std::set<std::string> texts;
  for (const Hash hash : all_hashes)
    for (const char* name : {"a@example.com", "b@example.com"})
      for (const char* secret : {"one", "two"}) {
        const ScramKeys decoy = decoy_keys(hash, secret, name, iterations);
        texts.insert({decoy.salt, decoy.stored_key, decoy.server_key});
      }
  EXPECT_EQ(texts.size(), 36U);
  EXPECT_THROW(decoy_keys(Hash::sha1, "", "a@example.com", 1), Bug);
}

TEST(ScramKeys, PasswordFits) {
  for (const Hash hash : all_hashes) {
    const ScramKeys keys = derive_scram_keys(hash, "pencil", salt, iterations);
    EXPECT_TRUE(password_fits(hash, "pencil", keys));
    EXPECT_FALSE(password_fits(hash, "Pencil", keys));
    EXPECT_FALSE(password_fits(hash, "", keys));
    EXPECT_FALSE(password_fits(hash, "pencil", decoy_keys(hash, "secret", "nobody@example.com", iterations)));
  }
}

// XEP-0474, the hash in its example.
TEST(ScramKeys, DowngradeHash) {
  EXPECT_EQ(downgrade_hash(Hash::sha1, {"SCRAM-SHA-1-PLUS", "SCRAM-SHA-1"}, {"tls-server-end-point", "tls-exporter"}),
            "G6k/rBLDqgOhRRaCuuatSDFkJ08=");
  EXPECT_NE(downgrade_hash(Hash::sha1, {"SCRAM-SHA-1"}, {}), downgrade_hash(Hash::sha1, {"SCRAM-SHA-1"}, {""}));
}

}  // namespace
}  // namespace jackdaw
