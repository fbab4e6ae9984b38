// The log: one line an event, with fields. Lines go through one bounded queue to a writer thread; what does not fit
// is dropped, counted and said. Any thread may log; nothing blocks.
//
//   log.info("session bound", {{"jid", jid.text()}, {"resource", resource}});
//
// A connection's lines carry its tag and number (XMPPS-000123). Secrets are never logged.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>

namespace jackdaw {

// CommuniGate's levels, least talkative first.
enum class LogLevel { crashes, failures, major, problems, low_level, all };

std::string_view name_of(LogLevel level);

// One "name=value" of a line. Values with spaces or quotes are quoted; control characters are escaped.
struct LogField {
  std::string_view name;
  std::string value;

  LogField(std::string_view n, std::string_view v) : name(n), value(v) {}
  LogField(std::string_view n, const std::string& v) : name(n), value(v) {}
  LogField(std::string_view n, const char* v) : name(n), value(v) {}
  LogField(std::string_view n, std::integral auto v) : name(n), value(std::to_string(v)) {}
};

using LogFields = std::initializer_list<LogField>;

// What writes under one tag: "XMPPS-000123", "STORE", "SERVER". Cheap to copy.
class Log {
 public:
  explicit Log(std::string tag) : tag_(std::move(tag)) {}

  void crash(std::string_view event, LogFields fields = {}) const { write(LogLevel::crashes, event, fields); }
  void failure(std::string_view event, LogFields fields = {}) const { write(LogLevel::failures, event, fields); }
  void major(std::string_view event, LogFields fields = {}) const { write(LogLevel::major, event, fields); }
  void problem(std::string_view event, LogFields fields = {}) const { write(LogLevel::problems, event, fields); }
  void info(std::string_view event, LogFields fields = {}) const { write(LogLevel::low_level, event, fields); }
  void all(std::string_view event, LogFields fields = {}) const { write(LogLevel::all, event, fields); }

  const std::string& tag() const { return tag_; }

  // True when lines of `level` are written: ask before building costly fields.
  static bool wants(LogLevel level) { return static_cast<int>(level) <= threshold_.load(std::memory_order_relaxed); }

 private:
  friend void set_log_level(LogLevel level);
  void write(LogLevel level, std::string_view event, LogFields fields) const;

  std::string tag_;
  static std::atomic<int> threshold_;
};

// Where lines go: standard error, or a file (appended). Called by main and by tests; before that lines go to standard
// error. Failure: an empty string is success, else why the file cannot be opened.
std::string open_log(const std::string& file);
void set_log_level(LogLevel level);
// Writes out what is queued and stops the writer.
void close_log();
// Lines that did not fit the queue since the start.
std::size_t dropped_log_lines();

}  // namespace jackdaw
