// A copy of the database in another file, and back. restore_sqlite_store() is in store/store.h.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "base/result.h"
#include "store/sqlite/connection.h"

namespace jackdaw {

// Writes what `source` sees at this moment into the new `file` (mode 0600), synced. Readers and the writer go on; the
// log grows meanwhile. A Failure leaves no file.
Result<Done> copy_database(Connection& source, const std::string& file);

// Makes an empty file of mode 0600; a Failure when there is one.
Result<Done> make_new_file(const std::string& file);

// What has to be on the disk before a file or its name is.
Result<Done> sync_file(const std::string& file);
Result<Done> sync_directory_of(const std::string& file);

}  // namespace jackdaw
