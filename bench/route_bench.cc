// The way of a stanza through the router, without sockets: one shard with every module and the memory store, sessions
// that only count. Start at the benchmarks at the end; each runs on the shard's own core.
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <future>
#include <string>
#include <thread>
#include <vector>

#include "modules/all.h"
#include "net/workers.h"
#include "router/server_settings.h"
#include "router/shard.h"
#include "settings/merge.h"
#include "stream/stream_settings.h"

namespace jackdaw {
namespace {

constexpr int subscribers = 1000;
constexpr int devices = 5;

class CountingSession final : public Session {
 public:
  explicit CountingSession(Jid jid) : jid_(std::move(jid)) {}
  const Jid& jid() const override { return jid_; }
  void deliver(StanzaRef) override { ++delivered; }
  void deliver_kept(StanzaRef) override { ++delivered; }
  void confirm(std::function<void(Receipt)> told) override { told(Receipt::received); }
  void end(StreamError) override {}
  void settled(std::uint32_t) override {}
  SessionDescription describe() const override { return {}; }

  static inline std::int64_t delivered = 0;

 private:
  const Jid jid_;
};

// One server for all benchmarks. Its core runs on a thread of its own.
class BenchServer {
 public:
  BenchServer() {
    std::vector<SettingRows> lists{server_settings(), stream_settings()};
    for (const Module* module : all_modules) lists.push_back(module->settings);
    const auto settings = merge(SettingTable{lists}, {.command_line = {"domains=bench.lan"}});
    check(settings.ok(), "the settings are refused");
    server_.store = store_.get();
    server_.modules = all_modules;
    server_.elsewhere = &elsewhere_;
    server_.workers = &workers_;
    server_.clock = &system_clock();
    shard_ = std::make_unique<Shard>(server_, core_, *settings);
    server_.shards.push_back(shard_.get());
    shard_->set_domains({"bench.lan"});
    thread_ = std::thread([this] { core_.run(); });
    run([this] { return populate(); });
  }
  ~BenchServer() {
    core_.stop();
    thread_.join();
  }
  // Runs that task on the core and waits for its end.
  template <class F>
  void run(F start) {
    std::promise<void> done;
    core_.post([&] { spawn(tell(start(), done)); });
    done.get_future().get();
  }
  Shard& shard() { return *shard_; }
  Router& router() { return shard_->router(); }
  Contacts& contacts() { return *shard_->domain("bench.lan")->contacts(); }

 private:
  static Task<void> tell(Task<void> task, std::promise<void>& done) {
    co_await std::move(task);
    done.set_value();
  }
  Task<SessionRef> connect(std::string full_jid) {
    const Jid jid = *Jid::parse(full_jid);
    AccountRecord record{.jid = jid.bare()};
    const auto created = co_await store_->accounts().create(std::move(record), false);
    check(created.ok(), "the memory store failed");
    SessionRef session = std::make_shared<CountingSession>(jid);
    const auto attached = co_await router().attach(session, BindConflict::replace, 20);
    check(attached.outcome == Attached::Outcome::attached, "a session is refused");
    router().broadcast(Stanza::make({Kind::presence, Type::available, jid, {}}, "", ""), {});
    co_return session;
  }
  Task<void> add_contact(SessionRef session, std::string contact) {
    Later<bool> stored;
    contacts().change(*router().find_awake(JidView(session->jid()).bare()),
                      {.jid = *BareJid::parse(contact), .subscription = Subscription::from},
                      [&stored](bool good) { stored.set(good); });
    const bool good = co_await stored;
    check(good, "a contact is refused");
  }
  Task<void> populate() {
    const SessionRef speaker = co_await connect("speaker@bench.lan/stage");
    for (int i = 0; i < subscribers; ++i) {
      const std::string name = "u" + std::to_string(i) + "@bench.lan";
      co_await connect(name + "/one");
      co_await add_contact(speaker, name);
    }
    for (int i = 0; i < devices; ++i) co_await connect("many@bench.lan/" + std::to_string(i));
    for (auto& resource : router().find_awake("many@bench.lan")->resources()) resource.interested = true;
  }

