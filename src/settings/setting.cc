// Where rows live, and the comma list.
// SPDX-License-Identifier: Apache-2.0
#include "settings/setting.h"

#include <atomic>

namespace jackdaw {
namespace {

struct KeptRow {
  SettingRow row;
  KeptRow* next;
};

// Rows are made before main() by many files and never freed; the list only keeps them reachable.
constinit std::atomic<KeptRow*> newest_row{nullptr};

std::string_view without_blanks(std::string_view text) {
  std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

namespace detail {

const SettingRow* keep_row(SettingRow row) {
  auto* kept = new KeptRow{std::move(row), newest_row.load(std::memory_order_relaxed)};
  while (!newest_row.compare_exchange_weak(kept->next, kept, std::memory_order_release, std::memory_order_relaxed)) {
  }
  return &kept->row;
}

}  // namespace detail

StringList split_list(std::string_view text) {
  StringList items;
  if (without_blanks(text).empty()) return items;
  for (;;) {
    std::size_t comma = text.find(',');
    items.emplace_back(without_blanks(text.substr(0, comma)));
    if (comma == std::string_view::npos) return items;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace jackdaw
