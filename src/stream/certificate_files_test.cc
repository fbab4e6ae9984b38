// Which certificate of a directory a domain gets, and how a report grades what is wrong.
// SPDX-License-Identifier: Apache-2.0
#include "stream/certificate_files.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>

#include <filesystem>
#include <fstream>

#include "stream/certificate_report.h"
#include "stream/test_certificate.h"

namespace jackdaw {
namespace {

namespace fs = std::filesystem;

class Directory : public testing::Test {
 protected:
  Directory() { fs::create_directories(place_ / "sub"); }
  ~Directory() override { fs::remove_all(place_); }

  // FILE.pem and FILE.key, for these names (x509v3_config(5)).
  void put(const std::string& file, const std::string& names, long days = 30, bool with_key = true) {
    const test::Key key = test::make_ecdsa_key();
    const auto certificate = test::make_certificate(key.get(), {.alternative_names = names});
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), days * 24 * 3600);
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    FILE* out = std::fopen((place_ / (file + ".pem")).c_str(), "w");
    PEM_write_X509(out, certificate.get());
    std::fclose(out);
    if (!with_key) return;
    out = std::fopen((place_ / (file + ".key")).c_str(), "w");
    PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(out);
  }
  std::string found(const std::string& domain) const {
    const auto files = CertificateDirectory{place_}.find(domain, system_clock().wall());
    return files.certificate.empty() ? "none" : fs::path{files.certificate}.lexically_relative(place_).string();
  }
  std::vector<Finding> findings(const std::string& file, const std::string& domain, Seconds warning = 24h) const {
    const std::string stem = place_ / file;
    return describe_certificate(
               {.files = {stem + ".pem", stem + ".key", domain}, .now = system_clock().wall(), .warning = warning},
               *load_trusted(""))
        .findings;
  }

  const fs::path place_ = fs::path{testing::TempDir()} / ("certificate_files_test_" + std::to_string(::getpid()));
};

TEST_F(Directory, ByNameAlsoInFoldersOfItsOwn) {
  put("a", "DNS:montague.lan");
  put("sub/b", "DNS:capulet.lan,DNS:verona.lan");
  put("c", "DNS:*.mantua.lan");
  EXPECT_EQ(found("montague.lan"), "a.pem");
  EXPECT_EQ(found("verona.lan"), "sub/b.pem");
  EXPECT_EQ(found("chat.mantua.lan"), "c.pem");
  EXPECT_EQ(found("mantua.lan"), "none");
  EXPECT_EQ(found("tybalt.lan"), "none");
}

TEST_F(Directory, TheValidOneThatLastsLongest) {
  put("expired", "DNS:montague.lan", -1);
  EXPECT_EQ(found("montague.lan"), "expired.pem");
  put("short", "DNS:montague.lan", 2);
  put("long", "DNS:montague.lan", 20);
  EXPECT_EQ(found("montague.lan"), "long.pem");
}

TEST_F(Directory, OnlyWithItsKey) {
  put("keyless", "DNS:montague.lan", 30, false);
  put("other", "DNS:capulet.lan");
  EXPECT_EQ(found("montague.lan"), "none");
}

TEST_F(Directory, WhatIsNoCertificateIsPassedOver) {
  std::ofstream{place_ / "README"} << "Keep out.\n";
  std::ofstream{place_ / "empty.pem"} << "";
  std::ofstream{place_ / "broken.pem"} << "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  std::ofstream{place_ / "large.pem"} << std::string(largest_pem + 1, 'x');
  fs::create_symlink("nowhere", place_ / "dangling.pem");
  put("a", "DNS:montague.lan");
  EXPECT_EQ(found("montague.lan"), "a.pem");
  EXPECT_TRUE(CertificateDirectory{"/nowhere"}.find("montague.lan", {}).certificate.empty());
}

std::string graded(const std::vector<Finding>& findings, std::string_view what) {
  for (const auto& finding : findings)
    if (finding.what == what) return std::string{name_of(finding.severity)};
  return "nothing said";
}

TEST_F(Directory, AReportSaysWhatIsWrong) {
  put("a", "DNS:montague.lan", 10);
  put("b", "DNS:montague.lan", -1);
  fs::permissions(place_ / "a.key", fs::perms::owner_read);
  const auto good = findings("a", "montague.lan");
  EXPECT_EQ(graded(good, "key"), "good");
  EXPECT_EQ(graded(good, "name"), "good");
  EXPECT_EQ(graded(good, "dates"), "good");
  EXPECT_EQ(graded(good, "chain"), "bad");  // signed by itself
  EXPECT_EQ(graded(findings("a", "capulet.lan"), "name"), "bad");
  EXPECT_EQ(graded(findings("a", "montague.lan", 11 * 24h), "dates"), "bad");
  EXPECT_EQ(graded(findings("b", "montague.lan"), "dates"), "bad");
  fs::copy_file(place_ / "b.key", place_ / "a.key", fs::copy_options::overwrite_existing);
  EXPECT_EQ(graded(findings("a", "montague.lan"), "key"), "bad");
  EXPECT_EQ(graded(findings("nothing", "montague.lan"), "file"), "bad");
}

TEST_F(Directory, NamesIssuerAndTimes) {
  put("a", "DNS:montague.lan,DNS:*.montague.lan");
  const auto pem = read_pem(place_ / "a.pem");
  ASSERT_TRUE(pem);
  const X509* certificate = pem->certificates.front().get();
  EXPECT_EQ(names_in(certificate), (std::vector<std::string>{"montague.lan", "*.montague.lan"}));
  EXPECT_EQ(text_of(X509_get_issuer_name(certificate)), "CN=localhost");
  const auto left = time_of(X509_get0_notAfter(certificate)) - system_clock().wall();
  EXPECT_TRUE(left > 29 * 24h && left <= 30 * 24h);
  EXPECT_EQ(fingerprint_of(certificate).size(), 32U);
}

}  // namespace
}  // namespace jackdaw
