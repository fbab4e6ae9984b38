// The log over spdlog's asynchronous queue. Start reading at Log::write().
// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <spdlog/async.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <mutex>

namespace jackdaw {
namespace {

constexpr std::size_t queue_lines = 8192;  // full: the oldest line is dropped and counted

std::mutex logger_mutex;
std::shared_ptr<spdlog::logger> logger;

// With logger_mutex held: the first logger makes the pool, and another pool would end the first one's.
std::shared_ptr<spdlog::logger> make_logger(spdlog::sink_ptr sink) {
  if (!spdlog::thread_pool()) spdlog::init_thread_pool(queue_lines, 1);
  auto made = std::make_shared<spdlog::async_logger>("jackdaw", std::move(sink), spdlog::thread_pool(),
                                                     spdlog::async_overflow_policy::overrun_oldest);
  made->set_pattern("%Y-%m-%d %H:%M:%S.%e %v");
  made->set_level(spdlog::level::trace);
  made->flush_on(spdlog::level::trace);
  return made;
}

std::shared_ptr<spdlog::logger> current_logger() {
  std::lock_guard lock(logger_mutex);
  if (!logger) logger = make_logger(std::make_shared<spdlog::sinks::stderr_sink_mt>());
  return logger;
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

std::atomic<int> Log::threshold_{static_cast<int>(LogLevel::major)};

std::string_view name_of(LogLevel level) {
  static constexpr std::string_view names[] = {"crashes", "failures", "major", "problems", "low-level", "all"};
  return names[static_cast<int>(level)];
}

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
    current_logger()->log(spdlog::level::info, line);
  } catch (const std::exception&) {
    // A line that cannot be written must not end what it tells of: it is lost, like one of a full queue.
  }
}

std::string open_log(const std::string& file) {
  try {
    std::lock_guard lock(logger_mutex);
    auto made = file.empty() ? make_logger(std::make_shared<spdlog::sinks::stderr_sink_mt>())
                             : make_logger(std::make_shared<spdlog::sinks::basic_file_sink_mt>(file));
    logger = std::move(made);
    return {};
  } catch (const std::exception& e) {
    return "the log file " + file + " cannot be opened: " + e.what();
  }
}

void set_log_level(LogLevel level) { Log::threshold_ = static_cast<int>(level); }

void close_log() {
  std::lock_guard lock(logger_mutex);
  logger.reset();
  spdlog::shutdown();
}

std::size_t dropped_log_lines() {
  auto pool = spdlog::thread_pool();
  return pool ? pool->overrun_counter() : 0;
}

}  // namespace jackdaw
