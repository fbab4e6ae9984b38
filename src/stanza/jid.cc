// Reading addresses (RFC 7622): the quick look, the split, and the PRECIS profiles of localpart, resourcepart and
// password (RFC 8265). Domainparts are prepared in idna.cc. Start at Jid::parse().
// SPDX-License-Identifier: Apache-2.0
#include "stanza/jid.h"

#include <unicode/locid.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>

#include <array>

#include "base/check.h"
#include "stanza/precis.h"

namespace jackdaw {
namespace {

// What an ASCII byte may be part of, prepared already. Bytes beyond ASCII are in no class.
enum ByteClass : std::uint8_t {
  in_localpart = 1,
  in_domainpart = 2,
  in_resourcepart = 4,
  not_digit = 8,
  ends_part = 16,
};

// RFC 7622 §3.3.1: allowed by the IdentifierClass, but not in a localpart.
constexpr std::string_view excluded = "\"&'/:<>@";

constexpr std::array<std::uint8_t, 256> byte_classes = [] {
  std::array<std::uint8_t, 256> classes{};
  for (unsigned byte = 0x20; byte <= 0x7E; ++byte) {
    const char c = static_cast<char>(byte);
    const bool digit = c >= '0' && c <= '9';
    const bool lower = c >= 'a' && c <= 'z';
    const bool upper = c >= 'A' && c <= 'Z';
    unsigned found = in_resourcepart;
    if (c != ' ' && !upper && excluded.find(c) == excluded.npos) found |= in_localpart;
    if (digit || lower || c == '-' || c == '.') found |= in_domainpart;
    if (!digit) found |= not_digit;
    if (c == '@' || c == '/') found |= ends_part;
    classes[byte] = static_cast<std::uint8_t>(found);
  }
  return classes;
}();

unsigned class_of(char byte) { return byte_classes[static_cast<unsigned char>(byte)]; }

// RFC 5890 §2.3.1: no hyphen at either end, and none in third and fourth place, where an A-label has them.
bool has_good_hyphens(std::string_view label) {
  if (label.front() == '-' || label.back() == '-') return false;
  return label.size() < 4 || label[2] != '-' || label[3] != '-';
}

// The domainpart at the beginning of `text`, up to a '/' or the end. Its length, or 0 when it asks for a longer look:
// also for one that ends in a number and so may be an IP address.
std::size_t prepared_domainpart(std::string_view text) {
  constexpr std::size_t max_label = 63;  // RFC 1034 §3.1
  constexpr std::size_t max_domain = 253;
  std::size_t label = 0;
  for (std::size_t i = 0;; ++i) {
    unsigned seen = 0;
    for (; i < text.size() && text[i] != '.' && text[i] != '/'; ++i) {
      const auto here = class_of(text[i]);
      if ((here & in_domainpart) == 0) return 0;
      seen |= here;
    }
    const auto length = i - label;
    if (length == 0 || length > max_label || !has_good_hyphens(text.substr(label, length))) return 0;
    if (i == text.size() || text[i] == '/') return i <= max_domain && (seen & not_digit) != 0 ? i : 0;
    label = i + 1;
  }
}

// RFC 8264 §5.2.1: fullwidth and halfwidth forms become what they are forms of.
icu::UnicodeString map_width(const icu::UnicodeString& text) {
  UErrorCode status = U_ZERO_ERROR;
  const auto* form = icu::Normalizer2::getNFKCInstance(status);
  check(form != nullptr && U_SUCCESS(status), "ICU has no NFKC data");
  icu::UnicodeString result;
  icu::UnicodeString ordinary;
  for (std::int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
    const auto point = text.char32At(i);
    const auto type = u_getIntPropertyValue(point, UCHAR_DECOMPOSITION_TYPE);
    if ((type == U_DT_WIDE || type == U_DT_NARROW) && form->getRawDecomposition(point, ordinary)) {
      result.append(ordinary);
    } else {
      result.append(point);
    }
  }
  return result;
}

// RFC 8265 §4.2.2: spaces of all kinds become U+0020.
icu::UnicodeString map_spaces(const icu::UnicodeString& text) {
  icu::UnicodeString result;
  for (std::int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
    const auto point = text.char32At(i);
    result.append(u_charType(point) == U_SPACE_SEPARATOR ? UChar32{' '} : point);
  }
  return result;
}

bool belongs_to(StringClass wanted, const icu::UnicodeString& text) {
  for (std::int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
    const auto standing = standing_in_precis(text.char32At(i));
    if (standing == Standing::disallowed) return false;
    if (standing == Standing::freeform_only && wanted == StringClass::identifier) return false;
  }
  return true;
}

// RFC 8265 §3.3: UsernameCaseMapped. The class is asked before the letters change (§3.3.2) and, with the contexts,
// again at the end: 'L·L' is looked at as 'l·l'.
std::optional<icu::UnicodeString> map_username(const icu::UnicodeString& text) {
  auto result = map_width(text);
  if (!belongs_to(StringClass::identifier, result)) return std::nullopt;
  result.toLower(icu::Locale::getRoot());
  return composed(result);
}

bool is_username(const icu::UnicodeString& text) {
  return belongs_to(StringClass::identifier, text) && contexts_hold(text) && keeps_bidi_rule(text);
}

// RFC 8265 §4.2: OpaqueString.
std::optional<icu::UnicodeString> map_opaque(const icu::UnicodeString& text) {
  if (!belongs_to(StringClass::freeform, text)) return std::nullopt;
  return composed(map_spaces(text));
}

bool is_opaque(const icu::UnicodeString& text) {
  return belongs_to(StringClass::freeform, text) && contexts_hold(text);
}

struct Profile {
  std::optional<icu::UnicodeString> (*map)(const icu::UnicodeString&);
  bool (*allows)(const icu::UnicodeString&);
};

// RFC 8264 §7: the rules are applied until the text is stable; one that is not after three further rounds is refused.
std::optional<std::string> enforce(std::string_view utf8, const Profile& profile) {
  auto text = text_of(utf8);
  if (!text || text->isEmpty()) return std::nullopt;
  for (int round = 0; round <= 3; ++round) {
    auto mapped = profile.map(*text);
    if (!mapped) return std::nullopt;
    if (*mapped == *text) {
      if (!profile.allows(*text)) return std::nullopt;
      std::string result;
      text->toUTF8String(result);
      return result;
    }
    text = std::move(mapped);
  }
  return std::nullopt;
}

std::optional<std::string> fitting(std::optional<std::string> part) {
  if (part && part->size() > max_part) return std::nullopt;
  return part;
}

constexpr Profile username_case_mapped{.map = map_username, .allows = is_username};
constexpr Profile opaque_string{.map = map_opaque, .allows = is_opaque};

std::string joined(std::string_view bare, std::string_view resourcepart) {
  std::string text;
  text.reserve(bare.size() + 1 + resourcepart.size());
  text.append(bare).append("/").append(resourcepart);
  return text;
}

}  // namespace

bool is_prepared(std::string_view text) {
  std::size_t at = 0;
  unsigned all = in_localpart;
  while (at < text.size() && (class_of(text[at]) & ends_part) == 0) all &= class_of(text[at++]);

  std::size_t domain = 0;
  if (at < text.size() && text[at] == '@') {
    if (at == 0 || at > max_part || all == 0) return false;
    domain = at + 1;
  }
  const auto length = prepared_domainpart(text.substr(domain));
  if (length == 0) return false;
  if (domain + length == text.size()) return true;

  const auto resource = text.substr(domain + length + 1);
  if (resource.empty() || resource.size() > max_part) return false;
  unsigned every = in_resourcepart;
  for (const char byte : resource) every &= class_of(byte);
  return every != 0;
}

std::optional<std::string> prepare_localpart(std::string_view text) {
  auto part = fitting(enforce(text, username_case_mapped));
  if (part && part->find_first_of(excluded) != part->npos) return std::nullopt;  // RFC 7622 §3.3.1
  return part;
}

std::optional<std::string> prepare_resourcepart(std::string_view text) { return fitting(enforce(text, opaque_string)); }

std::optional<std::string> prepare_password(std::string_view text) { return enforce(text, opaque_string); }

std::optional<Jid> Jid::parse(std::string_view text) {
  if (is_prepared(text)) return Jid{JidView::of_prepared(text)};

  // RFC 7622 §3.2: first what follows the first '/' goes, then what precedes the first '@' of the rest. A separator
  // with nothing on its far side makes no address (§3.3.1, §3.4.1).
  const auto slash = text.find('/');
  const auto bare = text.substr(0, slash);
  const auto at = bare.find('@');
  const auto domainpart = prepare_domainpart(at == bare.npos ? bare : bare.substr(at + 1));
  if (!domainpart) return std::nullopt;

  std::string result = *domainpart;
  if (at != bare.npos) {
    const auto localpart = prepare_localpart(bare.substr(0, at));
    if (!localpart) return std::nullopt;
    result.insert(0, *localpart + '@');
  }
  if (slash != text.npos) {
    const auto resourcepart = prepare_resourcepart(text.substr(slash + 1));
    if (!resourcepart) return std::nullopt;
    result = joined(result, *resourcepart);
  }
  return Jid{JidView::of_prepared(result)};
}

BareJid Jid::bare() const { return BareJid{view_}; }

std::optional<Jid> Jid::with_resource(std::string_view resourcepart) const {
  if (empty()) return std::nullopt;
  const auto prepared = prepare_resourcepart(resourcepart);
  if (!prepared) return std::nullopt;
  return Jid{JidView::of_prepared(joined(view_.bare(), *prepared))};
}

std::optional<BareJid> BareJid::parse(std::string_view text) {
  if (text.find('/') != text.npos) return std::nullopt;
  const auto jid = Jid::parse(text);
  if (!jid) return std::nullopt;
  return BareJid{*jid};
}

}  // namespace jackdaw
