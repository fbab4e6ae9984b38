// SPDX-License-Identifier: Apache-2.0
#include "client.h"

#include "sasl.h"

namespace jackdaw::talks {
namespace {

constexpr std::string_view tls_namespace = "urn:ietf:params:xml:ns:xmpp-tls";
constexpr std::string_view sasl_namespace = "urn:ietf:params:xml:ns:xmpp-sasl";
constexpr std::string_view bind_namespace = "urn:ietf:params:xml:ns:xmpp-bind";
constexpr std::string_view management_namespace = "urn:xmpp:sm:3";

bool is_error(const StreamEvent& event) {
  if (event.what == StreamEvent::What::end || event.what == StreamEvent::What::malformed) return true;
  const Node& node = event.node;
  // XEP-0050 §3.6: a command that came to nothing.
  const Node* command = node.child("http://jabber.org/protocol/commands", "command");
  const Node* note = command ? command->child("http://jabber.org/protocol/commands", "note") : nullptr;
  if (note && note->attribute("type") == "error") return true;
  return node.is(stream_namespace, "error") || node.attribute("type") == "error" || node.local == "failure" ||
         node.local == "failed";
}

}  // namespace

std::string Client::open_wire() {
  cut();
  reader_.restart();
  waiting_.clear();
  closed_ = false;
  if (!wire_.connect(access_.address)) return closed_ = seen_error_ = true, "cannot connect to " + access_.address;
  if (access_.security != Security::tls) return {};
  return start_tls();
}

std::string Client::start_tls() {
  reader_.restart();
  if (wire_.start_tls(access_.domain)) return {};
  seen_error_ = true;
  return "TLS handshake failed";
}

std::string Client::open_stream(const std::string& domain) {
  reader_.restart();
  send(
      "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='" +
      domain + "' version='1.0'>");
  const StreamEvent* header = front();
  if (!header || header->what != StreamEvent::What::header) return "no stream header came";
  pop();
  Node features;
  return expect_element(stream_namespace, "features", features);
}

std::string Client::expect_element(std::string_view ns, std::string_view local, Node& got) {
  const StreamEvent* event = front();
  if (!event) return "no <" + std::string{local} + "> came";
  if (event->what != StreamEvent::What::element || !event->node.is(ns, local))
    return "instead of <" + std::string{local} + "> came " +
           (event->what == StreamEvent::What::end ? "the stream's end" : event->node.xml());
  got = std::move(waiting_.front().node);
  pop();
  return {};
}

std::string Client::connect() {
  bound_ = managed_ = false;
  if (auto why = open_wire(); !why.empty()) return why;
  if (auto why = open_stream(access_.domain); !why.empty()) return why;
  if (access_.security == Security::starttls) {
    send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    Node proceed;
    if (auto why = expect_element(tls_namespace, "proceed", proceed); !why.empty()) return why;
    if (auto why = start_tls(); !why.empty()) return why;
    if (auto why = open_stream(access_.domain); !why.empty()) return why;
  }
  if (auto why = authenticate(); !why.empty()) return why;
  return open_stream(access_.domain);
}

std::string Client::authenticate() {
  SaslClient sasl{access_.mechanism, {access_.localpart, std::string{password_of_all}}, wire_.channel_binding()};
  send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='" + access_.mechanism + "'>" + base64(sasl.first()) +
       "</auth>");
  Node got;
  if (access_.mechanism != "PLAIN") {
    if (auto why = expect_element(sasl_namespace, "challenge", got); !why.empty()) return why;
    const auto response = sasl.respond(from_base64(got.all_text()));
    if (!response) return "the challenge is not acceptable: " + from_base64(got.all_text());
    send("<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" + base64(*response) + "</response>");
  }
  if (auto why = expect_element(sasl_namespace, "success", got); !why.empty()) return why;
  return sasl.verifies(from_base64(got.all_text())) ? "" : "the server's signature is wrong";
}

std::string Client::bind() {
  std::string wish = access_.resource.empty() ? "" : "<resource>" + access_.resource + "</resource>";
  send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>" + wish + "</bind></iq>");
  Node result;
  if (auto why = expect_element(client_namespace, "iq", result); !why.empty()) return why;
  const Node* bound = result.child(bind_namespace, "bind");
  const Node* jid = bound ? bound->child(bind_namespace, "jid") : nullptr;
  if (!jid) return "binding was refused: " + result.xml();
  const std::string full = jid->all_text();
  if (!access_.resource.empty() && !full.ends_with('/' + access_.resource))
    return "another resource was bound: " + full;
  access_.resource = full.substr(full.find('/') + 1);
  bound_ = true;
  return {};
}

void Client::send(std::string_view bytes) {
  if (!wire_.write(bytes)) seen_error_ = true;
}

void Client::cut() {
  wire_.cut();
  bound_ = managed_ = false;
  closed_ = true;
}

void Client::take(StreamEvent event) {
  seen_error_ |= is_error(event);
  const Node& node = event.node;
  if (event.what == StreamEvent::What::element) {
    if (node.is(management_namespace, "enabled") || node.is(management_namespace, "resumed")) managed_ = bound_ = true;
    if (is_proof(node)) return proof_.clear();
  }
  const bool restarts = node.is(sasl_namespace, "success") || node.is(tls_namespace, "proceed");
  waiting_.push_back(std::move(event));
  if (restarts) reader_.restart();
}

bool Client::read_more(Time::time_point deadline) {
  std::string bytes;
  switch (wire_.read(bytes, deadline)) {
    case Wire::Got::nothing:
      return false;
    case Wire::Got::closed:
      closed_ = seen_error_ = true;
      bound_ = false;
      return false;
    case Wire::Got::bytes:
      break;
  }
  reader_.feed(bytes);
  auto events = std::move(reader_.events());
  reader_.events().clear();
  for (auto& event : events) take(std::move(event));
  return true;
}

StreamEvent* Client::front() {
  const auto deadline = Time::now() + patience_;
  while (waiting_.empty() && !closed_)
    if (!read_more(deadline)) break;
  return waiting_.empty() ? nullptr : &waiting_.front();
}

bool Client::is_proof(const Node& node) {
  if (proof_.empty()) return false;
  return managed_ ? node.is(management_namespace, "a")
                  : node.is(client_namespace, "iq") && node.attribute("id") == proof_;
}

// Every iq is answered, whatever is loaded (RFC 6120 §8.2.3); with stream management <r/> asks without being counted.
void Client::ask_for_proof() {
  if (!bound_) return;
  proof_ = "proof-" + std::to_string(++proofs_);
  if (managed_)
    send("<r xmlns='urn:xmpp:sm:3'/>");
  else
    send("<iq type='get' id='" + proof_ + "' to='" + access_.domain + "'><ping xmlns='urn:xmpp:ping'/></iq>");
}

std::string Client::await_proof() {
  const auto deadline = Time::now() + patience_;
  while (!proof_.empty() && bound_ && !closed_)
    if (!read_more(deadline) && !closed_) return "a ping to the server was not answered";
  proof_.clear();
  return {};
}

bool Client::answer_ping(const Node& node) {
  const std::string from = node.attribute("from");
  if (!node.is(client_namespace, "iq") || node.attribute("type") != "get" || !node.child("urn:xmpp:ping", "ping"))
    return false;
  if (!from.empty() && from != access_.domain) return false;
  send("<iq type='result' id='" + node.attribute("id") + "'" + (from.empty() ? "" : " to='" + from + "'") + "/>");
  return true;
}

}  // namespace jackdaw::talks
