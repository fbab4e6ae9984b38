// Settings of the process: its log and its cores.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "base/log_output.h"
#include "settings/setting.h"
#include "settings/settings.h"

namespace jackdaw {

constexpr std::string_view log_level_words = "crashes,failures,major,problems,low-level,all";

constexpr Setting<std::string> log_level{
    .name = "log.level",
    .fallback = "major",
    .choices = log_level_words,
    .help = "How much is logged; stanzas' contents only at \"all\", and secrets never."};
constexpr Setting<StringList> log_rules{
    .name = "log.levels",
    .fallback = "",
    .help = "Levels of their own for tags of the log and for peers' addresses: XMPPS=all, 192.0.2.7=all."};
constexpr Setting<std::string> log_file{.name = "log.file",
                                        .fallback = "",
                                        .names_file = true,
                                        .help = "Where log lines are appended; empty: standard error."};
constexpr Setting<Seconds> log_rotate_after{
    .name = "log.rotate_after",
    .fallback = 24h,
    .max = 366 * 24h,
    .help = "The log file is renamed and a new one begun so often, counted from midnight; 0: never."};
constexpr Setting<std::int64_t> log_rotate_size{
    .name = "log.rotate_size",
    .fallback = 100 * 1024 * 1024,
    .min = 0,
    .max = std::int64_t{1} << 40,
    .unit = Unit::bytes,
    .help = "The log file is renamed and a new one begun before it would be larger; 0: any size."};
constexpr Setting<Seconds> log_keep{.name = "log.keep",
                                    .fallback = 30 * 24h,
                                    .max = 100 * 366 * 24h,
                                    .help = "Log files that were renamed are removed when they are older; 0: never."};
constexpr Setting<std::int64_t> log_precision{
    .name = "log.precision",
    .fallback = 3,
    .min = 0,
    .max = 9,
    .help = "With so many digits of a second's fraction the time of a line is written."};
constexpr Setting<bool> log_journal{
    .name = "log.journal",
    .fallback = false,
    .help = "Log lines also go to systemd's journal; done by itself where standard error goes there."};
constexpr Setting<std::string> log_syslog{
    .name = "log.syslog",
    .fallback = "",
    .help = "Log lines also go to syslog: \"local\", or a server's ADDRESS:PORT (RFC 5424 over UDP, in clear)."};
constexpr Setting<std::string> log_syslog_facility{
    .name = "log.syslog_facility",
    .fallback = "daemon",
    .choices =
        "kern,user,mail,daemon,auth,syslog,lpr,news,uucp,cron,authpriv,ftp,"
        "local0,local1,local2,local3,local4,local5,local6,local7",
    .help = "As what syslog gets the lines."};
constexpr Setting<std::string> log_syslog_level{.name = "log.syslog_level",
                                                .fallback = "major",
                                                .choices = log_level_words,
                                                .help = "Lines up to this level go to syslog."};
constexpr Setting<std::int64_t> server_cores{.name = "server.cores",
                                             .fallback = 0,
                                             .min = 0,
                                             .max = 256,
                                             .reload = Reload::restart,
                                             .help = "So many threads serve connections; 0: one for each processor."};

SettingRows server_settings();
// What the settings say of the log's places.
LogPlaces log_places(const Settings& settings);
// Failure: what is wrong with the levels or the syslog server, and what is allowed.
Result<Done> check_log_settings(const Settings& settings);
// Any thread; the settings were checked.
void apply_log_levels(const Settings& settings);

}  // namespace jackdaw
