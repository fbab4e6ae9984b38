// SPDX-License-Identifier: Apache-2.0
#include "world.h"

#include <stdlib.h>

#include <filesystem>
#include <future>

#include "router/shard.h"
#include "store/faults.h"
#include "stream/scram.h"

namespace jackdaw::talks {
namespace {

// Few iterations and one salt: deriving keys is what other tests are about.
const std::array<std::optional<ScramKeys>, 3>& keys_of_all() {
  static const auto made = [] {
    std::array<std::optional<ScramKeys>, 3> keys;
    for (Hash hash : all_hashes)
      keys[static_cast<std::size_t>(hash)] = derive_scram_keys(hash, password_of_all, "salt of all", 4096);
    return keys;
  }();
  return made;
}

Task<void> create(Store* store, AccountRecord record, std::string* why) {
  const auto created = co_await store->accounts().create(std::move(record), false);
  if (!created) *why = created.failure().what;
}

Task<void> update(Store* store, AccountRecord record, std::string* why) {
  const auto updated = co_await store->accounts().update(std::move(record));
  if (!updated) *why = updated.failure().what;
}

AccountRecord record_of(const BareJid& jid) {
  AccountRecord record{.jid = jid, .keys = keys_of_all()};
  record.skeleton = skeleton_of(JidView(jid).localpart());
  return record;
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ",") + name;
  return out;
}

}  // namespace

// Stands still until a talk moves it.
class World::FakeClock final : public Clock {
 public:
  Steady steady() const override { return steady_ + Seconds(passed_); }
  TimePoint wall() const override { return wall_ + Seconds(passed_); }
  void advance(Seconds time) { passed_ += time.count(); }

 private:
  const Steady steady_ = Clock::steady();
  const TimePoint wall_ = Clock::wall();
  std::atomic<std::int64_t> passed_{0};
};

World::World(const Talk& talk, const Mode& mode, std::string& why) : mode_(mode) {
  std::string place = (std::filesystem::temp_directory_path() / "jackdaw-talk-XXXXXX").string();
  directory_ = ::mkdtemp(place.data());
  ServeOptions options{.data_directory = directory_};
  options.command_line = {
      "s2s.enabled=false", "domains=" + joined(talk.domains), "listen.client=127.0.0.1:0",
      "listen.server=",    "listen.tls=127.0.0.1:0",          "server.cores=" + std::to_string(mode.cores),
      "log.level=crashes"};
  if (!mode.tls) options.command_line.push_back("auth.require_tls=false");
  for (const auto& setting : talk.settings) options.command_line.push_back(setting);
  if (talk.moves_clock) options.clock = (clock_ = std::make_unique<FakeClock>()).get();
  if (mode.fault == Mode::Fault::socket) options.socket_faults = &socket_faults_;
  if (mode.sqlite) {
    auto opened = open_sqlite_store(directory_);
    if (!opened) {
      why = opened.failure().what;
      return;
    }
    options.store = std::move(*opened);
  } else {
    options.store = make_memory_store();
  }
  if (mode.fault == Mode::Fault::store) options.store = make_faulty_store(std::move(options.store), store_countdown_);
  auto started = RunningServer::start(std::move(options));
  if (!started)
    why = started.failure().what;
  else
    server_ = std::move(*started);
}

World::~World() {
  arm(0);
  server_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

std::atomic<std::int64_t>& World::countdown() const {
  return mode_.fault == Mode::Fault::socket ? const_cast<Faults&>(socket_faults_).countdown : *store_countdown_;
}

void World::arm(std::int64_t n) { countdown() = n; }
bool World::has_struck() const { return countdown() <= 0; }

std::string World::create_account(const std::string& bare_jid) {
  const auto jid = Jid::parse(bare_jid);
  if (!jid) return bare_jid + " is no JID";
  const auto armed = countdown().exchange(0);
  std::string why;
  server_->run_blocking([&] { return create(server_->server().store, record_of(BareJid{JidView(*jid)}), &why); });
  countdown() = armed;
  return why;
}

std::string World::lock_account(const std::string& bare_jid) {
  AccountRecord record;
  record.locked = true;
  return change_account(bare_jid, std::move(record));
}

std::string World::give_rights(const std::string& bare_jid, const std::string& rights) {
  AccountRecord record;
  record.rights = rights;
  return change_account(bare_jid, std::move(record));
}

std::string World::change_account(const std::string& bare_jid, AccountRecord record) {
  const auto jid = Jid::parse(bare_jid);
  if (!jid) return bare_jid + " is no JID";
  std::string why;
  const AccountRecord usual = record_of(BareJid{JidView(*jid)});
  record.jid = usual.jid;
  record.keys = usual.keys;
  record.skeleton = usual.skeleton;
  const auto armed = countdown().exchange(0);
  server_->run_blocking([&] { return update(server_->server().store, record, &why); });
  countdown() = armed;
  return why;
}

// Two turns before: what was connected is accepted then. Two behind: what a deadline starts may set another that is
// due.
void World::advance_clock(Seconds time) {
  for (int round = 0; round < 4; ++round) {
    if (round == 2) clock_->advance(time);
    for (Shard* shard : server_->server().shards) {
      std::promise<void> ticked;
      shard->core().post([&] {
        shard->core().tick();
        ticked.set_value();
      });
      ticked.get_future().wait();
    }
  }
}

std::string World::address(TlsMode mode) const {
  for (const auto& listening : server_->listening())
    if (listening.mode == mode) return listening.address;
  return {};
}

Access World::access(int number) const {
  constexpr const char* mechanisms[] = {"SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "PLAIN", "SCRAM-SHA-512-PLUS",
                                        "SCRAM-SHA-1"};
  Access access;
  if (mode_.tls) {
    access.security = number % 2 == 0 ? Security::tls : Security::starttls;
    access.mechanism = mechanisms[number % 5];
  }
  access.address = address(access.security == Security::tls ? TlsMode::at_once : TlsMode::starttls);
  return access;
}

}  // namespace jackdaw::talks
