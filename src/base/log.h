// The log: one line an event, with fields. Lines go through one bounded queue to a writer thread; what does not fit
// is dropped, counted and said. Any thread may log; nothing blocks.
//
//   log.info("session bound", {{"jid", jid.text()}, {"resource", resource}});
//
// A connection's lines carry its tag and number (XMPPS-000123). Secrets are never logged. How much is written may be
// said for a tag, a peer's address or one connection alone (log_rules.h); where lines go, in log_output.h.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <atomic>
#include <concepts>
#include <cstdint>
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

// A peer's address, an IPv4 one mapped into IPv6; all zero: none.
using LogAddress = std::array<unsigned char, 16>;

// What writes under one tag: "XMPPS-000123", "STORE", "SERVER". Cheap to copy.
class Log {
 public:
  // `peer`: whose address the log's rules may name.
  explicit Log(std::string tag, const LogAddress& peer = {}) : tag_(std::move(tag)), peer_(peer) {}
  Log(const Log& other) : tag_(other.tag_), peer_(other.peer_) {}
  Log& operator=(const Log& other) {
    tag_ = other.tag_;
    peer_ = other.peer_;
    threshold_.store(0, std::memory_order_relaxed);
    return *this;
  }

  void crash(std::string_view event, LogFields fields = {}) const { write(LogLevel::crashes, event, fields); }
  void failure(std::string_view event, LogFields fields = {}) const { write(LogLevel::failures, event, fields); }
  void major(std::string_view event, LogFields fields = {}) const { write(LogLevel::major, event, fields); }
  void problem(std::string_view event, LogFields fields = {}) const { write(LogLevel::problems, event, fields); }
  void info(std::string_view event, LogFields fields = {}) const { write(LogLevel::low_level, event, fields); }
  void all(std::string_view event, LogFields fields = {}) const { write(LogLevel::all, event, fields); }

  const std::string& tag() const { return tag_; }
  const LogAddress& peer() const { return peer_; }

  // True when lines of `level` are written here: ask before building costly fields. Two loads, unless the levels have
  // changed since.
  bool wants(LogLevel level) const {
    std::uint64_t known = threshold_.load(std::memory_order_relaxed);
    if ((known >> 8) != generation.load(std::memory_order_relaxed)) known = look_up();
    return static_cast<std::uint64_t>(level) <= (known & 0xFF);
  }

  // Which set of levels is in force; never 0. Raised by log_rules.cc alone.
  static std::atomic<std::uint64_t> generation;

 private:
  void write(LogLevel level, std::string_view event, LogFields fields) const;
  std::uint64_t look_up() const;

  std::string tag_;
  LogAddress peer_{};
  // The generation, and in the lowest byte the level it has here.
  mutable std::atomic<std::uint64_t> threshold_{0};
};

// Writes out what is queued and stops the writer.
void close_log();
// Lines that did not fit the queue since the start.
std::size_t dropped_log_lines();

}  // namespace jackdaw
