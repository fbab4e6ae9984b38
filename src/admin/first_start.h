// What the first start of a server prints: the administrator's account, and the commands that come next.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "admin/setup.h"

namespace jackdaw {

// How the program was called, for commands that call it again.
struct ProgramPlaces {
  std::string program, data_directory, config_file;  // config_file: empty where none was named
};

// The text; its commands are as a shell reads them. The password stands in it, unless systemd's journal would keep it,
// which others may read: then it is written into a file for the administrator alone.
std::string first_start_text(const NewAdministrator& made, const ProgramPlaces& places);

}  // namespace jackdaw
