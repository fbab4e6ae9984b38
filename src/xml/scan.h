// Character classes, UTF-8 and references: the lowest level of the reader. All functions look at padded bytes: a 0 byte
// stands at `end`, and 15 more readable bytes behind it.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace jackdaw::scan {

// ASCII classes of a name's characters; letters beyond ASCII are looked up in is_name_code().
constexpr std::uint8_t name_start = 1, name_char = 2, space = 4;

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> t{};
  for (int c = 'a'; c <= 'z'; ++c) t[static_cast<std::size_t>(c)] = name_start | name_char;
  for (int c = 'A'; c <= 'Z'; ++c) t[static_cast<std::size_t>(c)] = name_start | name_char;
  for (int c = '0'; c <= '9'; ++c) t[static_cast<std::size_t>(c)] = name_char;
  t['_'] = name_start | name_char;
  t['-'] = t['.'] = name_char;
  t[' '] = t['\t'] = t['\r'] = t['\n'] = space;
  return t;
}
inline constexpr auto classes = make_classes();

inline std::uint8_t class_of(char c) { return classes[static_cast<unsigned char>(c)]; }
inline bool is_space(char c) { return class_of(c) & space; }

// Where the run of plain bytes from `p` ends: at `stop`, '<', '&', a control character or a byte >= 0x80.
// A control character stands at `end`, so no count is needed.
inline const char* plain_run(const char* p, char stop) {
#if defined(__SSE2__)
  for (;; p += 16) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    __m128i bad = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));  // signed: bytes >= 0x80 too
    bad = _mm_or_si128(bad, _mm_cmpeq_epi8(v, _mm_set1_epi8('<')));
    bad = _mm_or_si128(bad, _mm_cmpeq_epi8(v, _mm_set1_epi8('&')));
    bad = _mm_or_si128(bad, _mm_cmpeq_epi8(v, _mm_set1_epi8(stop)));
    const int mask = _mm_movemask_epi8(bad);
    if (mask) return p + __builtin_ctz(static_cast<unsigned>(mask));
  }
#else
  for (;; ++p) {
    const auto c = static_cast<unsigned char>(*p);
    if (c < 0x20 || c >= 0x80 || c == '<' || c == '&' || c == static_cast<unsigned char>(stop)) return p;
  }
#endif
}

// Where the run of ASCII name characters from `p` ends.
inline const char* name_run(const char* p) {
#if defined(__SSE2__)
  for (;; p += 16) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const auto between = [](__m128i x, char below, char above) {
      return _mm_and_si128(_mm_cmpgt_epi8(x, _mm_set1_epi8(below)), _mm_cmplt_epi8(x, _mm_set1_epi8(above)));
    };
    const __m128i letters = between(_mm_or_si128(v, _mm_set1_epi8(0x20)), 'a' - 1, 'z' + 1);
    const __m128i digits = _mm_andnot_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('/')), between(v, '-' - 1, '9' + 1));
    const __m128i good = _mm_or_si128(_mm_or_si128(letters, digits), _mm_cmpeq_epi8(v, _mm_set1_epi8('_')));
    const int mask = _mm_movemask_epi8(good) ^ 0xFFFF;
    if (mask) return p + __builtin_ctz(static_cast<unsigned>(mask));
  }
#else
  while (class_of(*p) & name_char) ++p;
  return p;
#endif
}

// Whether any of & < > ' " stands among the `size` bytes at `p`, which are padded.
inline bool has_escaped(const char* p, std::size_t size) {
#if defined(__SSE2__)
  for (;; p += 16, size -= 16) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const auto is = [&](char c) { return _mm_cmpeq_epi8(v, _mm_set1_epi8(c)); };
    // & and ' differ in their last bit, < and > in the last but one.
    const __m128i pairs = _mm_or_si128(_mm_cmpeq_epi8(_mm_or_si128(v, _mm_set1_epi8(1)), _mm_set1_epi8('\'')),
                                       _mm_cmpeq_epi8(_mm_or_si128(v, _mm_set1_epi8(2)), _mm_set1_epi8('>')));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(pairs, is('"'))));
    if (size <= 16) return (mask & ((1U << size) - 1)) != 0;
    if (mask) return true;
  }
#else
  for (; size > 0; ++p, --size)
    if (*p == '&' || *p == '<' || *p == '>' || *p == '\'' || *p == '"') return true;
  return false;
#endif
}

