// SPDX-License-Identifier: Apache-2.0
#include "base/log_output.h"

#include <spdlog/async.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <mutex>

#include "base/log_sinks.h"

namespace jackdaw {
namespace {

constexpr std::size_t queue_lines = 8192;  // full: the oldest line is dropped and counted

// systemd.exec(5), JOURNAL_STREAM.
bool is_journal(int descriptor) {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat out{};
  if (stream == nullptr || fstat(descriptor, &out) != 0) return false;
  return std::to_string(out.st_dev) + ':' + std::to_string(out.st_ino) == stream;
}

// Digits of the second's fraction; spdlog has three, six and nine.
class Fraction final : public spdlog::custom_flag_formatter {
 public:
  explicit Fraction(int digits) : digits_(digits) {}
  void format(const spdlog::details::log_msg& line, const std::tm&, spdlog::memory_buf_t& out) override {
    if (digits_ == 0) return;
    const auto since = line.time.time_since_epoch();
    const auto part = std::chrono::nanoseconds{since - std::chrono::floor<Seconds>(since)};
    const std::string text = fmt::format(".{:09}", part.count()).substr(0, static_cast<std::size_t>(digits_) + 1);
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<Fraction>(digits_); }

 private:
  int digits_;
};

std::unique_ptr<spdlog::formatter> make_formatter(int precision) {
  auto made = std::make_unique<spdlog::pattern_formatter>();
  made->add_flag<Fraction>('*', precision).set_pattern("%Y-%m-%d %H:%M:%S%* %v");
  return made;
}

std::vector<spdlog::sink_ptr> make_sinks(const LogPlaces& places) {
  std::vector<spdlog::sink_ptr> sinks;
  const bool to_journal = places.journal || (places.file.empty() && is_journal(STDERR_FILENO));
  if (!places.file.empty())
    sinks.push_back(std::make_shared<RotatingFile>(
        places.file, RotatingFile::Limits{places.rotate_after, places.rotate_size, places.keep}));
  else if (!to_journal || !is_journal(STDERR_FILENO))
    sinks.push_back(std::make_shared<spdlog::sinks::stderr_sink_mt>());
  if (to_journal) sinks.push_back(std::make_shared<JournalSink>());
  if (places.syslog.empty()) return sinks;
  const int facility = *syslog_facility_named(places.syslog_facility);
  if (const auto place = read_syslog_place(places.syslog); place && place->size > 0)
    sinks.push_back(std::make_shared<RemoteSyslog>(*place, facility, places.syslog_level));
  else
    sinks.push_back(std::make_shared<LocalSyslog>(facility, places.syslog_level));
  return sinks;
}

// What was made last, and which file that was: nothing changes while both stay.
struct Made {
  LogPlaces places;
  std::weak_ptr<spdlog::logger> output;
  ino_t file = 0;
};

ino_t file_number(const std::string& file) {
  struct stat is{};
  return file.empty() || ::stat(file.c_str(), &is) != 0 ? 0 : is.st_ino;
}

}  // namespace

Result<LogOutput> make_log_output(const LogPlaces& places) {
  static std::mutex making;
  static Made last;
  std::lock_guard lock(making);
  if (auto same = last.output.lock(); same && last.places == places && last.file == file_number(places.file))
    return same;
  try {
    auto sinks = make_sinks(places);
    // The first logger makes the pool, and another pool would end the first one's.
    if (!spdlog::thread_pool()) spdlog::init_thread_pool(queue_lines, 1);
    auto made = std::make_shared<spdlog::async_logger>("jackdaw", sinks.begin(), sinks.end(), spdlog::thread_pool(),
                                                       spdlog::async_overflow_policy::overrun_oldest);
    made->set_formatter(make_formatter(places.precision));
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::trace);
    last = {places, made, file_number(places.file)};
    return LogOutput{std::move(made)};
  } catch (const std::exception& e) {
    return Failure{places.file.empty() ? std::string{e.what()}
                                       : places.file + ": no log can be written there: " + e.what()};
  }
}

}  // namespace jackdaw
