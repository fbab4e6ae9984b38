// SPDX-License-Identifier: Apache-2.0
#include "router/server_settings.h"

namespace jackdaw {

SettingRows server_settings() { return rows(log_level, log_file, server_cores); }

}  // namespace jackdaw
