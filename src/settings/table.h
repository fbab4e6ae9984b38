// SettingTable: every setting of the server, by name. Built once from the rows that main collects; never changes.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "settings/setting.h"

namespace jackdaw {

class SettingTable {
 public:
  SettingTable() = default;
  // Throws Bug for a row that cannot be right: a name twice or not "area.thing", no help, a fallback out of bounds.
  explicit SettingTable(const std::vector<SettingRows>& lists);

  // In order of name.
  const SettingRows& rows() const { return rows_; }
  // Null when there is none.
  const SettingRow* find(std::string_view name) const;
  bool has_area(std::string_view area) const;

  static constexpr std::size_t no_slot = static_cast<std::size_t>(-1);
  // The place of `name` in rows(), or no_slot. Takes the name's hash from the Setting; allocates nothing.
  std::size_t slot(std::string_view name, std::uint32_t name_hash) const;

  // The known name that was probably meant, or empty. An area's name finds areas.
  std::string nearest(std::string_view name) const;

 private:
  SettingRows rows_;
  std::vector<std::uint16_t> cells_;  // open addressing over rows_: slot + 1, or 0; a power of two, at least half empty
};

}  // namespace jackdaw
