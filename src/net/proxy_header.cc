// SPDX-License-Identifier: Apache-2.0
#include "net/proxy_header.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "net/address.h"

namespace jackdaw {
namespace {

using State = ProxyHeader::State;

constexpr std::string_view signature{"\r\n\r\n\0\r\nQUIT\n", 12};  // §2.2
constexpr std::string_view first_word = "PROXY ";                  // §2.1
constexpr std::size_t longest_line = 107;                          // §2.1, with its line end
constexpr std::size_t fixed_size = 16;                             // §2.2

const ProxyHeader wrong{.state = State::wrong, .size = 0, .host = {}};

std::string host_of(int family, const void* bytes) {
  SocketAddress address;
  address.storage.ss_family = static_cast<sa_family_t>(family);
  if (family == AF_INET)
    std::memcpy(&reinterpret_cast<sockaddr_in&>(address.storage).sin_addr, bytes, 4);
  else
    std::memcpy(&reinterpret_cast<sockaddr_in6&>(address.storage).sin6_addr, bytes, 16);
  return address.host();
}

// An address as text of this family, in its usual form; empty: it is none.
std::string host_from(int family, std::string_view text) {
  unsigned char bytes[16];
  return inet_pton(family, std::string{text}.c_str(), bytes) == 1 ? host_of(family, bytes) : std::string{};
}

bool is_port(std::string_view digits) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return error == std::errc{} && end == digits.data() + digits.size() && !digits.empty();
}

// "TCP4 192.0.2.1 192.0.2.2 40000 5222", without "PROXY " and the line end (§2.1).
ProxyHeader read_line(std::string_view line, std::size_t size) {
  // "UNKNOWN": what follows is to be ignored, and the connection's own address counts.
  if (line.substr(0, line.find(' ')) == "UNKNOWN") return {.state = State::complete, .size = size, .host = {}};
  std::array<std::string_view, 5> words;
  std::size_t count = 0;
  for (std::string_view rest = line; count < words.size(); ++count) {
    const auto blank = rest.find(' ');
    words[count] = rest.substr(0, blank);
    if (blank == rest.npos) break;
    rest.remove_prefix(blank + 1);
    if (count + 1 == words.size()) return wrong;
  }
  const int family = words[0] == "TCP4" ? AF_INET : AF_INET6;
  if (count + 1 != words.size() || (words[0] != "TCP4" && words[0] != "TCP6")) return wrong;
  const auto host = host_from(family, words[1]);
  if (host.empty() || host_from(family, words[2]).empty() || !is_port(words[3]) || !is_port(words[4])) return wrong;
  return {.state = State::complete, .size = size, .host = host};
}

ProxyHeader read_version_1(std::string_view bytes) {
  const auto end = bytes.substr(0, longest_line).find("\r\n");
  if (end == bytes.npos) return bytes.size() < longest_line ? ProxyHeader{} : wrong;
  return read_line(bytes.substr(first_word.size(), end - first_word.size()), end + 2);
}

ProxyHeader read_version_2(std::string_view bytes) {
  if (bytes.size() < fixed_size) return {};
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned version = at(12) >> 4, command = at(12) & 0xf, family = at(13) >> 4, transport = at(13) & 0xf;
  const std::size_t rest = at(14) << 8 | at(15), size = fixed_size + rest;
  if (version != 2 || command > 1 || family > 3 || transport > 2 || size > longest_proxy_header) return wrong;
  if (bytes.size() < size) return {};
  // LOCAL: the proxy itself, to see whether we are there; AF_UNSPEC and AF_UNIX name no address we could use.
  if (command == 0 || family == 0 || family == 3) return {.state = State::complete, .size = size, .host = {}};
  if (transport != 1 || rest < (family == 1 ? 12U : 36U)) return wrong;
  return {.state = State::complete,
          .size = size,
          .host = host_of(family == 1 ? AF_INET : AF_INET6, bytes.data() + fixed_size)};
}

// Whether `bytes` begin as `beginning` does, as far as they go.
bool may_become(std::string_view bytes, std::string_view beginning) {
  const auto size = std::min(bytes.size(), beginning.size());
  return bytes.substr(0, size) == beginning.substr(0, size);
}

}  // namespace

ProxyHeader read_proxy_header(std::string_view bytes) {
  if (bytes.starts_with(first_word)) return read_version_1(bytes);
  if (bytes.starts_with(signature)) return read_version_2(bytes);
  return may_become(bytes, first_word) || may_become(bytes, signature) ? ProxyHeader{} : wrong;
}

}  // namespace jackdaw
