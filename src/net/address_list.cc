// SPDX-License-Identifier: Apache-2.0
#include "net/address_list.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

namespace jackdaw {
namespace {

constexpr std::size_t most_entries = 10'000;
constexpr std::size_t mapped_bits = 96;  // before an IPv4 address

struct Parsed {
  AddressBytes bytes{};
  bool is_v4 = false;
};

std::optional<Parsed> read_address(std::string_view text) {
  const std::string host{text};
  Parsed parsed;
  in6_addr six;
  if (inet_pton(AF_INET6, host.c_str(), &six) == 1) {
    std::copy_n(six.s6_addr, 16, parsed.bytes.begin());
    return parsed;
  }
  in_addr four;
  if (inet_pton(AF_INET, host.c_str(), &four) != 1) return std::nullopt;
  parsed.bytes[10] = parsed.bytes[11] = 0xff;
  std::copy_n(reinterpret_cast<const unsigned char*>(&four), 4, parsed.bytes.begin() + 12);
  parsed.is_v4 = true;
  return parsed;
}

std::optional<std::size_t> read_bits(std::string_view digits, bool is_v4) {
  const std::size_t longest = is_v4 ? 32 : 128;
  std::size_t bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (error != std::errc{} || end != digits.data() + digits.size() || bits < 1 || bits > longest) return std::nullopt;
  return is_v4 ? bits + mapped_bits : bits;
}

// The address with all its bits behind the first `bits` set to `value`.
AddressBytes with_low_bits(AddressBytes bytes, std::size_t bits, bool value) {
  for (std::size_t i = bits; i < 128; ++i) {
    const auto mask = static_cast<unsigned char>(0x80U >> (i % 8));
    bytes[i / 8] = static_cast<unsigned char>(value ? bytes[i / 8] | mask : bytes[i / 8] & ~mask);
  }
  return bytes;
}

Failure wrong(std::string_view entry, std::string_view why) {
  return {"'" + std::string{entry} + "': " + std::string{why} +
          "; allowed: 192.0.2.1, 192.0.2.1-192.0.2.9, 192.0.2.0/24, 2001:db8::/32, each with \"!\" in front to take it "
          "out"};
}

constexpr std::string_view blanks = " \t\r\n";

// The next entry, without remarks; empty at the end.
std::string_view next_entry(std::string_view& text) {
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    if (text.empty() || text.front() != ';') break;
    text.remove_prefix(std::min(text.find('\n'), text.size()));
  }
  const auto entry = text.substr(0, text.find_first_of(" \t\r\n;"));
  text.remove_prefix(entry.size());
  return entry;
}

}  // namespace

Result<AddressList::Range> AddressList::parse_entry(std::string_view entry) {
  auto text = entry;
  Range range{.first = {}, .last = {}, .excluded = text.starts_with('!')};
  if (range.excluded) text.remove_prefix(1);
  const auto slash = text.find('/'), dash = text.find('-');
  if (slash != text.npos && dash != text.npos) return wrong(entry, "both a range and a mask");
  const auto first = read_address(text.substr(0, std::min(slash, dash)));
  if (!first) return wrong(entry, "no address");
  range.first = range.last = first->bytes;
  if (slash != text.npos) {
    const auto bits = read_bits(text.substr(slash + 1), first->is_v4);
    if (!bits) return wrong(entry, first->is_v4 ? "its mask is not 1 to 32" : "its mask is not 1 to 128");
    if (with_low_bits(first->bytes, *bits, false) != first->bytes) return wrong(entry, "bits are set behind its mask");
    range.last = with_low_bits(first->bytes, *bits, true);
  } else if (dash != text.npos) {
    const auto last = read_address(text.substr(dash + 1));
    if (!last || last->is_v4 != first->is_v4) return wrong(entry, "its end is no address of that kind");
    range.last = last->bytes;
    if (range.last < range.first) return wrong(entry, "its end lies before its beginning");
  }
  return range;
}

Result<AddressList> AddressList::parse(std::string_view text) {
  AddressList list;
  for (auto entry = next_entry(text); !entry.empty(); entry = next_entry(text)) {
    const auto range = parse_entry(entry);
    if (!range) return range.failure();
    if (list.ranges_.empty() && range->excluded)
      return wrong(entry, "nothing stands before it that it could be taken out of");
    if (list.ranges_.size() == most_entries) return wrong(entry, "the list has more than 10000 entries");
    list.ranges_.push_back(*range);
  }
  return list;
}

bool AddressList::contains(std::string_view host) const {
  const auto address = read_address(host);
  if (!address) return false;
  for (auto range = ranges_.rbegin(); range != ranges_.rend(); ++range)
    if (range->first <= address->bytes && address->bytes <= range->last) return !range->excluded;
  return false;
}

}  // namespace jackdaw
