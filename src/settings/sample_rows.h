// Settings of every type and scope, for the tests and the fuzz target of this folder only.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "base/bytes.h"
#include "settings/table.h"

namespace jackdaw::sample {

inline constexpr Setting<Seconds> c2s_idle{.name = "c2s.idle",
                                           .fallback = 10min,
                                           .min = 10s,
                                           .max = 24h,
                                           .scope = Scope::domain,
                                           .help = "After this long without data the server asks the client."};
inline constexpr Setting<std::int64_t> c2s_max_stanza{
    .name = "c2s.max_stanza",
    .fallback = 256_KiB,
    .min = 10'000,
    .max = 16_MiB,
    .scope = Scope::domain,
    .unit = Unit::bytes,
    .help = "The largest stanza a client may send. A larger one closes its stream."};
inline constexpr Setting<StringList> c2s_mechanisms{.name = "c2s.mechanisms",
                                                    .fallback = "SCRAM-SHA-256, PLAIN",
                                                    .choices = "SCRAM-SHA-256, SCRAM-SHA-1, PLAIN",
                                                    .scope = Scope::domain,
                                                    .help = "The SASL mechanisms offered, in this order."};
inline constexpr Setting<std::int64_t> c2s_port{.name = "c2s.port",
                                                .fallback = 5222,
                                                .min = 1,
                                                .max = 65535,
                                                .scope = Scope::listener,
                                                .reload = Reload::restart,
                                                .help = "The port clients connect to."};
inline constexpr Setting<std::int64_t> archive_offset{
    .name = "archive.offset", .fallback = -3, .help = "Any whole number at all | for the tests."};
inline constexpr Setting<std::string> log_level{
    .name = "log.level", .fallback = "major", .choices = "major,all", .help = "What is written to the log."};
inline constexpr Setting<std::string> log_note{
    .name = "log.note", .fallback = "say \"hi\" \\ bye", .help = "A text at the head of the log."};
inline constexpr Setting<bool> registration_auto_signup{
    .name = "registration.auto_signup",
    .fallback = false,
    .scope = Scope::domain,
    .reload = Reload::restart,
    .help = "Let clients register accounts by themselves (XEP-0077)."};
inline constexpr Setting<StringList> registration_admins{
    .name = "registration.admins", .scope = Scope::domain, .help = "Who hears of a new account."};
inline constexpr Setting<std::string> directory_password{.name = "directory.password",
                                                         .scope = Scope::domain,
                                                         .secrecy = Secrecy::secret,
                                                         .help = "What the server shows to the directory."};

inline SettingTable table() {
  return SettingTable{{rows(c2s_port, c2s_idle, c2s_max_stanza, c2s_mechanisms), rows(log_level, log_note),
                       rows(registration_auto_signup, registration_admins), rows(directory_password, archive_offset)}};
}

}  // namespace jackdaw::sample
