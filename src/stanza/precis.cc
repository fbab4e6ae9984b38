// The string classes of PRECIS (RFC 8264) and the contextual and bidirectional rules it shares with IDNA2008.
// Start at standing_in_precis().
// SPDX-License-Identifier: Apache-2.0
#include "stanza/precis.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include "base/check.h"

namespace jackdaw {
namespace {

const icu::Normalizer2& form_c() {
  UErrorCode status = U_ZERO_ERROR;
  const auto* form = icu::Normalizer2::getNFCInstance(status);
  check(form != nullptr && U_SUCCESS(status), "ICU has no NFC data");
  return *form;
}

const icu::Normalizer2& form_kc_casefold() {
  UErrorCode status = U_ZERO_ERROR;
  const auto* form = icu::Normalizer2::getNFKCCasefoldInstance(status);
  check(form != nullptr && U_SUCCESS(status), "ICU has no NFKC_Casefold data");
  return *form;
}

const icu::Normalizer2& form_kc() {
  UErrorCode status = U_ZERO_ERROR;
  const auto* form = icu::Normalizer2::getNFKCInstance(status);
  check(form != nullptr && U_SUCCESS(status), "ICU has no NFKC data");
  return *form;
}

bool is_unchanged_by(const icu::Normalizer2& form, UChar32 point) {
  UErrorCode status = U_ZERO_ERROR;
  const bool unchanged = form.isNormalized(icu::UnicodeString{point}, status);
  return unchanged && U_SUCCESS(status);
}

bool is_arabic_indic_digit(UChar32 point) { return point >= 0x0660 && point <= 0x0669; }
bool is_extended_arabic_indic_digit(UChar32 point) { return point >= 0x06F0 && point <= 0x06F9; }

// RFC 5892 §2.6, which RFC 8264 §9.6 takes over. Empty for all that is no exception.
std::optional<Standing> exception_of(UChar32 point) {
  if (is_arabic_indic_digit(point) || is_extended_arabic_indic_digit(point)) return Standing::in_context;
  switch (point) {
    case 0x00DF:
    case 0x03C2:
    case 0x06FD:
    case 0x06FE:
    case 0x0F0B:
    case 0x3007:
      return Standing::allowed;
    case 0x00B7:
    case 0x0375:
    case 0x05F3:
    case 0x05F4:
    case 0x30FB:
      return Standing::in_context;
    case 0x0640:
    case 0x07FA:
    case 0x302E:
    case 0x302F:
    case 0x3031:
    case 0x3032:
    case 0x3033:
    case 0x3034:
    case 0x3035:
    case 0x303B:
      return Standing::disallowed;
    default:
      return std::nullopt;
  }
}

// RFC 8264 §9.1, LetterDigits.
bool is_letter_or_digit(UChar32 point) {
  constexpr std::uint32_t categories =
      U_GC_LL_MASK | U_GC_LU_MASK | U_GC_LO_MASK | U_GC_ND_MASK | U_GC_LM_MASK | U_GC_MN_MASK | U_GC_MC_MASK;
  return (U_GET_GC_MASK(point) & categories) != 0;
}

// RFC 8264 §9.14 Spaces, §9.15 Symbols, §9.16 Punctuation, §9.18 OtherLetterDigits.
bool is_freeform_category(UChar32 point) {
  constexpr std::uint32_t other_letters = U_GC_LT_MASK | U_GC_NL_MASK | U_GC_NO_MASK | U_GC_ME_MASK;
  constexpr std::uint32_t categories = other_letters | U_GC_ZS_MASK | U_GC_S_MASK | U_GC_P_MASK;
  return (U_GET_GC_MASK(point) & categories) != 0;
}

// RFC 8264 §9.9.
bool is_old_hangul_jamo(UChar32 point) {
  const auto type = u_getIntPropertyValue(point, UCHAR_HANGUL_SYLLABLE_TYPE);
  return type == U_HST_LEADING_JAMO || type == U_HST_VOWEL_JAMO || type == U_HST_TRAILING_JAMO;
}

// RFC 8264 §9.13.
bool is_ignorable(UChar32 point) {
  return u_hasBinaryProperty(point, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) ||
         u_hasBinaryProperty(point, UCHAR_NONCHARACTER_CODE_POINT);
}

// RFC 5892 §2.4.
bool is_in_ignorable_block(UChar32 point) {
  const auto block = ublock_getCode(point);
  return block == UBLOCK_COMBINING_MARKS_FOR_SYMBOLS || block == UBLOCK_MUSICAL_SYMBOLS ||
         block == UBLOCK_ANCIENT_GREEK_MUSICAL_NOTATION;
}

// The code point that ends before `index`, or U_SENTINEL at the beginning.
UChar32 point_before(const icu::UnicodeString& text, std::int32_t index) {
  return index > 0 ? text.char32At(index - 1) : U_SENTINEL;
}

// The code point that begins behind the one at `index`, or U_SENTINEL at the end.
UChar32 point_after(const icu::UnicodeString& text, std::int32_t index) {
  const auto next = text.moveIndex32(index, 1);
  return next < text.length() ? text.char32At(next) : U_SENTINEL;
}

bool has_script(UChar32 point, UScriptCode script) {
  UErrorCode status = U_ZERO_ERROR;
  return point != U_SENTINEL && uscript_getScript(point, &status) == script && U_SUCCESS(status);
}

bool follows_virama(const icu::UnicodeString& text, std::int32_t index) {
  constexpr std::uint8_t virama = 9;
  return index > 0 && u_getCombiningClass(point_before(text, index)) == virama;
}

auto joining_type(UChar32 point) { return u_getIntPropertyValue(point, UCHAR_JOINING_TYPE); }

// RFC 5892 A.1: the non-joiner stands between two characters that would otherwise join.
bool breaks_a_joint(const icu::UnicodeString& text, std::int32_t index) {
  auto before = index;
  do {
    if (before == 0) return false;
    before = text.moveIndex32(before, -1);
  } while (joining_type(text.char32At(before)) == U_JT_TRANSPARENT);
  const auto left = joining_type(text.char32At(before));
  if (left != U_JT_LEFT_JOINING && left != U_JT_DUAL_JOINING) return false;

  auto after = index;
  do {
    after = text.moveIndex32(after, 1);
    if (after >= text.length()) return false;
  } while (joining_type(text.char32At(after)) == U_JT_TRANSPARENT);
  const auto right = joining_type(text.char32At(after));
  return right == U_JT_RIGHT_JOINING || right == U_JT_DUAL_JOINING;
}

// RFC 5892 A.1 to A.6, the rules that look at what stands beside a code point.
bool neighbours_allow(const icu::UnicodeString& text, std::int32_t index) {
  switch (text.char32At(index)) {
    case 0x200C:  // A.1, zero width non-joiner
      return follows_virama(text, index) || breaks_a_joint(text, index);
    case 0x200D:  // A.2, zero width joiner
      return follows_virama(text, index);
    case 0x00B7:  // A.3, middle dot, as in Catalan
      return point_before(text, index) == 'l' && point_after(text, index) == 'l';
    case 0x0375:  // A.4, Greek lower numeral sign
      return has_script(point_after(text, index), USCRIPT_GREEK);
    case 0x05F3:
    case 0x05F4:  // A.5 and A.6, Hebrew geresh and gershayim
      return has_script(point_before(text, index), USCRIPT_HEBREW);
    default:
      return true;
  }
}

template <class Predicate>
bool any_point(const icu::UnicodeString& text, Predicate predicate) {
  for (std::int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
    if (predicate(text.char32At(i))) return true;
  }
  return false;
}

bool is_kana_or_han(UChar32 point) {
  return has_script(point, USCRIPT_HIRAGANA) || has_script(point, USCRIPT_KATAKANA) || has_script(point, USCRIPT_HAN);
}

constexpr std::uint32_t direction(UCharDirection value) { return std::uint32_t{1} << value; }
std::uint32_t direction_of(UChar32 point) { return direction(u_charDirection(point)); }

constexpr std::uint32_t right_to_left = direction(U_RIGHT_TO_LEFT) | direction(U_RIGHT_TO_LEFT_ARABIC);
constexpr std::uint32_t european_number = direction(U_EUROPEAN_NUMBER);
constexpr std::uint32_t arabic_number = direction(U_ARABIC_NUMBER);
constexpr std::uint32_t mark = direction(U_DIR_NON_SPACING_MARK);
constexpr std::uint32_t in_both_directions =
    european_number | direction(U_EUROPEAN_NUMBER_SEPARATOR) | direction(U_COMMON_NUMBER_SEPARATOR) |
    direction(U_EUROPEAN_NUMBER_TERMINATOR) | direction(U_OTHER_NEUTRAL) | direction(U_BOUNDARY_NEUTRAL) | mark;

}  // namespace

std::optional<icu::UnicodeString> text_of(std::string_view utf8) {
  if (utf8.size() > max_unprepared) return std::nullopt;
  const auto length = static_cast<std::int32_t>(utf8.size());
  for (std::int32_t i = 0; i < length;) {
    UChar32 point = 0;
    U8_NEXT(utf8.data(), i, length, point);  // NOLINT(bugprone-suspicious-stringview-data-usage): length goes along
    if (point < 0) return std::nullopt;
  }
  return icu::UnicodeString::fromUTF8(
      icu::StringPiece(utf8.data(), length));  // NOLINT(bugprone-suspicious-stringview-data-usage): length goes along
}

icu::UnicodeString composed(const icu::UnicodeString& text) {
  UErrorCode status = U_ZERO_ERROR;
  auto result = form_c().normalize(text, status);
  check(U_SUCCESS(status), "ICU could not normalize a text");
  return result;
}

// RFC 8264 §8, in its order. BackwardCompatible (§9.7) has no members.
Standing standing_in_precis(UChar32 point) {
  if (const auto exception = exception_of(point)) return *exception;
  if (u_charType(point) == U_UNASSIGNED) return Standing::disallowed;
  if (point >= 0x21 && point <= 0x7E) return Standing::allowed;
  if (u_hasBinaryProperty(point, UCHAR_JOIN_CONTROL)) return Standing::in_context;
  if (is_old_hangul_jamo(point) || is_ignorable(point)) return Standing::disallowed;
  if (u_charType(point) == U_CONTROL_CHAR) return Standing::disallowed;
  if (!is_unchanged_by(form_kc(), point)) return Standing::freeform_only;  // HasCompat, §9.17
  if (is_letter_or_digit(point)) return Standing::allowed;
  return is_freeform_category(point) ? Standing::freeform_only : Standing::disallowed;
}

// RFC 5892 §3, in its order. BackwardCompatible (§2.7) has no members.
Standing standing_in_domain(UChar32 point) {
  if (const auto exception = exception_of(point)) return *exception;
  if (u_charType(point) == U_UNASSIGNED) return Standing::disallowed;
  if (point == '-' || (point >= '0' && point <= '9') || (point >= 'a' && point <= 'z')) return Standing::allowed;
  if (u_hasBinaryProperty(point, UCHAR_JOIN_CONTROL)) return Standing::in_context;
  if (!is_unchanged_by(form_kc_casefold(), point)) return Standing::disallowed;
  if (is_ignorable(point) || u_isUWhiteSpace(point)) return Standing::disallowed;
  if (is_in_ignorable_block(point) || is_old_hangul_jamo(point)) return Standing::disallowed;
  return is_letter_or_digit(point) ? Standing::allowed : Standing::disallowed;
}

bool contexts_hold(const icu::UnicodeString& text) {
  bool arabic_indic = false;
  bool extended_arabic_indic = false;
  bool katakana_dot = false;
  for (std::int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
    const auto point = text.char32At(i);
    arabic_indic |= is_arabic_indic_digit(point);
    extended_arabic_indic |= is_extended_arabic_indic_digit(point);
    katakana_dot |= point == 0x30FB;
    if (!neighbours_allow(text, i)) return false;
  }
  if (arabic_indic && extended_arabic_indic) return false;  // A.8 and A.9: not digits of both kinds
  return !katakana_dot || any_point(text, is_kana_or_han);  // A.7
}

bool keeps_bidi_rule(const icu::UnicodeString& text) {
  std::uint32_t seen = 0;
  std::uint32_t last = 0;  // of what is no mark
  for (std::int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
    const auto here = direction_of(text.char32At(i));
    seen |= here;
    if (here != mark) last = here;
  }
  if ((seen & (right_to_left | arabic_number)) == 0) return true;

  const auto first = direction_of(text.char32At(0));
  if ((first & right_to_left) == 0) return false;  // conditions 1 and 5: with such characters it begins with one
  if ((seen & ~(right_to_left | arabic_number | in_both_directions)) != 0) return false;  // condition 2
  if ((last & (right_to_left | european_number | arabic_number)) == 0) return false;      // condition 3
  return (seen & european_number) == 0 || (seen & arabic_number) == 0;                    // condition 4
}

}  // namespace jackdaw
