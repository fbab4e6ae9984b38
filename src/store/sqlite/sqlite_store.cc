// The SQLite store: three threads with a connection each. One writes, in groups; one reads; one makes backups, so that
// neither waits for a long copy. Begin at open_sqlite_store().
// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include "store/sqlite/account_rows.h"
#include "store/sqlite/backup.h"
#include "store/sqlite/database_thread.h"
#include "store/sqlite/diagnosis.h"
#include "store/sqlite/items.h"
#include "store/sqlite/schema.h"

namespace jackdaw {
namespace {

struct Connections {
  std::unique_ptr<Connection> writer, reader, copier;
};

class Threads {
 public:
  Threads(Connections connections, const SqliteOptions& options)
      : copier_(std::move(connections.copier), Access::read, options, log_),
        reader_(std::move(connections.reader), Access::read, options, log_),
        writer_(std::move(connections.writer), Access::write, options, log_) {}

  // `f` is called with the Connection on the thread's own; what it gives is the answer. `bytes` is what it carries.
  template <class F>
  auto write(F f, std::size_t bytes = 0) {
    return call(writer_, std::move(f), bytes);
  }
  template <class F>
  auto read(F f) {
    return call(reader_, std::move(f), 0);
  }
  Task<Result<Done>> copy(std::string file) {
    auto copied =
        co_await call(copier_, [name = std::move(file)](Connection& db) { return copy_database(db, name); }, 0);
    if (!copied) co_return copied.failure();
    co_return *copied;
  }
  std::int64_t queued() const { return writer_.queued() + reader_.queued() + copier_.queued(); }

 private:
  template <class F, class T = std::invoke_result_t<F&, Connection&>>
  static Task<Result<T>> call(DatabaseThread& thread, F f, std::size_t bytes) {
    constexpr std::int64_t itself = 256;  // what a request takes without what it carries
    Later<Result<T>> later;
    auto request = std::make_unique<Call<T, F>>(std::move(f), later, itself + static_cast<std::int64_t>(bytes));
    if (!thread.push(std::move(request))) co_return Failure{"the database is behind; try again later"};
    co_return co_await later;
  }

  FailureLog log_;
  DatabaseThread copier_, reader_, writer_;  // the writer ends first: what was accepted is committed
};

class SqliteMap final : public MapStore {
 public:
  SqliteMap(std::string name, Threads& threads) : name_(std::move(name)), threads_(threads) {}

  Task<Result<std::optional<std::string>>> get(BareJid owner, std::string key) override {
    return threads_.read([this, owner = std::move(owner), key = std::move(key)](Connection& db) {
      return map_value(db, {name_, owner.text()}, key);
    });
  }
  Task<Result<Done>> set(BareJid owner, std::string key, std::optional<std::string> value) override {
    const std::size_t bytes = key.size() + (value ? value->size() : 0);
    return threads_.write(
        [this, owner = std::move(owner), key = std::move(key), value = std::move(value)](Connection& db) {
          set_map_value(db, {name_, owner.text()}, key, value);
          return Done{};
        },
        bytes);
  }
  Task<Result<std::vector<std::pair<std::string, std::string>>>> all(BareJid owner) override {
    return threads_.read(
        [this, owner = std::move(owner)](Connection& db) { return map_values(db, {name_, owner.text()}); });
  }
  Task<Result<std::int64_t>> count(BareJid owner) override {
    return threads_.read(
        [this, owner = std::move(owner)](Connection& db) { return map_count(db, {name_, owner.text()}); });
  }

 private:
  const std::string name_;
  Threads& threads_;
};

class SqliteArchive final : public ArchiveStore {
 public:
  SqliteArchive(std::string name, Threads& threads) : name_(std::move(name)), threads_(threads) {}

  Task<Result<Done>> append(BareJid owner, ArchiveItem item) override {
    const std::size_t bytes = item.id.size() + item.xml.size();
    return threads_.write(
        [this, owner = std::move(owner), item = std::move(item)](Connection& db) {
          append_item(db, {name_, owner.text()}, item);
          return Done{};
        },
        bytes);
  }
  Task<Result<std::vector<ArchiveItem>>> find(BareJid owner, ArchiveQuery query) override {
    return threads_.read([this, owner = std::move(owner), query = std::move(query)](Connection& db) {
      return find_items(db, {name_, owner.text()}, query);
    });
  }
  Task<Result<std::int64_t>> erase(BareJid owner, ArchiveQuery query) override {
    return threads_.write([this, owner = std::move(owner), query = std::move(query)](Connection& db) {
      return erase_items(db, {name_, owner.text()}, query);
    });
  }
  Task<Result<ArchiveSize>> size(BareJid owner) override {
    return threads_.read(
        [this, owner = std::move(owner)](Connection& db) { return archive_size(db, {name_, owner.text()}); });
  }

