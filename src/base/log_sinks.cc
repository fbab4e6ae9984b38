// SPDX-License-Identifier: Apache-2.0
#include "base/log_sinks.h"

#include <arpa/inet.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <syslog.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <stdexcept>

#include "base/metrics.h"

namespace jackdaw {
namespace {

using WallTime = std::chrono::system_clock::time_point;
namespace fs = std::filesystem;

const Metric syslog_lost{"jackdaw_log_syslog_lost", "Lines of the log that could not be sent to the syslog server."};
constexpr auto until_next_try = 60s;

std::tm local_time(WallTime when) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(when);
  std::tm made{};
  localtime_r(&seconds, &made);
  return made;
}

WallTime written_last(const fs::path& file) {
  std::error_code error;
  const auto when = fs::last_write_time(file, error);
  if (error) return WallTime{};
  return std::chrono::time_point_cast<WallTime::duration>(std::chrono::file_clock::to_sys(when));
}

// FILE.20261122-000000, and FILE.20261122-000000-2 when there is one.
std::string rotated_name(const std::string& file, WallTime now) {
  const std::string name = fmt::format("{}.{:%Y%m%d-%H%M%S}", file, local_time(now));
  std::string free = name;
  std::error_code error;
  for (int i = 2; fs::exists(free, error) && i < 1000; ++i) free = fmt::format("{}-{}", name, i);
  return free;
}

// Whether `name` is one that rotated_name() gives for a file of this name.
bool is_rotated(std::string_view name, std::string_view file) {
  if (!name.starts_with(file) || name.size() < file.size() + 16) return false;
  const auto rest = name.substr(file.size());
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return rest[0] == '.' && rest[9] == '-' && std::ranges::all_of(rest.substr(1, 8), is_digit) &&
         std::ranges::all_of(rest.substr(10, 6), is_digit) && (rest.size() == 16 || rest[16] == '-');
}

LogLevel level_of(std::string_view line) {
  return line.empty() ? LogLevel::crashes : static_cast<LogLevel>(line.front() - '0');
}

std::string_view tag_of(std::string_view line) {
  line.remove_prefix(std::min<std::size_t>(2, line.size()));
  return line.substr(0, line.find(' '));
}

int priority_of(LogLevel level) {
  constexpr int priorities[] = {LOG_CRIT, LOG_ERR, LOG_NOTICE, LOG_WARNING, LOG_INFO, LOG_DEBUG};
  return priorities[static_cast<int>(level)];
}

std::string_view text_of(const LogLine& line) { return {line.payload.data(), line.payload.size()}; }

}  // namespace

RotatingFile::RotatingFile(std::string file, Limits limits) : file_(std::move(file)), limits_(limits) {
  const WallTime now = std::chrono::system_clock::now();
  std::error_code error;
  const bool is_there = fs::exists(file_, error);
  period_ = period_of(is_there ? written_last(file_) : now);
  out_->open(file_);
  size_ = static_cast<std::int64_t>(out_->size());
  if (size_ == 0) period_ = period_of(now);
  remove_old(now);
}

std::int64_t RotatingFile::period_of(WallTime when) const {
  if (limits_.after <= 0s) return 0;
  const auto local = std::chrono::system_clock::to_time_t(when) + local_time(when).tm_gmtoff;
  return local / limits_.after.count();
}

bool RotatingFile::is_due(WallTime now, std::size_t more) const {
  if (size_ == 0 || now < not_before_) return false;
  if (limits_.size > 0 && size_ + static_cast<std::int64_t>(more) > limits_.size) return true;
  return limits_.after > 0s && period_of(now) != period_;
}

// The new file is open before the old one is let go: whatever fails, lines go on into the old one.
void RotatingFile::rotate(WallTime now) {
  const std::string name = rotated_name(file_, now);
  std::string why;
  std::error_code error;
  fs::rename(file_, name, error);
  if (error) why = error.message();
  auto fresh = std::make_unique<spdlog::details::file_helper>();
  try {
    if (why.empty()) fresh->open(file_);
  } catch (const std::exception& e) {
    why = e.what();
    fs::rename(name, file_, error);
  }
  if (!why.empty()) {
    not_before_ = now + until_next_try;
    Log{"LOG"}.failure("the log file cannot be rotated; it grows on", {{"file", file_}, {"to", name}, {"why", why}});
    return;
  }
  out_ = std::move(fresh);
  size_ = 0;
  period_ = period_of(now);
  remove_old(now);
}

