// SPDX-License-Identifier: Apache-2.0
#include "play.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "shorthand.h"

namespace jackdaw::talks {
namespace {

// A stanza for somebody else may take some turns of several cores; each round of pings is one turn of each at least.
constexpr int rounds_of_proof = 3;

std::string described(const StreamEvent* event, const Client& client) {
  if (!event) return client.is_closed() ? "the connection was closed" : "nothing came";
  switch (event->what) {
    case StreamEvent::What::header:
      return "came a stream header: " + event->node.xml();
    case StreamEvent::What::end:
      return "came the end of the stream";
    case StreamEvent::What::malformed:
      return "came what is not well-formed: " + event->node.text;
    case StreamEvent::What::element:
      break;
  }
  return "came " + event->node.xml();
}

bool is_kind(const Node& node, const std::string& kind) {
  if (kind == "stanza") return node.is_stanza();
  return kind == "element" || node.is(client_namespace, kind);
}

}  // namespace

// Also by whom nobody has looked at since: a connection that is gone.
bool Play::any_error_seen() {
  for (auto& [name, client] : clients_) client->read_more(Client::Time::now() + 100ms);
  return std::any_of(clients_.begin(), clients_.end(), [](const auto& c) { return c.second->has_seen_error(); });
}

std::string Play::run() {
  for (const Statement& statement : talk_.statements)
    if (auto why = hold(statement); !why.empty())
      return std::to_string(statement.line) + ": " + statement.who + ": " + why;
  return {};
}

std::string Play::hold(const Statement& statement) {
  using What = Statement::What;
  if (statement.what == What::cast) return cast(statement);
  if (statement.what == What::clock) return world_.advance_clock(Seconds(std::stoi(statement.text))), "";
  const auto found = clients_.find(statement.who);
  if (found == clients_.end()) return "nobody of that name was introduced";
  Client& client = *found->second;
  switch (statement.what) {
    case What::send:
      return send(client, statement.text);
    case What::expect:
      return expect(client, statement.text);
    case What::expect_any_order:
      return expect_any_order(client, statement.text);
    default:
      return act(client, statement.text);
  }
}

// "romeo@montague.example/garden" logs in, "romeo@montague.example" is an account only, "tcp" and "tls" are bare
// connections.
std::string Play::cast(const Statement& statement) {
  Access access = world_.access(static_cast<int>(clients_.size()));
  const std::string& spec = statement.text;
  const bool raw = spec == "tcp" || spec == "tls";
  const auto at = spec.find('@'), slash = spec.find('/');
  if (raw) {
    access.security = spec == "tls" ? Security::tls : Security::clear;
    access.address = world_.address(spec == "tls" ? TlsMode::at_once : TlsMode::starttls);
    access.domain = talk_.domains.front();
  } else if (at != spec.npos) {
    access.localpart = spec.substr(0, at);
    access.domain = spec.substr(at + 1, slash == spec.npos ? slash : slash - at - 1);
    if (slash != spec.npos) access.resource = spec.substr(slash + 1);
    if (auto why = world_.create_account(access.localpart + '@' + access.domain); !why.empty()) return why;
  } else {
    return "'" + spec + "' is no JID, nor tcp or tls";
  }
  auto& client = clients_[statement.who];
  client = std::make_unique<Client>(statement.who, access, patience_);
  if (raw) return client->open_wire();
  return slash == spec.npos ? "" : log_in(*client, "");
}

std::string Play::log_in(Client& client, const std::string& words) {
  std::istringstream in(words);
  for (std::string word, value; in >> word >> value;) {
    if (word == "as")
      client.access().resource = value;
    else if (word == "with")
      client.access().mechanism = value;
    else
      return "'" + word + "' is not known here: as RESOURCE, with MECHANISM";
  }
  if (auto why = client.connect(); !why.empty()) return why;
  return client.bind();
}

std::string Play::act(Client& client, const std::string& action) {
  if (action.starts_with("logs in")) return log_in(client, action.substr(7));
  if (action == "connects") return client.access().localpart.empty() ? client.open_wire() : client.connect();
  if (action.starts_with("is available")) return become_available(client, action.substr(12));
  if (action.starts_with("opens")) return open(client, action.substr(5));
  if (action == "starts tls") return client.start_tls();
  if (action == "disconnects") return client.cut(), "";
  if (action == "closes") return close(client);
  if (action == "forgets") return forget(client);
  if (action == "is locked") return world_.lock_account(client.access().localpart + '@' + client.access().domain);
  if (action.starts_with("may "))
    return world_.give_rights(client.access().localpart + '@' + client.access().domain, action.substr(4));
  return "'" + action + "' is no action";
}

// For talks that are about something else: what everybody is told of it is dropped.
std::string Play::become_available(Client& client, const std::string& words) {
  std::istringstream in(words);
  std::string with, word, priority;
  if (in >> with && !(in >> word >> priority && with == "with" && word == "priority"))
    return "'" + words + "' is not known here: with priority N";
  client.send(priority.empty() ? "<presence/>" : "<presence><priority>" + priority + "</priority></presence>");
  auto why = prove_all();
  for (auto& [name, somebody] : clients_)
    std::erase_if(somebody->waiting(), [](const StreamEvent& e) { return e.node.is(client_namespace, "presence"); });
  return why;
}

// What has been sent to it until now is not looked at.
std::string Play::forget(Client& client) {
  auto why = prove_all();
  client.waiting().clear();
  return why;
}

// RFC 6120 §4.2: a header, and the header and features that answer it; "to DOMAIN" names another domain.
std::string Play::open(Client& client, const std::string& words) {
  std::istringstream in(words);
  std::string to, domain = client.access().domain;
  if (in >> to && (to != "to" || !(in >> domain))) return "'" + words + "' is not known here: to DOMAIN";
  return client.open_stream(domain);
}

// RFC 6120 §4.4: each side says its end, then the connection goes.
std::string Play::close(Client& client) {
  client.send("</stream:stream>");
  client.set_bound(false);
  auto deadline = Client::Time::now() + patience_;
  while (!client.is_closed() && client.read_more(deadline)) continue;
  if (!client.is_closed()) return "the server does not close";
  const auto& left = client.waiting();
  const bool ended = !left.empty() && left.back().what == StreamEvent::What::end;
  client.cut();
  return ended ? "" : "the server closed without </stream:stream>";
}

std::string Play::send(Client& client, const std::string& text) {
  client.send(bytes_to_send(text, captures_));
  return {};
}

std::string Play::expect(Client& client, const std::string& text) {
  if (text.starts_with("no ")) return expect_nothing(client, text.substr(3));
  if (text == "closed") return expect_closed(client);
  if (text == "end" || text == "header") {
    const StreamEvent* event = client.front();
    const auto what = text == "end" ? StreamEvent::What::end : StreamEvent::What::header;
    if (!event || event->what != what) return "expected the stream's " + text + "; " + described(event, client);
    return client.pop(), "";
  }
  std::string why;
  const bool xml = text.starts_with('<');
  const auto expected = xml ? parse_element(text, why) : node_of_words(text, why);
  if (!expected) return "this is no expectation: " + text + (why.empty() ? "" : " (" + why + ")");
  return expect_node(client, *expected, xml);
}

// The next that counts: requests for acknowledgements and the server's own pings are answered or passed over, unless
// they are what is expected.
StreamEvent* Play::next(Client& client, const Node& expected) {
  for (;;) {
    StreamEvent* event = client.front();
    if (!event || event->what != StreamEvent::What::element) return event;
    const bool request = event->node.is("urn:xmpp:sm:3", "r") && expected.local != "r";
    const bool ping_expected = expected.child("urn:xmpp:ping", "ping") != nullptr;
    if (!request && (ping_expected || !client.answer_ping(event->node))) return event;
    client.pop();
  }
}

std::string Play::expect_node(Client& client, const Node& expected, bool whole) {
  const StreamEvent* event = next(client, expected);
  std::string why;
  const bool fits_kind =
      event && (event->what == StreamEvent::What::element ||
                (event->what == StreamEvent::What::header && expected.is(stream_namespace, "stream")));
  if (fits_kind) {
    why = whole ? mismatch(expected, event->node, captures_) : mismatch_of_part(expected, event->node, captures_);
    if (why.empty()) return client.pop(), "";
    why = " (" + why + ")";
  }
  note_missing(client, expected);
  return "expected " + with_captures(expected.xml(), captures_) + "\n    but " + described(event, client) + why;
}

std::string Play::expect_any_order(Client& client, const std::string& text) {
  std::string why;
  const auto expected = text.starts_with('<') ? parse_element(text, why) : node_of_words(text, why);
  if (!expected) return "this is no expectation: " + text + (why.empty() ? "" : " (" + why + ")");
  const auto deadline = Client::Time::now() + patience_;
  std::size_t seen = 0;
  for (;;) {
    auto& waiting = client.waiting();
    for (; seen < waiting.size(); ++seen) {
      if (waiting[seen].what != StreamEvent::What::element) continue;
      why = text.starts_with('<') ? mismatch(*expected, waiting[seen].node, captures_)
                                  : mismatch_of_part(*expected, waiting[seen].node, captures_);
      if (why.empty()) return waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(seen)), "";
    }
    if (client.is_closed() || !client.read_more(deadline)) break;
  }
  note_missing(client, *expected);
  std::string out = "expected, in any order, " + with_captures(expected->xml(), captures_) + "\n    but came:";
  for (const auto& event : client.waiting()) out += "\n      " + described(&event, client);
  return out;
}