// Whether `size` bytes at `a` and `b` are the same; both are padded.
inline bool same_bytes(const char* a, const char* b, std::size_t size) {
#if defined(__SSE2__)
  if (size <= 16) {
    const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(a));
    const __m128i y = _mm_loadu_si128(reinterpret_cast<const __m128i*>(b));
    const int mask = _mm_movemask_epi8(_mm_cmpeq_epi8(x, y)) ^ 0xFFFF;
    return (static_cast<unsigned>(mask) & ((1U << size) - 1)) == 0;
  }
#endif
  return memcmp(a, b, size) == 0;
}

enum class Step { ok, more, bad, too_long };

// One character beyond ASCII at `p`: strict UTF-8 (RFC 3629) and an XML Char. Moves `p` behind it when ok.
inline Step utf8(const char*& p, const char* end, std::uint32_t& code) {
  const auto byte = [&](int i) { return static_cast<unsigned char>(p[i]); };
  const unsigned lead = byte(0);
  const int size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4) return Step::bad;
  code = lead & (0xFFU >> (size + 1));
  for (int i = 1; i < size; ++i) {
    if (p + i >= end) return Step::more;
    if ((byte(i) & 0xC0) != 0x80) return Step::bad;
    code = code << 6 | (byte(i) & 0x3FU);
  }
  static constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < least[size] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF) || code == 0xFFFE || code == 0xFFFF)
    return Step::bad;
  p += size;
  return Step::ok;
}

// XML 1.0 §2.2 Char.
inline bool is_xml_char(std::uint32_t c) {
  return c == 9 || c == 10 || c == 13 || (c >= 0x20 && c <= 0xD7FF) || (c >= 0xE000 && c <= 0xFFFD) ||
         (c >= 0x10000 && c <= 0x10FFFF);
}

// Letters beyond ASCII that every edition of XML 1.0 allows in names. Others are refused: parsers differ about them.
inline bool is_name_code(std::uint32_t c) {
  return (c >= 0xC0 && c <= 0xD6) || (c >= 0xD8 && c <= 0xF6) || (c >= 0xF8 && c <= 0x131) ||
         (c >= 0x410 && c <= 0x44F) || (c >= 0x3B1 && c <= 0x3C1) || (c >= 0x3041 && c <= 0x3094) ||
         (c >= 0x30A1 && c <= 0x30FA) || (c >= 0x4E00 && c <= 0x9FA5) || (c >= 0xAC00 && c <= 0xD7A3);
}

constexpr int max_reference_size = 12;  // from & to the byte before ; - more digits than any character needs

enum class Reference { ok, more, malformed, entity };

// The character that the digits of a numeric reference name; 0, which is none, when it is beyond the last.
inline std::uint32_t reference_code(std::string_view digits, bool hex) {
  std::uint32_t code = 0;
  for (char c : digits) {
    code = code * (hex ? 16 : 10) + static_cast<std::uint32_t>(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    if (code > 0x10FFFF) return 0;
  }
  return code;
}

inline Reference numeric_reference(const char*& p, const char* end) {
  const char* q = p + 2;
  const bool hex = *q == 'x';
  if (hex) ++q;
  const char* const digits = q;
  const auto is_digit = [&](char c) { return (c >= '0' && c <= '9') || (hex && (c | 32) >= 'a' && (c | 32) <= 'f'); };
  while (q - p < max_reference_size && is_digit(*q)) ++q;
  if (q >= end) return Reference::more;
  if (*q != ';' || !is_xml_char(reference_code({digits, static_cast<std::size_t>(q - digits)}, hex)))
    return Reference::malformed;
  p = q + 1;
  return Reference::ok;
}

// A reference at `p` (which is '&'). Moves behind the ';' when ok.
inline Reference reference(const char*& p, const char* end) {
  const char* q = p + 1;
  if (*q == '#') return numeric_reference(p, end);
  while (q - p < max_reference_size && class_of(*q) & name_char) ++q;
  const std::string_view name{p + 1, static_cast<std::size_t>(q - p - 1)};
  if (!name.empty() && !(class_of(name[0]) & name_start)) return Reference::malformed;
  if (q >= end) return Reference::more;
  if (name.empty()) return Reference::malformed;
  if (*q != ';') return q - p < max_reference_size ? Reference::malformed : Reference::entity;
  if (name != "amp" && name != "lt" && name != "gt" && name != "quot" && name != "apos") return Reference::entity;
  p = q + 1;
  return Reference::ok;
}

}  // namespace jackdaw::scan