void RotatingFile::remove_old(WallTime now) const {
  if (limits_.keep <= 0s) return;
  const fs::path file{file_};
  std::error_code error;
  for (const auto& each : fs::directory_iterator{file.has_parent_path() ? file.parent_path() : fs::path{"."}, error}) {
    if (!is_rotated(each.path().filename().string(), file.filename().string())) continue;
    if (now - written_last(each.path()) > limits_.keep) fs::remove(each.path(), error);
  }
}

void RotatingFile::sink_it_(const LogLine& line) {
  spdlog::memory_buf_t text;
  formatter_->format(line, text);
  if (is_due(line.time, text.size())) rotate(line.time);
  out_->write(text);
  size_ += static_cast<std::int64_t>(text.size());
}

void JournalSink::sink_it_(const LogLine& line) {
  const auto text = text_of(line);
  const auto tag = tag_of(text);
  sd_journal_send("MESSAGE=%.*s", static_cast<int>(text.size()), text.data(), "PRIORITY=%i",
                  priority_of(level_of(text)), "SYSLOG_IDENTIFIER=jackdaw", "JACKDAW_TAG=%.*s",
                  static_cast<int>(tag.size()), tag.data(), nullptr);
}

std::optional<int> syslog_facility_named(std::string_view word) {
  constexpr std::string_view words[] = {"kern", "user", "mail", "daemon", "auth",     "syslog",
                                        "lpr",  "news", "uucp", "cron",   "authpriv", "ftp"};
  const auto found = std::ranges::find(words, word);
  if (found != std::end(words)) return static_cast<int>(found - std::begin(words)) << 3;
  if (word.size() == 6 && word.starts_with("local") && word[5] >= '0' && word[5] <= '7')
    return (16 + word[5] - '0') << 3;
  return std::nullopt;
}

LocalSyslog::LocalSyslog(int facility, LogLevel level) : facility_(facility), level_(level) {
  ::openlog("jackdaw", LOG_PID, LOG_DAEMON);
}

void LocalSyslog::sink_it_(const LogLine& line) {
  const auto text = text_of(line);
  if (level_of(text) > level_) return;
  ::syslog(facility_ | priority_of(level_of(text)), "%.*s", static_cast<int>(text.size()), text.data());
}

Result<SyslogPlace> read_syslog_place(const std::string& text) {
  SyslogPlace place;
  if (text.empty() || text == "local") return place;
  const auto colon = text.rfind(':');
  std::string host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  std::uint16_t port = 0;
  if (colon != text.npos) std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  auto* v4 = reinterpret_cast<sockaddr_in*>(&place.to);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&place.to);
  if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET, v4->sin_port = htons(port), place.size = sizeof *v4;
  } else if (inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6, v6->sin6_port = htons(port), place.size = sizeof *v6;
  }
  if (place.size == 0 || port == 0)
    return Failure{text + ": write local, or a server's ADDRESS:PORT such as 192.0.2.7:514"};
  return place;
}

RemoteSyslog::RemoteSyslog(const SyslogPlace& place, int facility, LogLevel level)
    : place_(place), facility_(facility), level_(level) {
  socket_ = ::socket(place.to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket_ < 0) throw std::runtime_error("log.syslog: there is no socket to send from");
  char name[256] = "-";
  if (gethostname(name, sizeof name - 1) == 0) host_ = name;
}

RemoteSyslog::~RemoteSyslog() { ::close(socket_); }

void RemoteSyslog::sink_it_(const LogLine& line) {
  const auto text = text_of(line);
  if (level_of(text) > level_) return;
  const auto micros = std::chrono::floor<std::chrono::microseconds>(line.time);
  const auto whole = std::chrono::floor<Seconds>(micros);
  const std::string packet = fmt::format(
      "<{}>1 {:%Y-%m-%dT%H:%M:%S}.{:06}Z {} jackdaw {} - - {}", facility_ | priority_of(level_of(text)),
      fmt::gmtime(std::chrono::system_clock::to_time_t(whole)), (micros - whole).count(), host_, getpid(), text);
  const auto* to = reinterpret_cast<const sockaddr*>(&place_.to);
  if (::sendto(socket_, packet.data(), packet.size(), MSG_NOSIGNAL, to, place_.size) < 0) syslog_lost.add();
}

}  // namespace jackdaw
