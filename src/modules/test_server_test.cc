// The server of test_server.h, and its own tests. Start reading at the constructor.
// SPDX-License-Identifier: Apache-2.0
#include "modules/test_server.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "modules/test_session.h"
#include "modules/test_xml.h"
#include "router/provision.h"

namespace jackdaw {
namespace {

// Real key derivation takes its time on purpose, and is tested with SCRAM.
ScramKeys quick_keys(Hash hash, std::string_view password, std::string salt, std::int32_t iterations) {
  const std::string mixed = salt + std::string(password) + std::to_string(static_cast<int>(hash));
  return {.salt = salt, .iterations = iterations, .stored_key = sha256(mixed), .server_key = sha256(mixed + '+')};
}

Task<bool> store_account(Store& store, BareJid jid, TimePoint now) {
  AccountRecord record{.jid = jid, .created = now, .skeleton = skeleton_of(jid.localpart())};
  co_return (co_await store.accounts().create(std::move(record), false)).ok();
}

Task<bool> is_stored(Store& store, BareJid jid) {
  const auto record = co_await store.accounts().get(std::move(jid));
  co_return record.ok() && record->has_value();
}

Task<bool> attach(Shard& home, std::shared_ptr<TestSession> session) {
  home.router().enlist(session->number(), session.get());
  co_return (co_await home.router().attach(session, BindConflict::replace, 20)).outcome == Attached::Outcome::attached;
}

Task<bool> change_roster(Shard& home, BareJid owner, RosterItem item) {
  Account* account = co_await home.router().wake(owner);
  Contacts* contacts = home.domain(owner.domainpart())->contacts();
  if (!account || !contacts) co_return false;
  Later<bool> stored;
  contacts->change(*account, std::move(item), [&stored](bool good) { stored.set(good); });
  co_return co_await stored;
}

Task<std::string> ask(Domain& domain, StanzaRef iq, std::string address) {
  const auto* handler = domain.find_before_authentication(iq->first_child().name());
  if (!handler) co_return std::string{};
  const Reply reply = co_await (*handler)(IqRequest{iq, BareJid{}}, std::move(address));
  co_return (reply.error() ? error_reply(*iq, *reply.error()) : result_reply(*iq, reply.payload()))->xml();
}

SettingTable table_of(const std::vector<const Module*>& modules) {
  std::vector<SettingRows> lists{rows(auth_iterations, account_refuse_lookalikes, registration_name_rest)};
  for (const Module* module : modules) lists.push_back(module->settings);
  return SettingTable{lists};
}

}  // namespace

TestServer::TestServer(std::vector<const Module*> modules, int cores)
    : store_(make_memory_store()), table_(table_of(modules)) {
  server_.store = store_.get();
  server_.modules = std::move(modules);
  server_.elsewhere = &elsewhere_;
  server_.workers = &workers_;
  server_.clock = &clock_;
  server_.derive_keys = quick_keys;
  server_.started = clock_.wall();
  for (int i = 0; i < cores; ++i) {
    cores_.push_back(std::make_unique<Core>(i, clock_));
    shards_.push_back(std::make_unique<Shard>(server_, *cores_.back(), merged()));
    server_.shards.push_back(shards_.back().get());
  }
  for (auto& shard : shards_) shard->set_domains({"montague.lan", "capulet.lan"});
  for (auto& core : cores_) threads_.emplace_back([&core] { core->run(); });
}

TestServer::~TestServer() {
  for (auto& session : sessions_)
    on(session->home(), [&] {
      session->leave();
      session->home().router().strike_off(session->number());
    });
  settle();
  for (auto& core : cores_) core->stop();
  for (auto& thread : threads_) thread.join();
}

std::shared_ptr<const Settings> TestServer::merged() const {
  std::vector<std::string> lines{"domains=montague.lan,capulet.lan"};
  lines.insert(lines.end(), set_.begin(), set_.end());
  auto settings = merge(table_, {.command_line = std::move(lines)});
  check(settings.ok(), "a test sets what cannot be set");
  return *settings;
}

void TestServer::set(std::string setting) {
  set_.push_back(std::move(setting));
  const auto settings = merged();
  for (auto& shard : shards_) on(*shard, [&] { shard->apply(settings); });
}

void TestServer::on(Shard& shard, std::function<void()> f) {
  std::promise<void> done;
  shard.core().post([&] {
    f();
    done.set_value();
  });
  done.get_future().get();
}

void TestServer::pass(std::chrono::microseconds time) {
  settle();
  clock_.pass(time);
  for (auto& shard : shards_) on(*shard, [] {});  // its turn begins with reading the clock
  settle();
}

// A chain of jobs that post each other is done after as many rounds as it is long; those of the memory store are short.
void TestServer::settle() {
  constexpr int rounds = 30;
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  for (auto& session : sessions_)
    while (session->has_open_fates() && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::microseconds{100});
  for (int i = 0; i < rounds; ++i)
    for (auto& shard : shards_) on(*shard, [] {});
}

void TestServer::make_account(std::string_view bare_jid) {
  const auto jid = BareJid::parse(bare_jid);
  check(jid.has_value(), "a test's account has no valid address");
  run<bool>([&](Shard& shard) { return store_account(*store_, *jid, shard.core().wall()); });
}

bool TestServer::has_account(std::string_view bare_jid) {
  const auto jid = BareJid::parse(bare_jid);
  return jid && run<bool>([&](Shard&) { return is_stored(*store_, *jid); });
}

void TestServer::put_contact(std::string_view owner, std::string_view contact, Subscription subscription) {
  const auto ours = BareJid::parse(owner), theirs = BareJid::parse(contact);
  check(ours && theirs, "a test's contact has no valid address");
  make_account(owner);
  const RosterItem item{.jid = *theirs, .subscription = subscription};
  const std::size_t place = server_.home_of(ours->text());
  EXPECT_TRUE(run<bool>(place, [&](Shard& home) { return change_roster(home, *ours, item); })) << owner;
}

TestClient TestServer::login(std::string_view full_jid) {
  auto client = try_login(full_jid);
  check(client.has_value(), "a test's client is not let in");
  return *client;
}

std::optional<TestClient> TestServer::try_login(std::string_view full_jid) {
  const auto jid = Jid::parse(full_jid);
  check(jid && jid->is_full(), "a test's client has no valid full JID");
  make_account(jid->bare().text());
  const std::size_t place = server_.home_of(jid->bare().text());
  Shard& shard = *shards_[place];
  auto session = std::make_shared<TestSession>(shard, *jid);
  const bool attached = run<bool>(place, [&](Shard& home) { return attach(home, session); });
  sessions_.push_back(session);
  if (!attached) return std::nullopt;
  return TestClient{*this, session};
}

std::string TestServer::before_login(std::string domain, std::string iq, std::string address) {
  StanzaRef stanza;
  read_xml(iq, [&](const XmlReader& reader) {
    const auto type = type_of(Kind::iq, reader.element().attribute("type"));
    if (type)
      stanza = Stanza::make({Kind::iq, *type, {}, BareJid{JidView::of_prepared(domain)}},
                            reader.element().attribute("id"), reader.element().first_child().xml());
  });
  check(stanza != nullptr, "a test's iq is none");
  const std::size_t core = connections_++ % shards_.size();  // it may be accepted on any
  return run<std::string>(core, [&](Shard& shard) { return ask(*shard.domain(domain), stanza, address); });
}

std::string TestServer::features(std::string domain, StreamFeature::When when) {
  std::string out;
  on(*shards_[0], [&] {
    Domain& served = *shards_[0]->domain(domain);
    for (const auto& feature : served.stream_features())
      if (feature.when == when) out += feature.xml(served);
  });
  return out;
}

void TestClient::send(std::string_view xml) {
  bool taken = false;
  server_->on(session_->home(), [&] { taken = session_->take(std::string(xml)); });
  EXPECT_TRUE(taken) << "not a stanza: " << xml;
}

std::string TestClient::next() { return session_->next(true); }

void TestClient::expect(std::string_view xml, std::source_location where) {
  const std::string got = next();
  const auto why = got.empty() ? "nothing came; expected " + std::string(xml) : difference(xml, got);
  if (!why.empty()) ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line())) << why;
}

