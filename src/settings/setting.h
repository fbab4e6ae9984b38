// Setting<T>: one thing an operator can set, declared beside the code that it rules:
//
//   constexpr Setting<Seconds> c2s_idle{.name = "c2s.idle", .fallback = 10min, .min = 10s, .max = 24h, .help = "..."};
//
// rows(c2s_idle, ...) turns settings into table rows; Settings::value(c2s_idle) reads one.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/time.h"

namespace jackdaw {

enum class Scope { server, domain, listener };  // domain: may also be set for one domain
enum class Reload { live, restart };
enum class Secrecy { open, secret };
enum class Unit { none, bytes, seconds };

using StringList = std::vector<std::string>;
using SettingValue = std::variant<bool, std::int64_t, Seconds, std::string, StringList>;
enum class SettingKind { boolean, integer, duration, text, list };  // in the order of SettingValue

// The items of a comma list without the blanks around them; no item for a blank text.
StringList split_list(std::string_view text);

namespace detail {

// FNV-1a; computed while compiling for a constexpr Setting.
constexpr std::uint32_t hash_of_name(std::string_view name) {
  std::uint32_t hash = 2166136261u;
  for (char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return hash;
}

// The type of a field that this type of setting does not have: naming the field does not compile.
struct NoField {};

template <class T>
concept IsNumber = std::same_as<T, std::int64_t> || std::same_as<T, Seconds>;
template <class T>
concept IsWords = std::same_as<T, std::string> || std::same_as<T, StringList>;

template <class T>
using Fallback = std::conditional_t<IsWords<T>, std::string_view, T>;
template <class T>
using Bound = std::conditional_t<IsNumber<T>, T, NoField>;
template <class T>
using Choices = std::conditional_t<IsWords<T>, std::string_view, NoField>;

// A duration without bounds reaches from nothing to a hundred years, which still fits a count of nanoseconds.
template <class T>
constexpr Bound<T> lowest() {
  if constexpr (std::same_as<T, std::int64_t>) return std::numeric_limits<std::int64_t>::min();
  return {};
}
template <class T>
constexpr Bound<T> highest() {
  if constexpr (std::same_as<T, std::int64_t>) return std::numeric_limits<std::int64_t>::max();
  if constexpr (std::same_as<T, Seconds>) return std::chrono::hours{100 * 365 * 24};
  return {};
}

}  // namespace detail

// Name, choices and help are string literals: rows keep views of them.
template <class T>
  requires(std::same_as<T, bool> || detail::IsNumber<T> || detail::IsWords<T>)
struct Setting {
  std::string_view name;           // "area.thing"
  detail::Fallback<T> fallback{};  // of a list: a comma list
  detail::Bound<T> min = detail::lowest<T>();
  detail::Bound<T> max = detail::highest<T>();
  detail::Choices<T> choices{};  // comma list of the words allowed; empty: any text
  Scope scope = Scope::server;
  Reload reload = Reload::live;
  Secrecy secrecy = Secrecy::open;  // a secret has no fallback and is shown by Settings::reveal() alone
  Unit unit = std::same_as<T, Seconds> ? Unit::seconds : Unit::none;  // bytes: "256KiB" may be written
  bool names_file = false;  // of this machine: for administrators of the whole server, also where it is a domain's
  std::string_view help;    // one sentence: what happens when it is set
  std::uint32_t name_hash = detail::hash_of_name(name);
};

// The value a setting has when nobody set it.
template <class T>
T fallback_of(const Setting<T>& setting) {
  if constexpr (std::same_as<T, StringList>)
    return split_list(setting.fallback);
  else
    return T{setting.fallback};
}

// A setting without its type. Rows live until the process ends.
struct SettingRow {
  std::string_view name;
  SettingValue fallback;
  std::int64_t min = 0, max = 0;  // of numbers and durations
  std::string_view choices;
  Scope scope = Scope::server;
  Reload reload = Reload::live;
  Secrecy secrecy = Secrecy::open;
  Unit unit = Unit::none;
  bool names_file = false;
  std::string_view help;
  std::uint32_t name_hash = 0;

  SettingKind kind() const { return static_cast<SettingKind>(fallback.index()); }
  std::string_view area() const { return name.substr(0, name.find('.')); }
  std::string_view thing() const { return name.substr(name.find('.') + 1); }
  bool is_secret() const { return secrecy == Secrecy::secret; }
};

using SettingRows = std::vector<const SettingRow*>;

namespace detail {

// Keeps the row for good. Any thread.
const SettingRow* keep_row(SettingRow row);

template <class T>
SettingRow row_of(const Setting<T>& setting) {
  SettingRow row{.name = setting.name,
                 .fallback = SettingValue{std::in_place_type<T>, fallback_of(setting)},
                 .scope = setting.scope,
                 .reload = setting.reload,
                 .secrecy = setting.secrecy,
                 .unit = setting.unit,
                 .names_file = setting.names_file,
                 .help = setting.help,
                 .name_hash = setting.name_hash};
  if constexpr (std::same_as<T, std::int64_t>) row.min = setting.min, row.max = setting.max;
  if constexpr (std::same_as<T, Seconds>) row.min = setting.min.count(), row.max = setting.max.count();
  if constexpr (IsWords<T>) row.choices = setting.choices;
  return row;
}

}  // namespace detail

// The rows of some settings, as in `.settings = rows(max_item)`; each call makes new ones. Any thread, also before
// main().
template <class... Ts>
SettingRows rows(const Setting<Ts>&... settings) {
  return {detail::keep_row(detail::row_of(settings))...};
}

}  // namespace jackdaw
