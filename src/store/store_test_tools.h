// What the tests of the stores share: a directory of their own, and short ways to ask.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "store/store.h"
#include "store/test_loop.h"

namespace jackdaw {

// A new directory, which goes with it.
class TestDirectory {
 public:
  TestDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "jackdaw-store-XXXXXX").string();
    check(::mkdtemp(name.data()) != nullptr, "no temporary directory");
    path_ = name;
  }
  TestDirectory(const TestDirectory&) = delete;
  ~TestDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }
  std::string file(std::string_view name) const { return path_ + '/' + std::string{name}; }
  std::string database() const { return file("jackdaw.db"); }

 private:
  std::string path_;
};

inline BareJid jid(std::string_view text) { return BareJid{JidView::of_prepared(text)}; }
inline TimePoint at(std::int64_t seconds) { return TimePoint{std::chrono::seconds{seconds}}; }

// The value, or a test that fails with the reason.
template <class T>
T good(Result<T> result) {
  if (!result) {
    ADD_FAILURE() << result.failure().what;
    return T{};
  }
  return std::move(*result);
}

}  // namespace jackdaw
