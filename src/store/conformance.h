// The fixture of the conformance tests: one test, every store.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "store/store_test_tools.h"

namespace jackdaw {

inline ArchiveItem item(std::string id, std::int64_t seconds) {
  return {.id = id, .when = at(seconds), .xml = "<message id='" + id + "'/>"};
}

inline Task<void> succeed(Task<Result<Done>> task) { good(co_await std::move(task)); }

class StoreConformance : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { store_ = GetParam() == "memory" ? make_memory_store() : good(open_sqlite_store(path())); }

  Store& store() { return *store_; }
  TestLoop& loop() { return loop_; }
  const TestDirectory& directory() const { return directory_; }
  template <class T>
  T run(Task<T> task) {
    return loop_.run(std::move(task));
  }
  // "01 02": what a search finds.
  std::string ids(ArchiveStore& archive, const BareJid& owner, ArchiveQuery query) {
    std::string text;
    for (const auto& found : good(run(archive.find(owner, std::move(query))))) {
      text += text.empty() ? found.id : ' ' + found.id;
    }
    return text;
  }

 private:
  const std::string& path() const { return directory_.path(); }
  TestDirectory directory_;
  TestLoop loop_;
  std::unique_ptr<Store> store_;
};

}  // namespace jackdaw
