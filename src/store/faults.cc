// SPDX-License-Identifier: Apache-2.0
#include "store/faults.h"

#include <mutex>

namespace jackdaw {
namespace {

class Countdown {
 public:
  explicit Countdown(std::shared_ptr<std::atomic<std::int64_t>> left) : left_(std::move(left)) {}

  // `inner` has not begun yet: a Task starts when it is awaited.
  template <class T>
  Task<Result<T>> pass(Task<Result<T>> inner) {
    if (!due()) co_return co_await std::move(inner);
    Later<Result<T>> later;  // as a database would: not before the caller waits
    later.set(Failure{"the test's database fails here"});
    co_return co_await later;
  }

 private:
  bool due() {
    std::int64_t left = left_->load();
    while (left > 0) {
      if (left_->compare_exchange_weak(left, left - 1)) return left == 1;
    }
    return false;
  }

  std::shared_ptr<std::atomic<std::int64_t>> left_;
};

class FaultyMap final : public MapStore {
 public:
  FaultyMap(MapStore& inner, Countdown& countdown) : inner_(inner), countdown_(countdown) {}

  Task<Result<std::optional<std::string>>> get(BareJid owner, std::string key) override {
    return countdown_.pass(inner_.get(std::move(owner), std::move(key)));
  }
  Task<Result<Done>> set(BareJid owner, std::string key, std::optional<std::string> value) override {
    return countdown_.pass(inner_.set(std::move(owner), std::move(key), std::move(value)));
  }
  Task<Result<std::vector<std::pair<std::string, std::string>>>> all(BareJid owner) override {
    return countdown_.pass(inner_.all(std::move(owner)));
  }
  Task<Result<std::int64_t>> count(BareJid owner) override { return countdown_.pass(inner_.count(std::move(owner))); }

 private:
  MapStore& inner_;
  Countdown& countdown_;
};

class FaultyArchive final : public ArchiveStore {
 public:
  FaultyArchive(ArchiveStore& inner, Countdown& countdown) : inner_(inner), countdown_(countdown) {}

  Task<Result<Done>> append(BareJid owner, ArchiveItem item) override {
    return countdown_.pass(inner_.append(std::move(owner), std::move(item)));
  }
  Task<Result<std::vector<ArchiveItem>>> find(BareJid owner, ArchiveQuery query) override {
    return countdown_.pass(inner_.find(std::move(owner), std::move(query)));
  }
  Task<Result<std::int64_t>> erase(BareJid owner, ArchiveQuery query) override {
    return countdown_.pass(inner_.erase(std::move(owner), std::move(query)));
  }
  Task<Result<ArchiveSize>> size(BareJid owner) override { return countdown_.pass(inner_.size(std::move(owner))); }

 private:
  ArchiveStore& inner_;
  Countdown& countdown_;
};

class FaultyAccounts final : public AccountStore {
 public:
  FaultyAccounts(AccountStore& inner, Countdown& countdown) : inner_(inner), countdown_(countdown) {}

  Task<Result<std::optional<AccountRecord>>> get(BareJid jid) override {
    return countdown_.pass(inner_.get(std::move(jid)));
  }
  Task<Result<std::optional<AccountRecord>>> get_or_neighbour(BareJid jid) override {
    return countdown_.pass(inner_.get_or_neighbour(std::move(jid)));
  }
  Task<Result<Created>> create(AccountRecord record, bool unique_skeleton) override {
    return countdown_.pass(inner_.create(std::move(record), unique_skeleton));
  }
  Task<Result<bool>> update(AccountRecord record) override { return countdown_.pass(inner_.update(std::move(record))); }
  Task<Result<bool>> remove(BareJid jid, TimePoint when) override {
    return countdown_.pass(inner_.remove(std::move(jid), when));
  }
  Task<Result<std::vector<AccountRecord>>> administrators() override {
    return countdown_.pass(inner_.administrators());
  }
  Task<Result<std::optional<TimePoint>>> removed_at(BareJid jid) override {
    return countdown_.pass(inner_.removed_at(std::move(jid)));
  }
  Task<Result<std::vector<AccountRecord>>> list(std::string domain, std::string after, std::int64_t limit) override {
    return countdown_.pass(inner_.list(std::move(domain), std::move(after), limit));
  }

 private:
  AccountStore& inner_;
  Countdown& countdown_;
};

class FaultyStore final : public Store {
 public:
  FaultyStore(std::unique_ptr<Store> inner, std::shared_ptr<std::atomic<std::int64_t>> countdown)
      : inner_(std::move(inner)), countdown_(std::move(countdown)), accounts_(inner_->accounts(), countdown_) {}

  MapStore& map(std::string_view name) override {
    std::lock_guard lock(mutex_);
    return maps_.try_emplace(std::string{name}, inner_->map(name), countdown_).first->second;
  }
  ArchiveStore& archive(std::string_view name) override {
    std::lock_guard lock(mutex_);
    return archives_.try_emplace(std::string{name}, inner_->archive(name), countdown_).first->second;
  }
  AccountStore& accounts() override { return accounts_; }

  Task<Result<Done>> write(Batch batch) override { return countdown_.pass(inner_->write(std::move(batch))); }
  Task<Result<Done>> erase_owner(BareJid owner) override {
    return countdown_.pass(inner_->erase_owner(std::move(owner)));
  }
  Task<Result<Done>> backup(std::string file) override { return countdown_.pass(inner_->backup(std::move(file))); }
  std::int64_t queued() const override { return inner_->queued(); }

 private:
  std::unique_ptr<Store> inner_;
  Countdown countdown_;
  FaultyAccounts accounts_;
  std::mutex mutex_;
  std::map<std::string, FaultyMap, std::less<>> maps_;
  std::map<std::string, FaultyArchive, std::less<>> archives_;
};

}  // namespace

std::unique_ptr<Store> make_faulty_store(std::unique_ptr<Store> inner,
                                         std::shared_ptr<std::atomic<std::int64_t>> countdown) {
  return std::make_unique<FaultyStore>(std::move(inner), std::move(countdown));
}

}  // namespace jackdaw
