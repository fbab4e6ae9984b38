// Settings of the process: its log and its cores.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "settings/setting.h"

namespace jackdaw {

constexpr Setting<std::string> log_level{
    .name = "log.level",
    .fallback = "major",
    .choices = "crashes,failures,major,problems,low-level,all",
    .help = "How much is logged; stanzas' contents only at \"all\", and secrets never."};
constexpr Setting<std::string> log_file{.name = "log.file",
                                        .fallback = "",
                                        .reload = Reload::restart,
                                        .help = "Where log lines are appended; empty: standard error."};
constexpr Setting<std::int64_t> server_cores{.name = "server.cores",
                                             .fallback = 0,
                                             .min = 0,
                                             .max = 256,
                                             .reload = Reload::restart,
                                             .help = "So many threads serve connections; 0: one for each processor."};

SettingRows server_settings();

}  // namespace jackdaw
