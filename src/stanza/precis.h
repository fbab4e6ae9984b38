// Which code points may stand where in an address: the string classes of PRECIS (RFC 8264) and the rules it shares with
// IDNA2008 (RFC 5892, RFC 5893). The profiles built on them are the prepare_ functions of stanza/jid.h.
//
// Pure functions, any thread.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <unicode/unistr.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace jackdaw {

// RFC 7622 §3: no part of an address is longer, in bytes of UTF-8 after preparation.
constexpr std::size_t max_part = 1023;

// What is longer than this is refused unread: no mapping of ours shrinks a text to less than a quarter.
constexpr std::size_t max_unprepared = 4 * max_part;

// What RFC 8264 §8 and RFC 5892 §3 say of one code point.
enum class Standing : std::uint8_t {
  allowed,
  in_context,     // CONTEXTJ and CONTEXTO: only where contexts_hold()
  freeform_only,  // FREE_PVAL: not in identifiers
  disallowed,
};

enum class StringClass : std::uint8_t { identifier, freeform };

// Text from UTF-8. Empty when `text` is not well-formed (RFC 3629 §3: overlong forms, surrogates, beyond U+10FFFF) or
// longer than max_unprepared.
std::optional<icu::UnicodeString> text_of(std::string_view utf8);

// Normalization Form C.
icu::UnicodeString composed(const icu::UnicodeString& text);

Standing standing_in_precis(UChar32 point);
Standing standing_in_domain(UChar32 point);

// RFC 5892 appendix A: whether every in_context code point of `text` may stand where it does.
bool contexts_hold(const icu::UnicodeString& text);

// RFC 5893 §2, the Bidi Rule, for one string that may or may not have right-to-left characters.
bool keeps_bidi_rule(const icu::UnicodeString& text);

}  // namespace jackdaw