void Play::note_missing(Client& client, const Node& expected) {
  missing_presence_ = expected.local == "presence" || expected.attribute("type") == "set";
  if (!expected.is(client_namespace, "message")) return;
  waits_for_message_ = &client;
  missing_message_ = expected;
}

// What the store could not give out stays in it (XEP-0160 §2).
bool Play::comes_at_next_login() {
  if (!waits_for_message_) return false;
  Client& client = *waits_for_message_;
  client.cut();
  world_.arm(0);
  if (!log_in(client, "").empty()) return false;
  client.send("<presence/>");
  const auto deadline = Client::Time::now() + patience_;
  do {
    for (const auto& event : client.waiting())
      if (event.what == StreamEvent::What::element && mismatch(missing_message_, event.node, captures_).empty())
        return true;
    client.waiting().clear();
  } while (client.read_more(deadline));
  return false;
}

std::string Play::prove_all() {
  for (int round = 0; round < rounds_of_proof; ++round) {
    for (auto& [name, client] : clients_) client->ask_for_proof();
    for (auto& [name, client] : clients_)
      if (auto why = client->await_proof(); !why.empty()) return fmt::format("{}: {}", name, why);
  }
  return {};
}

// Nothing of that kind is there when everybody's pings have been answered.
std::string Play::expect_nothing(Client& client, const std::string& kind) {
  if (auto why = prove_all(); !why.empty()) return why;
  for (const auto& event : client.waiting())
    if (event.what == StreamEvent::What::element && is_kind(event.node, kind) && !client.answer_ping(event.node)) {
      missing_presence_ = event.node.local == "presence";
      return "expected no " + kind + ", but " + described(&event, client);
    }
  std::erase_if(client.waiting(), [&](const StreamEvent& event) {
    return event.node.child("urn:xmpp:ping", "ping") && is_kind(event.node, "iq");
  });
  return {};
}

// The end of the stream may stand before it.
std::string Play::expect_closed(Client& client) {
  StreamEvent* event = client.front();
  if (event && event->what == StreamEvent::What::end) {
    client.pop();
    event = client.front();
  }
  if (event || !client.is_closed()) return "expected the connection to be closed; " + described(event, client);
  client.cut();
  return {};
}

std::string Play::prove_service() {
  if (talk_.moves_clock) world_.advance_clock(Seconds(3));  // a listener that pauses goes on
  Access access = world_.access(0);
  access.localpart = "prospero";
  access.domain = talk_.domains.back();
  access.resource = "isle";
  if (auto why = world_.create_account(access.localpart + '@' + access.domain); !why.empty()) return why;
  Client client{"prospero", access, patience_};
  if (auto why = log_in(client, ""); !why.empty()) return "nobody can log in any more: " + why;
  client.ask_for_proof();
  auto why = client.await_proof();
  return why.empty() && !client.is_bound() ? "the server closed a good stream" : why;
}

}  // namespace jackdaw::talks