 private:
  const std::string name_;
  Threads& threads_;
};

class SqliteAccounts final : public AccountStore {
 public:
  explicit SqliteAccounts(Threads& threads) : threads_(threads) {}

  Task<Result<std::optional<AccountRecord>>> get(BareJid jid) override {
    return threads_.read([jid = std::move(jid)](Connection& db) { return account_record(db, jid.text()); });
  }
  Task<Result<std::optional<AccountRecord>>> get_or_neighbour(BareJid jid) override {
    return threads_.read([jid = std::move(jid)](Connection& db) { return account_or_neighbour(db, jid.text()); });
  }
  Task<Result<Created>> create(AccountRecord record, bool unique_skeleton) override {
    return threads_.write([record = std::move(record), unique_skeleton](Connection& db) {
      return create_account(db, record, unique_skeleton);
    });
  }
  Task<Result<bool>> update(AccountRecord record) override {
    return threads_.write([record = std::move(record)](Connection& db) { return update_account(db, record); });
  }
  Task<Result<bool>> remove(BareJid jid, TimePoint when) override {
    return threads_.write(
        [jid = std::move(jid), when](Connection& db) { return remove_account(db, jid.text(), when); });
  }
  Task<Result<std::vector<AccountRecord>>> administrators() override {
    return threads_.read([](Connection& db) { return accounts_with_rights(db, most_administrators); });
  }
  Task<Result<std::optional<TimePoint>>> removed_at(BareJid jid) override {
    return threads_.read([jid = std::move(jid)](Connection& db) { return account_removed_at(db, jid.text()); });
  }
  Task<Result<std::vector<AccountRecord>>> list(std::string domain, std::string after, std::int64_t limit) override {
    return threads_.read([domain = std::move(domain), after = std::move(after), limit](Connection& db) {
      return list_accounts(db, domain, after, limit);
    });
  }

 private:
  Threads& threads_;
};

// Maps or archives by name, made on first use.
template <class T>
class ByName {
 public:
  T& at(std::string_view name, Threads& threads) {
    std::lock_guard lock(mutex_);
    auto found = made_.find(name);
    if (found == made_.end()) {
      found = made_.emplace(name, std::make_unique<T>(std::string{name}, threads)).first;
    }
    return *found->second;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<T>, std::less<>> made_;
};

class SqliteStore final : public Store {
 public:
  SqliteStore(Connections connections, const SqliteOptions& options)
      : threads_(std::move(connections), options), accounts_(threads_) {}

  MapStore& map(std::string_view name) override { return maps_.at(name, threads_); }
  ArchiveStore& archive(std::string_view name) override { return archives_.at(name, threads_); }
  AccountStore& accounts() override { return accounts_; }

  Task<Result<Done>> write(Batch batch) override {
    std::size_t bytes = 0;
    for (const auto& set : batch.sets()) bytes += set.key.size() + (set.value ? set.value->size() : 0);
    for (const auto& append : batch.appends()) bytes += append.item.id.size() + append.item.xml.size();
    return threads_.write(
        [batch = std::move(batch)](Connection& db) {
          write_batch(db, batch);
          return Done{};
        },
        bytes);
  }
  Task<Result<Done>> erase_owner(BareJid owner) override {
    return threads_.write([owner = std::move(owner)](Connection& db) {
      erase_all_of(db, owner.text());
      return Done{};
    });
  }
  Task<Result<Done>> backup(std::string file) override { return threads_.copy(std::move(file)); }
  std::int64_t queued() const override { return threads_.queued(); }

 private:
  ByName<SqliteMap> maps_;  // before the threads, whose last requests use them
  ByName<SqliteArchive> archives_;
  Threads threads_;
  SqliteAccounts accounts_;
};

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite_store(const std::string& directory, const SqliteOptions& options) {
  const std::string file = directory + "/jackdaw.db";
  std::error_code error;
  if (!std::filesystem::exists(file, error)) {
    if (auto made = make_new_file(file); !made) return made.failure();
    if (auto synced = sync_directory_of(file); !synced) return synced.failure();
  }
  auto writer = Connection::open(file, options, Access::write);
  if (!writer) return writer.failure();
  if (auto ready = bring_up_to_date(**writer); !ready) return ready.failure();
  auto reader = Connection::open(file, options, Access::read);
  if (!reader) return reader.failure();
  auto copier = Connection::open(file, options, Access::read);
  if (!copier) return copier.failure();
  Connections connections{std::move(*writer), std::move(*reader), std::move(*copier)};
  return std::unique_ptr<Store>{std::make_unique<SqliteStore>(std::move(connections), options)};
}

Result<std::unique_ptr<Store>> open_sqlite_store(const std::string& directory) {
  return open_sqlite_store(directory, SqliteOptions{});
}

}  // namespace jackdaw