  Core core_{0};
  std::unique_ptr<Store> store_ = make_memory_store();
  NowhereElse elsewhere_;
  Workers workers_{1};
  Server server_;
  std::unique_ptr<Shard> shard_;
  std::thread thread_;
};

BenchServer& server() {
  static BenchServer made;
  return made;
}

void count(benchmark::State& state, std::int64_t before, std::int64_t each) {
  const auto delivered = CountingSession::delivered - before;
  if (delivered != each * static_cast<std::int64_t>(state.iterations())) state.SkipWithError("not all were delivered");
  state.SetItemsProcessed(delivered);
}

constexpr std::string_view body =
    "<body>Art thou not Romeo, and a Montague?</body><active xmlns='http://jabber.org/protocol/"
    "chatstates'/><origin-id xmlns='urn:xmpp:sid:0' id='m1'/>";

Task<void> route_to_one(benchmark::State& state, std::string to) {
  const auto message =
      Stanza::make({Kind::message, Type::chat, *Jid::parse("speaker@bench.lan/stage"), *Jid::parse(to)}, "m1", body);
  const auto before = CountingSession::delivered;
  for (auto _ : state) benchmark::DoNotOptimize(server().router().route(message));
  count(state, before, 1);
  co_return;
}
void message_to_full_jid(benchmark::State& state) {
  server().run([&] { return route_to_one(state, "u7@bench.lan/one"); });
}
void message_to_bare_jid(benchmark::State& state) {
  server().run([&] { return route_to_one(state, "u7@bench.lan"); });
}

// The speaker's own resource gets its presence too (RFC 6121 §4.2.2).
Task<void> fan_out(benchmark::State& state) {
  const auto presence = Stanza::make({Kind::presence, Type::available, *Jid::parse("speaker@bench.lan/stage"), {}}, "",
                                     "<show>away</show><priority>5</priority>");
  const auto before = CountingSession::delivered;
  for (auto _ : state) benchmark::DoNotOptimize(server().router().broadcast(presence, {}));
  count(state, before, subscribers + 1);
  co_return;
}
void presence_to_1000_subscribers(benchmark::State& state) {
  server().run([&] { return fan_out(state); });
}

// A changed name: stored in memory, then pushed to five interested resources.
Task<void> push(benchmark::State& state) {
  const auto before = CountingSession::delivered;
  static int number = 0;  // goes on between runs: a name that stays is not pushed
  for (auto _ : state) {
    Later<bool> stored;
    server().contacts().change(*server().router().find_awake("many@bench.lan"),
                               {.jid = *BareJid::parse("u1@bench.lan"), .name = std::to_string(++number)},
                               [&stored](bool good) { stored.set(good); });
    co_await stored;
  }
  count(state, before, devices);
}
void roster_push_to_5_resources(benchmark::State& state) {
  server().run([&] { return push(state); });
}

void parse_and_make(benchmark::State& state) {
  const Jid from = *Jid::parse("speaker@bench.lan/stage"), to = *Jid::parse("u7@bench.lan/one");
  std::string header = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
  std::string message = "<message type='chat' to='u7@bench.lan/one' id='m1'>" + std::string(body) + "</message>";
  const std::size_t header_size = header.size(), message_size = message.size();
  header.append(XmlReader::padding, '\0');
  message.append(XmlReader::padding, '\0');
  ReaderScratch scratch;
  XmlReader reader;
  reader.feed(scratch, header.data(), header_size);
  reader.next();
  reader.next();
  for (auto _ : state) {
    reader.feed(scratch, message.data(), message_size);
    if (reader.next() != XmlReader::Event::element) return state.SkipWithError("not an element");
    benchmark::DoNotOptimize(Stanza::make(reader, {Kind::message, Type::chat, from, to}));
    reader.next();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(message_size));
}

void write_stanza(benchmark::State& state) {
  const Jid from = *Jid::parse("speaker@bench.lan/stage"), to = *Jid::parse("u7@bench.lan/one");
  const auto message = Stanza::make({Kind::message, Type::chat, from, to}, "m1", body);
  std::string out;
  for (auto _ : state) {
    out.clear();
    message->write(out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}

BENCHMARK(message_to_full_jid);
BENCHMARK(message_to_bare_jid);
BENCHMARK(presence_to_1000_subscribers);
BENCHMARK(roster_push_to_5_resources);
BENCHMARK(parse_and_make);
BENCHMARK(write_stanza);

}  // namespace
}  // namespace jackdaw
