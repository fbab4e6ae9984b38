// The memory store, for tests: everything behind one mutex. Answers are posted to the caller's executor, so that nobody
// learns to rely on an answer that is there at once. Begin at MemoryStore.
// SPDX-License-Identifier: Apache-2.0
#include <mutex>

#include "store/memory/contents.h"

namespace jackdaw {
namespace {

// The contents, and who may look at them: one caller at a time.
class Guarded {
 public:
  // The answer of `f`, called with the contents when the Task is awaited.
  template <class F, class T = std::invoke_result_t<F&, Contents&>>
  Task<Result<T>> use(F f) {
    Later<Result<T>> later;
    {
      std::lock_guard lock(mutex_);
      later.set(f(contents_));
    }
    co_return co_await later;
  }
  Task<Result<Done>> backup(std::string file) {
    Later<Result<Done>> later;
    {
      std::lock_guard lock(mutex_);
      later.set(write_contents(contents_, file));
    }
    co_return co_await later;
  }

 private:
  std::mutex mutex_;
  Contents contents_;
};

class MemoryMap final : public MapStore {
 public:
  MemoryMap(std::string name, Guarded& guarded) : name_(std::move(name)), guarded_(guarded) {}

  Task<Result<std::optional<std::string>>> get(BareJid owner, std::string key) override {
    return guarded_.use([this, owner = std::move(owner), key = std::move(key)](Contents& all) {
      const auto& values = all.maps[{name_, owner.text()}];
      const auto found = values.find(key);
      return found == values.end() ? std::nullopt : std::optional{found->second};
    });
  }
  Task<Result<Done>> set(BareJid owner, std::string key, std::optional<std::string> value) override {
    Batch batch{std::move(owner)};
    batch.set(name_, std::move(key), std::move(value));
    return guarded_.use([batch = std::move(batch)](Contents& all) { return all.apply(batch); });
  }
  Task<Result<std::vector<std::pair<std::string, std::string>>>> all(BareJid owner) override {
    return guarded_.use([this, owner = std::move(owner)](Contents& all) {
      const auto& values = all.maps[{name_, owner.text()}];
      return std::vector<std::pair<std::string, std::string>>{values.begin(), values.end()};
    });
  }
  Task<Result<std::int64_t>> count(BareJid owner) override {
    return guarded_.use([this, owner = std::move(owner)](Contents& all) {
      return static_cast<std::int64_t>(all.maps[{name_, owner.text()}].size());
    });
  }

 private:
  const std::string name_;
  Guarded& guarded_;
};

class MemoryArchive final : public ArchiveStore {
 public:
  MemoryArchive(std::string name, Guarded& guarded) : name_(std::move(name)), guarded_(guarded) {}

  Task<Result<Done>> append(BareJid owner, ArchiveItem item) override {
    Batch batch{std::move(owner)};
    batch.append(name_, std::move(item));
    return guarded_.use([batch = std::move(batch)](Contents& all) { return all.apply(batch); });
  }
  Task<Result<std::vector<ArchiveItem>>> find(BareJid owner, ArchiveQuery query) override {
    return guarded_.use([this, owner = std::move(owner), query = std::move(query)](Contents& all) {
      return all.find({name_, owner.text()}, query);
    });
  }
  Task<Result<std::int64_t>> erase(BareJid owner, ArchiveQuery query) override {
    return guarded_.use([this, owner = std::move(owner), query = std::move(query)](Contents& all) {
      const Owned owned{name_, owner.text()};
      const auto found = all.find(owned, query);
      for (const auto& item : found) all.archives[owned].erase(item.id);
      return static_cast<std::int64_t>(found.size());
    });
  }
  Task<Result<ArchiveSize>> size(BareJid owner) override {
    return guarded_.use([this, owner = std::move(owner)](Contents& all) {
      ArchiveSize size;
      for (const auto& [id, item] : all.archives[{name_, owner.text()}]) {
        ++size.items;
        size.bytes += static_cast<std::int64_t>(item.xml.size());
      }
      return size;
    });
  }

 private:
  const std::string name_;
  Guarded& guarded_;
};

class MemoryAccounts final : public AccountStore {
 public:
  explicit MemoryAccounts(Guarded& guarded) : guarded_(guarded) {}

