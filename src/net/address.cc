// SPDX-License-Identifier: Apache-2.0
#include "net/address.h"

#include <arpa/inet.h>

#include <charconv>

namespace jackdaw {

std::uint16_t SocketAddress::port() const {
  return ntohs(storage.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(storage).sin6_port
                                             : reinterpret_cast<const sockaddr_in&>(storage).sin_port);
}

void SocketAddress::set_port(std::uint16_t port) {
  if (storage.ss_family == AF_INET6)
    reinterpret_cast<sockaddr_in6&>(storage).sin6_port = htons(port);
  else
    reinterpret_cast<sockaddr_in&>(storage).sin_port = htons(port);
}

std::string SocketAddress::host() const {
  char text[INET6_ADDRSTRLEN] = {};
  if (storage.ss_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(storage).sin_addr, text, sizeof text);
    return text;
  }
  const auto& six = reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&six))
    inet_ntop(AF_INET, six.s6_addr + 12, text, sizeof text);
  else
    inet_ntop(AF_INET6, &six, text, sizeof text);
  return text;
}

std::string SocketAddress::text() const {
  const auto name = host();
  return (name.find(':') == name.npos ? name : '[' + name + ']') + ':' + std::to_string(port());
}

namespace {

SocketAddress any_address(int family, std::uint16_t port) {
  SocketAddress made;
  made.storage.ss_family = static_cast<sa_family_t>(family);
  made.size = family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  made.set_port(port);
  return made;
}

bool read_host(const std::string& host, SocketAddress& address) {
  if (inet_pton(AF_INET, host.c_str(), &reinterpret_cast<sockaddr_in&>(address.storage).sin_addr) == 1) {
    address.storage.ss_family = AF_INET;
    address.size = sizeof(sockaddr_in);
    return true;
  }
  if (inet_pton(AF_INET6, host.c_str(), &reinterpret_cast<sockaddr_in6&>(address.storage).sin6_addr) != 1) return false;
  address.storage.ss_family = AF_INET6;
  address.size = sizeof(sockaddr_in6);
  return true;
}

}  // namespace

Result<std::vector<SocketAddress>> parse_address(std::string_view text) {
  const Failure wrong{"'" + std::string(text) + "' is no address; allowed: 192.0.2.1:5222, [2001:db8::1]:5222, *:5222"};
  const auto colon = text.rfind(':');
  if (colon == text.npos) return wrong;
  std::string host{text.substr(0, colon)};
  const auto digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size() || digits.empty()) return wrong;
  if (host == "*") return std::vector{any_address(AF_INET, port), any_address(AF_INET6, port)};
  if (host == "localhost") host = "127.0.0.1";
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  SocketAddress made;
  if (!read_host(host, made)) return wrong;
  made.set_port(port);
  return std::vector{made};
}

std::string address_group(std::string_view host) {
  in6_addr six;
  if (inet_pton(AF_INET6, std::string(host).c_str(), &six) != 1) return std::string(host);
  if (IN6_IS_ADDR_V4MAPPED(&six)) {
    char text[INET_ADDRSTRLEN] = {};
    inet_ntop(AF_INET, six.s6_addr + 12, text, sizeof text);
    return text;
  }
  return std::string(reinterpret_cast<const char*>(six.s6_addr), 8);
}

bool is_loopback(std::string_view host) { return host == "::1" || host.starts_with("127."); }

}  // namespace jackdaw
