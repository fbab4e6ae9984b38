// The table of settings: checks of the rows, look-up, and the guess at a misspelt name.
// SPDX-License-Identifier: Apache-2.0
#include "settings/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "settings/setting_text.h"

namespace jackdaw {
namespace {

bool is_word(std::string_view text) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz";
  if (text.empty() || letters.find(text[0]) == std::string_view::npos) return false;
  return text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

void check_row(const SettingRow& row, bool holds, std::string_view what) {
  if (!holds) throw Bug(fmt::format("setting {}: {}", row.name, what));
}

void check_row(const SettingRow& row) {
  bool is_name = row.name.find('.') != std::string_view::npos && is_word(row.area()) && is_word(row.thing());
  check_row(row, is_name, "its name is not \"area.thing\"");
  // The file has [domain."..."] tables and a top key `domains`.
  check_row(row, row.area() != "domain" && row.area() != "domains", "its area is a word of the file's grammar");
  check_row(row, !row.help.empty() && row.help.find('\n') == std::string_view::npos, "its help is not one line");
  check_row(row, row.min <= row.max, "min is above max");
  if (row.is_secret()) {
    check_row(row, row.kind() == SettingKind::text || row.kind() == SettingKind::list, "a secret is a text or a list");
    check_row(row, text_of(row, row.fallback).empty(), "a secret with a fallback is none");
    return;
  }
  // An empty list and, unless there are choices, an empty text are fine: nothing was set.
  auto fallback = value_within_bounds(row, row.fallback);
  if (!fallback) check_row(row, false, "fallback " + text_of(row, row.fallback) + ": " + fallback.failure().what);
}

// Levenshtein: how many letters to add, drop or change.
std::size_t edits_between(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t changed = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

SettingTable::SettingTable(const std::vector<SettingRows>& lists) {
  for (const SettingRows& list : lists) rows_.insert(rows_.end(), list.begin(), list.end());
  for (const SettingRow* row : rows_) check_row(*row);
  std::ranges::sort(rows_, {}, &SettingRow::name);
  auto twice = std::ranges::adjacent_find(rows_, {}, &SettingRow::name);
  if (twice != rows_.end()) check_row(**twice, false, "declared twice");
  check(rows_.size() < 30'000, "more settings than the table has slots for");

  cells_.resize(std::bit_ceil(rows_.size() * 2 + 2));
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    std::size_t cell = rows_[i]->name_hash & (cells_.size() - 1);
    while (cells_[cell] != 0) cell = (cell + 1) & (cells_.size() - 1);
    cells_[cell] = static_cast<std::uint16_t>(i + 1);
  }
}

std::size_t SettingTable::slot(std::string_view name, std::uint32_t name_hash) const {
  if (cells_.empty()) return no_slot;
  for (std::size_t cell = name_hash & (cells_.size() - 1); cells_[cell] != 0; cell = (cell + 1) & (cells_.size() - 1)) {
    std::size_t found = cells_[cell] - 1u;
    if (rows_[found]->name == name) return found;
  }
  return no_slot;
}

const SettingRow* SettingTable::find(std::string_view name) const {
  std::size_t found = slot(name, detail::hash_of_name(name));
  return found == no_slot ? nullptr : rows_[found];
}

bool SettingTable::has_area(std::string_view area) const {
  return std::ranges::find(rows_, area, &SettingRow::area) != rows_.end();
}

std::string SettingTable::nearest(std::string_view name) const {
  if (name.size() > 64) return {};
  bool is_area = name.find('.') == std::string_view::npos;
  std::string_view best;
  std::size_t fewest = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const SettingRow* row : rows_) {
    // Somebody who left out the area wrote the thing alone.
    if (is_area && row->thing() == name) return std::string{row->name};
    std::string_view candidate = is_area ? row->area() : row->name;
    std::size_t edits = edits_between(name, candidate);
    if (edits < fewest) fewest = edits, best = candidate;
  }
  return std::string{best};
}

}  // namespace jackdaw
