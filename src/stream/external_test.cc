// Certificates with all kinds of names, and who they let in.
// SPDX-License-Identifier: Apache-2.0
#include "stream/external.h"

#include <gtest/gtest.h>

#include "stream/test_certificate.h"

namespace jackdaw {
namespace {

const std::string xmpp = "otherName:1.3.6.1.5.5.7.8.5;UTF8:";

test::Certificate with_names(std::string alternative_names) {
  return test::make_certificate(test::make_ecdsa_key().get(), {.alternative_names = std::move(alternative_names)});
}

test::Certificate with_common_names(std::vector<std::string> names) {
  return test::make_certificate(test::make_ecdsa_key().get(), {.common_names = std::move(names)});
}

std::vector<std::string> texts(const std::vector<BareJid>& jids) {
  std::vector<std::string> out;
  for (const BareJid& jid : jids) out.push_back(jid.text());
  return out;
}

using Texts = std::vector<std::string>;

Texts accounts(const test::Certificate& certificate, CertificateField field = CertificateField::xmppaddr) {
  return texts(proven_accounts(certificate.get(), field, "example.com"));
}

// A certificate whose only alternative name is `bytes`, NUL and all.
test::Certificate with_raw_name(int type, const std::string& bytes) {
  GENERAL_NAMES* names = sk_GENERAL_NAME_new_null();
  GENERAL_NAME* name = GENERAL_NAME_new();
  if (type == GEN_EMAIL) {
    ASN1_IA5STRING* text = ASN1_IA5STRING_new();
    ASN1_STRING_set(text, bytes.data(), static_cast<int>(bytes.size()));
    GENERAL_NAME_set0_value(name, GEN_EMAIL, text);
  } else {
    ASN1_TYPE* value = ASN1_TYPE_new();
    ASN1_UTF8STRING* text = ASN1_UTF8STRING_new();
    ASN1_STRING_set(text, bytes.data(), static_cast<int>(bytes.size()));
    ASN1_TYPE_set(value, V_ASN1_UTF8STRING, text);
    GENERAL_NAME_set0_othername(name, OBJ_txt2obj("1.3.6.1.5.5.7.8.5", 1), value);
  }
  sk_GENERAL_NAME_push(names, name);
  auto certificate = with_names("");
  X509_add1_ext_i2d(certificate.get(), NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT);
  sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
  return certificate;
}

TEST(External, XmppAddresses) {
  const auto certificate =
      with_names(xmpp + "Juliet@Example.COM," + xmpp + "romeo@example.net," + xmpp + "juliet@example.com," + xmpp +
                 "example.com,DNS:example.com,email:nurse@example.com");
  EXPECT_EQ(accounts(certificate), (Texts{"juliet@example.com"}));
  EXPECT_EQ(texts(xmpp_addresses(certificate.get())),
            (Texts{"juliet@example.com", "romeo@example.net", "example.com"}));
}

TEST(External, WhatIsNoXmppAddress) {
  EXPECT_EQ(accounts(with_names("")), Texts{});
  EXPECT_EQ(accounts(with_names("DNS:example.com,email:juliet@example.com")), Texts{});
  EXPECT_EQ(accounts(with_names(xmpp + "juliet@example.com/balcony")), Texts{});
  EXPECT_EQ(accounts(with_names(xmpp + "a b@example.com")), Texts{});
  EXPECT_EQ(accounts(with_names(xmpp + "@example.com")), Texts{});
  EXPECT_EQ(accounts(with_names("otherName:1.3.6.1.5.5.7.8.5;IA5:juliet@example.com")), Texts{});
  EXPECT_EQ(accounts(with_names("otherName:1.3.6.1.5.5.7.8.7;UTF8:juliet@example.com")), Texts{});
}

TEST(External, NulInsideProvesNothing) {
  using namespace std::string_literals;
  EXPECT_EQ(accounts(with_raw_name(GEN_OTHERNAME, "juliet@example.com")), Texts{"juliet@example.com"});
  EXPECT_EQ(accounts(with_raw_name(GEN_OTHERNAME, "juliet@example.com\0.attacker.example"s)), Texts{});
  EXPECT_EQ(accounts(with_raw_name(GEN_EMAIL, "juliet@example.com"), CertificateField::email),
            Texts{"juliet@example.com"});
  EXPECT_EQ(accounts(with_raw_name(GEN_EMAIL, "juliet@example.com\0.attacker.example"s), CertificateField::email),
            Texts{});
  EXPECT_EQ(accounts(with_common_names({"juliet@example.com\0"s}), CertificateField::cn), Texts{});
}

TEST(External, MailAddresses) {
  const auto certificate = with_names("email:juliet@example.com,email:nurse@example.com,email:romeo@example.net," +
                                      xmpp + "tybalt@example.com");
  EXPECT_EQ(accounts(certificate, CertificateField::email), (Texts{"juliet@example.com", "nurse@example.com"}));
}

TEST(External, CommonNames) {
  EXPECT_EQ(accounts(with_common_names({"Juliet"}), CertificateField::cn), Texts{"juliet@example.com"});
  EXPECT_EQ(accounts(with_common_names({"juliet@example.com"}), CertificateField::cn), Texts{"juliet@example.com"});
  EXPECT_EQ(accounts(with_common_names({"juliet@example.net"}), CertificateField::cn), Texts{});
  EXPECT_EQ(accounts(with_common_names({"Juliet Capulet"}), CertificateField::cn), Texts{});
  EXPECT_EQ(accounts(with_common_names({"juliet", "romeo"}), CertificateField::cn), Texts{});
  EXPECT_EQ(accounts(with_common_names({}), CertificateField::cn), Texts{});
  EXPECT_EQ(accounts(with_common_names({"juliet"}), CertificateField::xmppaddr), Texts{});
}

TEST(External, SettingValues) {
  EXPECT_EQ(certificate_field("xmppaddr"), CertificateField::xmppaddr);
  EXPECT_EQ(certificate_field("email"), CertificateField::email);
  EXPECT_EQ(certificate_field("cn"), CertificateField::cn);
  EXPECT_EQ(certificate_field("CN"), std::nullopt);
  EXPECT_EQ(certificate_field(""), std::nullopt);
}

std::string outcome(const Texts& proven, std::string_view authzid) {
  std::vector<BareJid> jids;
  for (const auto& text : proven) jids.push_back(*BareJid::parse(text));
  const auto chosen = external_account(jids, authzid);
  if (const auto* error = std::get_if<SaslError>(&chosen)) return std::string{wire_name(error->condition)};
  return std::get<BareJid>(chosen).text();
}

// XEP-0178 §2, step 11.
TEST(External, ChoosesTheAccount) {
  const Texts one{"juliet@example.com"}, two{"juliet@example.com", "nurse@example.com"};
  EXPECT_EQ(outcome(one, ""), "juliet@example.com");
  EXPECT_EQ(outcome(one, "Juliet@example.com"), "juliet@example.com");
  EXPECT_EQ(outcome(one, "romeo@example.com"), "invalid-authzid");
  EXPECT_EQ(outcome(one, "juliet@example.com/balcony"), "invalid-authzid");
  EXPECT_EQ(outcome(one, "@"), "invalid-authzid");
  EXPECT_EQ(outcome(two, ""), "invalid-authzid");
  EXPECT_EQ(outcome(two, "nurse@example.com"), "nurse@example.com");
  EXPECT_EQ(outcome({}, ""), "not-authorized");
  EXPECT_EQ(outcome({}, "juliet@example.com"), "not-authorized");
}

}  // namespace
}  // namespace jackdaw
