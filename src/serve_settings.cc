// The settings of the whole server, and whether one can run with them, as far as their own bounds do not say.
// SPDX-License-Identifier: Apache-2.0
#include "modules/all.h"
#include "router/module.h"
#include "router/server_settings.h"
#include "serve_parts.h"
#include "stream/negotiation.h"
#include "stream/s2s_policy.h"
#include "stream/s2s_settings.h"
#include "stream/stream_settings.h"

namespace jackdaw {

SettingTable all_settings() {
  std::vector<SettingRows> lists{stream_settings(), server_settings()};
  for (const Module* module : all_modules) lists.push_back(module->settings);
  return SettingTable{lists};
}

ResolverOptions resolver_options(const Settings& settings) {
  return {.servers = settings.value(dns_servers),
          .trust_anchor = settings.value(dns_trust_anchor),
          .insecure = settings.value(dns_insecure)};
}

namespace {

Result<Done> check_dns(const Settings& settings) {
  return settings.value(s2s_enabled) ? Resolver::check(resolver_options(settings)) : Done{};
}

Result<Done> check_each(const Settings& settings) {
  if (auto good = check_component_secrets(settings); !good) return good.failure();
  for (const Module* module : all_modules)
    if (module->check_settings)
      if (auto good = module->check_settings(settings); !good) return good.failure();
  if (auto good = check_s2s_settings(settings); !good) return good.failure();
  if (auto good = Listeners::check(settings); !good) return good.failure();
  if (auto good = channel_limits(settings); !good) return good.failure();
  if (auto good = check_log_settings(settings); !good) return good.failure();
  return check_dns(settings);
}

}  // namespace

Result<Done> check_settings(const Settings& settings) {
  auto good = check_each(settings);
  return good ? good : settings.located(good.failure());
}

}  // namespace jackdaw
