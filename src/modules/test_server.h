// For tests of modules: a server in this process, with the given modules, a memory store and clients without sockets.
//
//   TestServer server{xep0199_ping};
//   auto romeo = server.login("romeo@montague.lan/garden");
//   romeo.send("<iq type='get' id='p1' to='montague.lan'><ping xmlns='urn:xmpp:ping'/></iq>");
//   romeo.expect("<iq type='result' id='p1' from='montague.lan' to='romeo@montague.lan/garden'/>");
//
// The cores run on threads of their own; every function here is called on the test's thread and waits for them.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <concepts>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "net/workers.h"
#include "router/module.h"
#include "router/shard.h"
#include "settings/merge.h"

namespace jackdaw {

class TestSession;
class TestServer;

// A connected client, as the test sees it. Copies are the same client. Not to be used after its server is gone.
class TestClient {
 public:
  TestClient(TestServer& server, std::shared_ptr<TestSession> session)
      : server_(&server), session_(std::move(session)) {}

  // As a client writes it: without `from`.
  void send(std::string_view xml);
  // The next stanza it gets is this one (compared as in test_xml.h).
  void expect(std::string_view xml, std::source_location where = std::source_location::current());
  // The next stanza is an error with that id and condition.
  void expect_error(std::string_view id, Condition condition,
                    std::source_location where = std::source_location::current());
  // Everything sent so far has been dealt with, and nothing has come that was not expected.
  void expect_nothing(std::source_location where = std::source_location::current());
  // The next stanza as it came; empty when none comes in five seconds.
  std::string next();
  // Forgets what has come and was not looked at.
  void skip();
  // Why the server ended it; waits until all is settled.
  std::optional<StreamError> why_ended();
  // Goes without a word, as when the connection is lost.
  void leave();
  // Whether it shows that it has received what was delivered (Session::confirm); true at first.
  void acknowledges(bool does);
  SessionRef session() const;

 private:
  TestServer* server_;
  std::shared_ptr<TestSession> session_;
};

// Time that passes, and can be moved on.
class TestClock final : public Clock {
 public:
  Steady steady() const override { return Clock::steady() + std::chrono::microseconds{ahead_}; }
  TimePoint wall() const override { return Clock::wall() + std::chrono::microseconds{ahead_}; }
  void pass(std::chrono::microseconds time) { ahead_ += time.count(); }

 private:
  std::atomic<std::int64_t> ahead_{0};
};

// How many cores; one when not said.
struct Cores {
  int number = 1;
};

class TestServer {
 public:
  template <std::same_as<Module>... M>
  explicit TestServer(const M&... modules) : TestServer(std::vector<const Module*>{&modules...}, 1) {}
  template <std::same_as<Module>... M>
  explicit TestServer(Cores cores, const M&... modules)
      : TestServer(std::vector<const Module*>{&modules...}, cores.number) {}
  ~TestServer();
  TestServer(const TestServer&) = delete;

  // Serves montague.lan and capulet.lan. Makes the account when it is not there.
  TestClient login(std::string_view full_jid);
  // Empty when the server does not let it in.
  std::optional<TestClient> try_login(std::string_view full_jid);
  void make_account(std::string_view bare_jid);
  bool has_account(std::string_view bare_jid);
  // Writes `contact` into the roster of `owner`; needs the roster module.
  void put_contact(std::string_view owner, std::string_view contact, Subscription subscription);
  // "vcard.max_size=2KiB", "domain.montague.lan.disco.items=a.lan".
  void set(std::string setting);
  void pass(std::chrono::microseconds time);
  // What a connection from `address` that has not logged in gets for this iq.
  std::string before_login(std::string domain, std::string iq, std::string address = "192.0.2.1");
  // The modules' part of the stream features.
  std::string features(std::string domain, StreamFeature::When when);
  // Waits until everything sent has its fate and the cores have nothing left to do.
  void settle();

  // Runs `work` on that shard's core and returns its value.
  template <class T>
  T run(std::size_t shard, std::function<Task<T>(Shard&)> work) {
    std::promise<T> promise;
    auto future = promise.get_future();
    shards_[shard]->core().post([&] { spawn(tell(work, *shards_[shard], promise)); });
    return future.get();
  }
  template <class T>
  T run(std::function<Task<T>(Shard&)> work) {
    return run<T>(0, std::move(work));
  }
  Store& store() { return *store_; }
  Server& server() { return server_; }
  Shard& home(std::string_view bare_jid) { return server_.home(bare_jid); }
  // Calls `f` on a core and waits for it.
  void on(Shard& shard, std::function<void()> f);

 private:
  friend class TestClient;
  TestServer(std::vector<const Module*> modules, int cores);
  template <class T>
  static Task<void> tell(const std::function<Task<T>(Shard&)>& work, Shard& shard, std::promise<T>& promise) {
    try {
      promise.set_value(co_await work(shard));
    } catch (...) {
      promise.set_exception(std::current_exception());
    }
  }
  std::shared_ptr<const Settings> merged() const;

  TestClock clock_;
  std::unique_ptr<Store> store_;
  NowhereElse elsewhere_;
  Workers workers_{1};
  Server server_;
  SettingTable table_;
  std::vector<std::string> set_;
  std::vector<std::unique_ptr<Core>> cores_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<std::thread> threads_;
  std::vector<std::shared_ptr<TestSession>> sessions_;
  std::size_t connections_ = 0;  // that did not log in
};

}  // namespace jackdaw
