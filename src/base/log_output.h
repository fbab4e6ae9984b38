// Where log lines go: standard error or a file that is rotated, systemd's journal, syslog.
//
// Lines are written by the log's own thread. Called while the server starts and when settings are read again.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/socket.h>

#include <memory>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"

namespace spdlog {
class logger;
}

namespace jackdaw {

struct LogPlaces {
  friend bool operator==(const LogPlaces&, const LogPlaces&) = default;

  std::string file;              // appended to; empty: standard error
  Seconds rotate_after = 0s;     // counted from midnight, local time; 0: never
  std::int64_t rotate_size = 0;  // bytes; 0: any size
  Seconds keep = 0s;             // older files of the rotation are removed; 0: never
  int precision = 3;             // digits of a second's fraction, 0 to 9
  bool journal = false;          // to systemd's journal too; instead of standard error where that already goes there
  std::string syslog;            // empty, "local", or ADDRESS:PORT (RFC 5424 over UDP)
  std::string syslog_facility = "daemon";
  LogLevel syslog_level = LogLevel::major;
};

// Where `text` says that syslog is; no bytes for none, and for this machine's. Failure: what is allowed.
struct SyslogPlace {
  sockaddr_storage to{};
  socklen_t size = 0;
};
Result<SyslogPlace> read_syslog_place(const std::string& text);

using LogOutput = std::shared_ptr<spdlog::logger>;

// Failure: which place cannot be used, and why.
Result<LogOutput> make_log_output(const LogPlaces& places);
// From now on. Lines that wait still go where they were to go.
void use_log_output(LogOutput output);
// A file alone, or (empty) standard error. An empty answer is success, else why the file cannot be opened.
std::string open_log(const std::string& file);

}  // namespace jackdaw
