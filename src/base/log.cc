// The log over spdlog's asynchronous queue. Start reading at Log::write().
// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <spdlog/async.h>
#include <spdlog/spdlog.h>

#include <mutex>

#include "base/log_output.h"

namespace jackdaw {
namespace {

std::mutex logger_mutex;
LogOutput current;

LogOutput current_output() {
  std::lock_guard lock(logger_mutex);
  if (!current) current = *make_log_output({});
  return current;
}

// In spdlog's order, which is ours.
spdlog::level::level_enum level_of(LogLevel level) {
  return static_cast<spdlog::level::level_enum>(spdlog::level::critical - static_cast<int>(level));
}

bool is_plain(std::string_view value) {
  for (unsigned char c : value)
    if (c <= ' ' || c == '"' || c == '\\' || c == 0x7F) return false;
  return !value.empty();
}

// Bytes a terminal or a log reader could take for something else are written as \xNN.
void append_value(std::string& line, std::string_view value) {
  if (is_plain(value)) {
    line += value;
    return;
  }
  line += '"';
  for (unsigned char c : value) {
    if (c == '"' || c == '\\') {
      line += '\\';
      line += static_cast<char>(c);
    } else if (c < ' ' || c == 0x7F) {
      line += fmt::format("\\x{:02x}", c);
    } else {
      line += static_cast<char>(c);
    }
  }
  line += '"';
}

}  // namespace

void Log::write(LogLevel level, std::string_view event, LogFields fields) const {
  if (!wants(level)) return;
  std::string line = std::to_string(static_cast<int>(level));
  line += ' ';
  line += tag_;
  line += ' ';
  line += event;
  for (const auto& field : fields) {
    line += ' ';
    line += field.name;
    line += '=';
    append_value(line, field.value);
  }
  try {
    current_output()->log(level_of(level), line);
  } catch (const std::exception&) {
    // A line that cannot be written must not end what it tells of: it is lost, like one of a full queue.
  }
}

void use_log_output(LogOutput output) {
  std::lock_guard lock(logger_mutex);
  current = std::move(output);
}

std::string open_log(const std::string& file) {
  auto made = make_log_output({.file = file});
  if (!made) return made.failure().what;
  use_log_output(std::move(*made));
  return {};
}

void close_log() {
  {
    std::lock_guard lock(logger_mutex);
    current.reset();
  }
  // Not with the lock held: what is written last may itself have something to say.
  spdlog::shutdown();
}

std::size_t dropped_log_lines() {
  auto pool = spdlog::thread_pool();
  return pool ? pool->overrun_counter() : 0;
}

}  // namespace jackdaw
