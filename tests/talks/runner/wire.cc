// SPDX-License-Identifier: Apache-2.0
#include "wire.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace jackdaw::talks {
namespace {

using namespace std::chrono_literals;
using Time = std::chrono::steady_clock;

// The certificate is self-signed: what is trusted here is checked by the e2e tests.
SSL_CTX* context() {
  static SSL_CTX* made = [] {
    SSL_CTX* c = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(c, SSL_VERIFY_NONE, nullptr);
    return c;
  }();
  return made;
}

}  // namespace

bool Wire::connect(const std::string& address) {
  cut();
  const auto colon = address.rfind(':');
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
  inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr);
  descriptor_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int one = 1;
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (::connect(descriptor_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) return cut(), false;
  ::fcntl(descriptor_, F_SETFL, O_NONBLOCK);
  return true;
}

bool Wire::wait(short events, Time::time_point deadline) const {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Time::now()).count();
  pollfd poll{.fd = descriptor_, .events = events, .revents = 0};
  return left > 0 && ::poll(&poll, 1, static_cast<int>(left)) > 0;
}

bool Wire::start_tls(const std::string& domain) {
  ssl_ = SSL_new(context());
  SSL_set_fd(ssl_, descriptor_);
  SSL_set_tlsext_host_name(ssl_, domain.c_str());
  const auto deadline = Time::now() + 20s;
  for (;;) {
    ERR_clear_error();
    const int result = SSL_connect(ssl_);
    if (result == 1) return true;
    const int error = SSL_get_error(ssl_, result);
    const bool again = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
    if (!again || !wait(error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline)) return cut(), false;
  }
}

bool Wire::write(std::string_view bytes) {
  const auto deadline = Time::now() + 20s;
  while (!bytes.empty() && is_open()) {
    ERR_clear_error();
    const auto size = static_cast<int>(bytes.size());
    const auto done =
        ssl_ ? SSL_write(ssl_, bytes.data(), size) : ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (done > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(done));
      continue;
    }
    const int error = ssl_              ? SSL_get_error(ssl_, static_cast<int>(done))
                      : errno == EAGAIN ? SSL_ERROR_WANT_WRITE
                                        : SSL_ERROR_SYSCALL;
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return false;
    if (!wait(error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline)) return false;
  }
  return bytes.empty();
}

Wire::Got Wire::read(std::string& bytes, Time::time_point deadline) {
  char buffer[16384];
  while (is_open()) {
    ERR_clear_error();
    const auto done = ssl_ ? SSL_read(ssl_, buffer, sizeof buffer) : ::recv(descriptor_, buffer, sizeof buffer, 0);
    if (done > 0) {
      bytes.assign(buffer, static_cast<std::size_t>(done));
      return Got::bytes;
    }
    const int error = ssl_                          ? SSL_get_error(ssl_, static_cast<int>(done))
                      : done < 0 && errno == EAGAIN ? SSL_ERROR_WANT_READ
                                                    : SSL_ERROR_SYSCALL;
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return Got::closed;
    if (!wait(error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline)) return Got::nothing;
  }
  return Got::closed;
}

void Wire::cut() {
  if (ssl_) SSL_free(ssl_);
  if (descriptor_ >= 0) ::close(descriptor_);
  ssl_ = nullptr;
  descriptor_ = -1;
}

std::string Wire::channel_binding() const {
  std::string out(32, '\0');
  constexpr std::string_view label = "EXPORTER-Channel-Binding";
  if (!ssl_ || SSL_export_keying_material(ssl_, reinterpret_cast<unsigned char*>(out.data()), out.size(), label.data(),
                                          label.size(), nullptr, 0, 0) != 1)
    return {};
  return out;
}

}  // namespace jackdaw::talks
