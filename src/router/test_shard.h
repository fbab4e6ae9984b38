// For tests: shards with the memory store and no modules, and sessions that write down what they get.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "net/test_cores.h"
#include "router/module.h"
#include "router/server_settings.h"
#include "router/shard.h"
#include "settings/merge.h"

namespace jackdaw::test {

// On its account's home core.
class ListeningSession final : public Session {
 public:
  explicit ListeningSession(Jid jid) : jid_(std::move(jid)) {}
  const Jid& jid() const override { return jid_; }
  void deliver(StanzaRef stanza) override { got.push_back(std::move(stanza)); }
  void deliver_kept(StanzaRef stanza) override { got.push_back(std::move(stanza)); }
  void confirm(std::function<void(Receipt)> told) override { told(Receipt::received); }
  void end(StreamError why) override { ended = std::move(why); }
  void settled(std::uint32_t number) override { settled_numbers.push_back(number); }
  SessionDescription describe() const override { return {.jid = jid_.text()}; }

  // "message chat m1, iq error i1"; forgotten then.
  std::string take() {
    std::string out;
    for (const auto& stanza : got) {
      out.append(out.empty() ? "" : ", ").append(name_of(stanza->kind()));
      if (const auto type = name_of(stanza->type()); !type.empty()) out.append(" ").append(type);
      out.append(" ").append(stanza->raw_id());
      if (stanza->type() == Type::error) out.append(" ").append(condition_of(*stanza));
    }
    got.clear();
    return out;
  }

  std::vector<StanzaRef> got;
  std::vector<std::uint32_t> settled_numbers;
  std::optional<StreamError> ended;

 private:
  static std::string condition_of(const Stanza& stanza) {
    return std::string(stanza.child({client_ns, "error"}).first_child().local());
  }
  const Jid jid_;
};

using Listening = std::shared_ptr<ListeningSession>;

// Serves montague.lan and capulet.lan.
class TestShards {
 public:
  explicit TestShards(std::size_t cores = 1, const Module* module = nullptr) {
    auto settings = merge(SettingTable{{server_settings()}}, {.command_line = {"domains=montague.lan,capulet.lan"}});
    server.store = store.get();
    if (module) server.modules.push_back(module);
    server.elsewhere = &elsewhere_;
    server.clock = &clock;
    for (std::size_t i = 0; i < cores; ++i) {
      cores_.push_back(std::make_unique<TestCore>(static_cast<int>(i), clock));
      shards_.push_back(std::make_unique<Shard>(server, cores_[i]->core, *settings));
      server.shards.push_back(shards_[i].get());
    }
    for (std::size_t i = 0; i < cores; ++i)
      cores_[i]->on([&] { shards_[i]->set_domains({"montague.lan", "capulet.lan"}); });
  }
  // Nothing runs any more before the first shard goes.
  ~TestShards() {
    settle();
    for (auto& core : cores_) core->stop();
  }

  std::size_t home_of(JidView jid) const { return server.home_of(jid.bare()); }
  Shard& shard(std::size_t place) { return *shards_[place]; }
  void on(std::size_t place, std::function<void()> f) { cores_[place]->on(std::move(f)); }
  // Posts between cores are done after as many rounds as they go to and fro.
  void settle() {
    for (int round = 0; round < 20; ++round)
      for (auto& core : cores_) core->turns(1);
  }

  void make_account(const BareJid& jid) {
    on(home_of(jid), [&] { spawn(create(*store, jid)); });
    settle();
  }
  // An account with a connected resource that is not available yet.
  Listening connect(std::string_view full_jid, std::size_t limit = 20) {
    const Jid jid = *Jid::parse(full_jid);
    make_account(jid.bare());
    auto session = std::make_shared<ListeningSession>(jid);
    attach(session, BindConflict::replace, limit);
    return session;
  }
  Attached::Outcome attach(const Listening& session, BindConflict policy, std::size_t limit = 20,
                           KeysMark keys = no_keys) {
    Attached attached{Attached::Outcome::no_account};
    const std::size_t place = home_of(session->jid());
    Router& router = shard(place).router();
    on(place, [&] { spawn(attach_to(attached, router.attach(session, policy, limit, keys))); });
    settle();
    return attached.outcome;
  }
  // As the presence module does when a presence comes.
  void make_available(const Listening& session, int priority = 0) {
    const std::size_t place = home_of(session->jid());
    on(place, [&] {
      Account* account = shard(place).router().find_awake(JidView(session->jid()).bare());
      Resource* resource = account->find(session->jid().resourcepart());
      resource->priority = priority;
      resource->presence = Stanza::make({Kind::presence, Type::available, session->jid(), {}}, "", "");
    });
  }
  // Routes on the core of shard `from`.
  MaybeFate route(const StanzaRef& stanza, std::size_t from = 0, FateTicket ticket = {}) {
    MaybeFate fate;
    on(from, [&] { fate = shard(from).router().route(stanza, ticket); });
    settle();
    return fate;
  }
  std::string taken(const Listening& session) {
    std::string out;
    on(home_of(session->jid()), [&] { out = session->take(); });
    return out;
  }

  HandClock clock;
  std::unique_ptr<Store> store = make_memory_store();
  Server server;

 private:
  static Task<void> create(Store& store, BareJid jid) {
    AccountRecord record{.jid = std::move(jid)};
    const auto created = co_await store.accounts().create(std::move(record), false);
    check(created.ok(), "the memory store failed");
  }
  static Task<void> attach_to(Attached& out, Task<Attached> attach) { out = co_await std::move(attach); }

  NowhereElse elsewhere_;
  std::vector<std::unique_ptr<TestCore>> cores_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

inline StanzaRef stanza(Kind kind, Type type, std::string_view from, std::string_view to, std::string_view id,
                        std::string_view payload = {}) {
  return Stanza::make({kind, type, *Jid::parse(from), *Jid::parse(to)}, id, payload);
}

}  // namespace jackdaw::test
