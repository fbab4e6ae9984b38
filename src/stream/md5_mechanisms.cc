// SPDX-License-Identifier: Apache-2.0
#include "stream/md5_mechanisms.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <chrono>
#include <map>

#include "base/bytes.h"

namespace jackdaw {
namespace {

constexpr std::size_t longest = 4096;  // RFC 2831 §2.1.2: a response is smaller than 4096 bytes

std::string md5(std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), out, &size, EVP_md5(), nullptr) != 1) return {};
  return {reinterpret_cast<char*>(out), size};
}

// RFC 2831 §2.1.2.1: what fits into ISO 8859-1 is hashed in it.
std::string hashed_form(std::string_view utf8) {
  std::string latin;
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto c = static_cast<unsigned char>(utf8[i]);
    if (c < 0x80) {
      latin += static_cast<char>(c);
    } else if ((c == 0xC2 || c == 0xC3) && i + 1 < utf8.size()) {
      latin += static_cast<char>((c & 0x03) << 6 | (static_cast<unsigned char>(utf8[++i]) & 0x3F));
    } else {
      return std::string{utf8};
    }
  }
  return latin;
}

using Directives = std::map<std::string, std::string, std::less<>>;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

void skip(std::string_view& text, auto&& fits) {
  while (!text.empty() && fits(text.front())) text.remove_prefix(1);
}

// token or quoted-string (RFC 2831 §7.1, RFC 2616 §2.2). Empty optional: neither.
std::optional<std::string> read_value(std::string_view& text) {
  std::string value;
  if (!text.starts_with('"')) {
    while (!text.empty() && text.front() != ',' && !is_blank(text.front())) {
      value += text.front();
      text.remove_prefix(1);
    }
    return value;
  }
  text.remove_prefix(1);
  while (!text.empty() && text.front() != '"') {
    if (text.front() == '\\') text.remove_prefix(1);
    if (text.empty()) return std::nullopt;
    value += text.front();
    text.remove_prefix(1);
  }
  if (text.empty()) return std::nullopt;
  text.remove_prefix(1);
  return value;
}

// name=value, name="value": each name once.
std::optional<Directives> read_directives(std::string_view text) {
  Directives found;
  const auto between = [](char c) { return is_blank(c) || c == ','; };
  for (skip(text, between); !text.empty(); skip(text, between)) {
    const auto sign = text.find('=');
    if (sign == text.npos || sign == 0) return std::nullopt;
    std::string name{text.substr(0, sign)};
    while (!name.empty() && is_blank(name.back())) name.pop_back();
    text.remove_prefix(sign + 1);
    skip(text, is_blank);
    auto value = read_value(text);
    if (!value || !found.emplace(std::move(name), std::move(*value)).second) return std::nullopt;
  }
  return found;
}

SaslError malformed(std::string_view why) { return {SaslCondition::malformed_request, why}; }

}  // namespace

std::string cram_challenge(std::string_view domain) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return fmt::format("<{}.{}@{}>", random_token(16), std::chrono::duration_cast<std::chrono::seconds>(now).count(),
                     domain);
}

std::optional<CramResponse> parse_cram(std::string_view response) {
  const auto blank = response.rfind(' ');
  if (blank == response.npos || blank == 0 || response.size() - blank != 33) return std::nullopt;
  return CramResponse{std::string{response.substr(0, blank)}, std::string{response.substr(blank + 1)}};
}

bool cram_fits(const CramResponse& response, std::string_view challenge, std::string_view password) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (!HMAC(EVP_md5(), password.data(), static_cast<int>(password.size()),
            reinterpret_cast<const unsigned char*>(challenge.data()), challenge.size(), out, &size))
    return false;
  return equal_in_constant_time(to_hex({reinterpret_cast<char*>(out), size}), response.digest);
}

DigestMd5::DigestMd5(std::string domain, std::string nonce)
    : domain_(std::move(domain)), nonce_(nonce.empty() ? random_token(20) : std::move(nonce)) {}

std::string DigestMd5::challenge() const {
  return "realm=\"" + domain_ + "\",nonce=\"" + nonce_ + "\",qop=\"auth\",charset=utf-8,algorithm=md5-sess";
}

std::variant<DigestMd5::Names, SaslError> DigestMd5::read(std::string_view response) {
  auto read = response.size() < longest ? read_directives(response) : std::nullopt;
  if (!read) return malformed("The response is not written as RFC 2831 says.");
  Directives& said = *read;
  if (said["username"].empty() || said["cnonce"].empty() || said["response"].size() != 32)
    return malformed("The response lacks a name, a nonce or a digest.");
  if (said["nonce"] != nonce_ || said["nc"] != "00000001") return malformed("The response is to another challenge.");
  if (const auto& qop = said["qop"]; !qop.empty() && qop != "auth") return malformed("That protection is not offered.");
  const std::string& uri = said["digest-uri"];
  if (uri != "xmpp/" + domain_ && uri != "xmpp/" + domain_ + '/' + domain_)
    return malformed("The response is for another service.");
  if (!said["realm"].empty() && said["realm"] != domain_) return malformed("The response is for another realm.");
  username_ = said["username"], realm_ = said["realm"], cnonce_ = said["cnonce"], uri_ = uri;
  response_ = said["response"], authzid_ = said["authzid"];
  return Names{username_, authzid_};
}

std::string DigestMd5::response_for(std::string_view password, std::string_view method) const {
  const std::string secret = md5(hashed_form(username_) + ':' + hashed_form(realm_) + ':' + hashed_form(password));
  const std::string a1 = secret + ':' + nonce_ + ':' + cnonce_ + (authzid_.empty() ? "" : ':' + authzid_);
  const std::string a2 = std::string{method} + ':' + uri_;
  return to_hex(md5(to_hex(md5(a1)) + ':' + nonce_ + ":00000001:" + cnonce_ + ":auth:" + to_hex(md5(a2))));
}

std::optional<std::string> DigestMd5::finish(std::string_view password) const {
  if (!equal_in_constant_time(response_for(password, "AUTHENTICATE"), response_)) return std::nullopt;
  return "rspauth=" + response_for(password, "");
}

}  // namespace jackdaw