void TestClient::expect_error(std::string_view id, Condition condition, std::source_location where) {
  const std::string got = next();
  bool right = false;
  read_xml(got, [&](const XmlReader& reader) {
    const Element stanza = reader.element(), error = stanza.child({client_ns, "error"});
    right = stanza.attribute("type") == "error" && stanza.attribute("id") == id && error &&
            error.child({stanzas_ns, name_of(condition)});
  });
  if (!right)
    ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line()))
        << "expected the error " << name_of(condition) << " to " << id << ", got " << (got.empty() ? "nothing" : got);
}

void TestClient::expect_nothing(std::source_location where) {
  server_->settle();
  const std::string got = session_->next(false);
  if (!got.empty())
    ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line())) << "nothing was expected: " << got;
}

void TestClient::skip() {
  server_->settle();
  while (!session_->next(false).empty()) {
  }
}

std::optional<StreamError> TestClient::why_ended() {
  server_->settle();
  return session_->why_ended();
}

void TestClient::leave() {
  server_->on(session_->home(), [&] { session_->leave(); });
}

void TestClient::acknowledges(bool does) {
  server_->on(session_->home(), [&] { session_->acknowledge(does); });
}

SessionRef TestClient::session() const { return session_; }

TEST(TestServer, CarriesStanzasBetweenClients) {
  TestServer server{Cores{3}};
  auto romeo = server.login("romeo@montague.lan/garden");
  auto juliet = server.login("juliet@capulet.lan/balcony");

  romeo.send("<message to='juliet@capulet.lan/balcony' type='chat' id='m1'><body>Hi</body></message>");

  juliet.expect(
      "<message from='romeo@montague.lan/garden' to='juliet@capulet.lan/balcony' type='chat' id='m1'>"
      "<body>Hi</body></message>");
  romeo.expect_nothing();
}

TEST(TestServer, RefusesWhatNobodyAnswers) {
  TestServer server;
  auto romeo = server.login("romeo@montague.lan/garden");
  romeo.send("<iq type='get' id='1' to='montague.lan'><query xmlns='urn:example:unknown'/></iq>");
  romeo.expect_error("1", Condition::service_unavailable);
}

}  // namespace jackdaw