  Task<Result<std::optional<AccountRecord>>> get(BareJid jid) override {
    return guarded_.use([jid = std::move(jid)](Contents& all) {
      const auto found = all.accounts.find(jid.text());
      return found == all.accounts.end() ? std::nullopt : std::optional{found->second};
    });
  }
  Task<Result<std::optional<AccountRecord>>> get_or_neighbour(BareJid jid) override {
    return guarded_.use([jid = std::move(jid)](Contents& all) -> std::optional<AccountRecord> {
      if (all.accounts.empty()) return std::nullopt;
      const auto found = all.accounts.lower_bound(jid.text());
      return found == all.accounts.end() ? all.accounts.rbegin()->second : found->second;
    });
  }
  Task<Result<Created>> create(AccountRecord record, bool unique_skeleton) override {
    return guarded_.use([record = std::move(record), unique_skeleton](Contents& all) {
      if (all.accounts.contains(record.jid.text())) return Created::exists;
      if (unique_skeleton && all.has_lookalike(record)) return Created::looks_alike;
      all.accounts.emplace(record.jid.text(), record);
      return Created::created;
    });
  }
  Task<Result<bool>> update(AccountRecord record) override {
    return guarded_.use([record = std::move(record)](Contents& all) {
      const auto found = all.accounts.find(record.jid.text());
      if (found == all.accounts.end()) return false;
      found->second = record;
      return true;
    });
  }
  Task<Result<bool>> remove(BareJid jid, TimePoint when) override {
    return guarded_.use([jid = std::move(jid), when](Contents& all) {
      if (all.accounts.erase(jid.text()) == 0) return false;
      all.erase_all_of(jid.text());
      all.removed[jid.text()] = when;
      return true;
    });
  }
  Task<Result<std::vector<AccountRecord>>> administrators() override {
    return guarded_.use([](Contents& all) {
      std::vector<AccountRecord> found;
      for (const auto& [jid, record] : all.accounts)
        if (!record.rights.empty() && static_cast<std::int64_t>(found.size()) < most_administrators)
          found.push_back(record);
      return found;
    });
  }
  Task<Result<std::optional<TimePoint>>> removed_at(BareJid jid) override {
    return guarded_.use([jid = std::move(jid)](Contents& all) {
      const auto found = all.removed.find(jid.text());
      return found == all.removed.end() ? std::nullopt : std::optional{found->second};
    });
  }
  Task<Result<std::vector<AccountRecord>>> list(std::string domain, std::string after, std::int64_t limit) override {
    return guarded_.use([domain = std::move(domain), after = std::move(after), limit](Contents& all) {
      std::vector<AccountRecord> found;
      for (auto next = all.accounts.upper_bound(after); next != all.accounts.end(); ++next) {
        if (limit > 0 && static_cast<std::int64_t>(found.size()) == limit) break;
        if (next->second.jid.domainpart() == domain) found.push_back(next->second);
      }
      return found;
    });
  }

 private:
  Guarded& guarded_;
};

class MemoryStore final : public Store {
 public:
  MemoryMap& map(std::string_view name) override { return at(maps_, name); }
  MemoryArchive& archive(std::string_view name) override { return at(archives_, name); }
  AccountStore& accounts() override { return accounts_; }

  Task<Result<Done>> write(Batch batch) override {
    return guarded_.use([batch = std::move(batch)](Contents& all) { return all.apply(batch); });
  }
  Task<Result<Done>> erase_owner(BareJid owner) override {
    return guarded_.use([owner = std::move(owner)](Contents& all) { return all.erase_all_of(owner.text()); });
  }
  Task<Result<Done>> backup(std::string file) override { return guarded_.backup(std::move(file)); }
  std::int64_t queued() const override { return 0; }

 private:
  template <class T>
  T& at(std::map<std::string, T, std::less<>>& made, std::string_view name) {
    std::lock_guard lock(mutex_);
    return made.try_emplace(std::string{name}, std::string{name}, guarded_).first->second;
  }

  Guarded guarded_;
  MemoryAccounts accounts_{guarded_};
  std::mutex mutex_;
  std::map<std::string, MemoryMap, std::less<>> maps_;
  std::map<std::string, MemoryArchive, std::less<>> archives_;
};

}  // namespace

std::unique_ptr<Store> make_memory_store() { return std::make_unique<MemoryStore>(); }

}  // namespace jackdaw
