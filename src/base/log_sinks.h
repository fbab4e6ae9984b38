// What writes log lines: a file with its rotation, systemd's journal, syslog here and elsewhere. On the log's thread.
//
// A line comes as Log::write() made it: "3 XMPPS-000123 stanza refused condition=forbidden".
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <spdlog/details/file_helper.h>
#include <spdlog/sinks/base_sink.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/log_output.h"
#include "base/time.h"

namespace jackdaw {

using Sink = spdlog::sinks::base_sink<std::mutex>;
using LogLine = spdlog::details::log_msg;

// Renames the file to FILE.20261122-000000 (when it was rotated, local time) and begins a new one when its time is
// over or a line would make it too large; removes what is too old. A file of an earlier run counts from when it was
// written last. Throws when the file cannot be opened; what goes wrong later is a line of the log, and lines go on.
class RotatingFile final : public Sink {
 public:
  struct Limits {
    Seconds after{};        // counted from midnight; 0: never
    std::int64_t size = 0;  // bytes; 0: any size
    Seconds keep{};         // 0: for ever
  };
  RotatingFile(std::string file, Limits limits);

 private:
  void sink_it_(const LogLine& line) override;
  void flush_() override { out_->flush(); }
  bool is_due(std::chrono::system_clock::time_point now, std::size_t more) const;
  void rotate(std::chrono::system_clock::time_point now);
  void remove_old(std::chrono::system_clock::time_point now) const;
  std::int64_t period_of(std::chrono::system_clock::time_point when) const;

  const std::string file_;
  const Limits limits_;
  std::unique_ptr<spdlog::details::file_helper> out_ = std::make_unique<spdlog::details::file_helper>();
  std::int64_t size_ = 0, period_ = 0;
  std::chrono::system_clock::time_point not_before_{};  // after a rotation that failed
};

// With the fields PRIORITY, SYSLOG_IDENTIFIER=jackdaw and JACKDAW_TAG (sd_journal_send(3)).
class JournalSink final : public Sink {
  void sink_it_(const LogLine& line) override;
  void flush_() override {}
};

// RFC 5424 §6.2.1, "daemon" or "local0"; none: there is no such one.
std::optional<int> syslog_facility_named(std::string_view word);

// syslog(3).
class LocalSyslog final : public Sink {
 public:
  LocalSyslog(int facility, LogLevel level);

 private:
  void sink_it_(const LogLine& line) override;
  void flush_() override {}
  const int facility_;
  const LogLevel level_;
};

// RFC 5424 over UDP (RFC 5426); what cannot be sent is lost and counted. Throws when there is no socket.
class RemoteSyslog final : public Sink {
 public:
  RemoteSyslog(const SyslogPlace& place, int facility, LogLevel level);
  ~RemoteSyslog() override;

 private:
  void sink_it_(const LogLine& line) override;
  void flush_() override {}
  int socket_ = -1;
  const SyslogPlace place_;
  const int facility_;
  const LogLevel level_;
  std::string host_;
};

}  // namespace jackdaw
