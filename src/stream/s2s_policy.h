// What the settings say of one remote domain: whether TLS is wanted, and where its server is. Start at tls_policy().
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "settings/settings.h"

namespace jackdaw {

// never: in clear. wherever_possible: TLS when the peer has it, whatever its certificate says. encrypted: TLS, and a
// valid certificate or dialback. verified: TLS and a valid certificate.
enum class TlsPolicy { never, wherever_possible, encrypted, verified };
std::string_view name_of(TlsPolicy policy);

// In this order: a line "!name" that fits, a line that fits, s2s.unlisted.
TlsPolicy tls_policy(const Settings& settings, std::string_view domain);

// Whether `pattern` ("corp.example", "*.corp.example", "*") means `domain`; "*" stands for one label or more.
bool domain_fits(std::string_view pattern, std::string_view domain);

// Where the administrator says the server of a domain is.
struct StaticRoute {
  std::string host;
  std::uint16_t port;  // 0: none was named
};
std::optional<StaticRoute> static_route(const Settings& settings, std::string_view domain);
// One line when an item of s2s.routes or s2s.secure_domains is none.
Result<Done> check_s2s_settings(const Settings& settings);

}  // namespace jackdaw
