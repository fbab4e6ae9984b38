// Domainparts (RFC 7622 §3.2): IDNA2008 names (RFC 5890 to 5893), mapped as UTS 46 does, and IP addresses.
// Start at prepare_domainpart().
// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <unicode/idna.h>
#include <unicode/unistr.h>

#include <array>
#include <memory>

#include "base/check.h"
#include "stanza/jid.h"
#include "stanza/precis.h"

namespace jackdaw {
namespace {

const icu::IDNA& uts46() {
  constexpr std::uint32_t options = UIDNA_USE_STD3_RULES | UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ |
                                    UIDNA_CHECK_CONTEXTO | UIDNA_NONTRANSITIONAL_TO_ASCII |
                                    UIDNA_NONTRANSITIONAL_TO_UNICODE;
  static const std::unique_ptr<icu::IDNA> instance = [] {
    UErrorCode status = U_ZERO_ERROR;
    std::unique_ptr<icu::IDNA> made{icu::IDNA::createUTS46Instance(options, status)};
    check(made != nullptr && U_SUCCESS(status), "ICU has no IDNA data");
    return made;
  }();
  return *instance;
}

// The name with A-labels, as DNS asks for it. Empty when it is not valid: a label beyond 63 octets (RFC 1034 §3.1), or
// a name beyond 253. No name that keeps to these exceeds the 1023 bytes of RFC 7622 §3.2.
std::optional<icu::UnicodeString> a_form_of(const icu::UnicodeString& name) {
  icu::UnicodeString result;
  icu::IDNAInfo problems;
  UErrorCode status = U_ZERO_ERROR;
  uts46().nameToASCII(name, result, problems, status);
  if (U_FAILURE(status) || problems.hasErrors()) return std::nullopt;
  return result;
}

// The name with U-labels, lower case, NFC.
std::optional<icu::UnicodeString> u_form_of(const icu::UnicodeString& name) {
  icu::UnicodeString result;
  icu::IDNAInfo problems;
  UErrorCode status = U_ZERO_ERROR;
  uts46().nameToUnicode(name, result, problems, status);
  if (U_FAILURE(status) || problems.hasErrors()) return std::nullopt;
  return result;
}

// RFC 5891 §4.2: only code points that IDNA2008 knows as valid. UTS 46 alone would let symbols through.
bool is_label(const icu::UnicodeString& label) {
  if (label.isEmpty()) return false;
  for (std::int32_t i = 0; i < label.length(); i = label.moveIndex32(i, 1)) {
    const auto standing = standing_in_domain(label.char32At(i));
    if (standing != Standing::allowed && standing != Standing::in_context) return false;
  }
  return contexts_hold(label);
}

// Where the label that begins at `start` ends.
std::int32_t label_end(const icu::UnicodeString& name, std::int32_t start) {
  const auto dot = name.indexOf(u'.', start);
  return dot < 0 ? name.length() : dot;
}

bool all_labels(const icu::UnicodeString& name) {
  for (std::int32_t start = 0; start <= name.length();) {
    const auto end = label_end(name, start);
    if (!is_label(name.tempSubStringBetween(start, end))) return false;
    start = end + 1;
  }
  return true;
}

// RFC 1123 §2.1: the last label of a host name is no number; what ends in one is an IPv4 address or nothing.
bool ends_in_number(std::string_view name) {
  const auto dot = name.rfind('.');
  const auto last = dot == name.npos ? name : name.substr(dot + 1);
  return last.find_first_not_of("0123456789") == last.npos;
}

bool is_ipv4(const std::string& text) {
  in_addr address{};
  return inet_pton(AF_INET, text.c_str(), &address) == 1;
}

// RFC 3986 §3.2.2: an IPv6 address in brackets. It is written as RFC 5952 recommends, so that one address is one text.
std::optional<std::string> prepare_ipv6(std::string_view text) {
  if (text.size() < 2 || text.back() != ']' || text.find('\0') != text.npos) return std::nullopt;
  in6_addr address{};
  if (inet_pton(AF_INET6, std::string{text.substr(1, text.size() - 2)}.c_str(), &address) != 1) return std::nullopt;
  std::array<char, INET6_ADDRSTRLEN> written{};
  check(inet_ntop(AF_INET6, &address, written.data(), written.size()) != nullptr, "an IPv6 address has no text");
  return '[' + std::string{written.data()} + ']';
}

}  // namespace

std::optional<std::string> prepare_domainpart(std::string_view text) {
  if (text.starts_with('[')) return prepare_ipv6(text);
  const auto written = text_of(text);
  if (!written) return std::nullopt;
  auto name = u_form_of(*written);
  if (!name) return std::nullopt;
  if (name->endsWith(u'.')) name->truncate(name->length() - 1);  // RFC 7622 §3.2: the root's dot is stripped first
  if (!all_labels(*name)) return std::nullopt;

  // RFC 5890 §2.3.2.1: an A-label and its U-label are two forms of one label, or it is none.
  const auto a_form = a_form_of(*name);
  auto a_form_written = a_form_of(*written);
  if (a_form_written && a_form_written->endsWith(u'.')) a_form_written->truncate(a_form_written->length() - 1);
  if (!a_form || a_form != a_form_written) return std::nullopt;

  std::string result;
  name->toUTF8String(result);
  if (ends_in_number(result) && !is_ipv4(result)) return std::nullopt;
  return result;
}

std::string ascii_form(std::string_view domainpart) {
  const auto written = domainpart.starts_with('[') ? std::nullopt : text_of(domainpart);
  const auto a_form = written ? a_form_of(*written) : std::nullopt;
  std::string result;
  if (a_form) a_form->toUTF8String(result);
  return result.empty() ? std::string(domainpart) : result;
}

}  // namespace jackdaw
