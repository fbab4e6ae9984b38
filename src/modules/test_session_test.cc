// Start reading at TestSession::take(): what a client sends becomes a stanza as it would on a stream.
// SPDX-License-Identifier: Apache-2.0
#include "modules/test_session.h"

#include "modules/test_xml.h"

namespace jackdaw {

void TestSession::deliver(StanzaRef stanza) {
  std::lock_guard lock(mutex_);
  delivered_.push_back(stanza->xml());
  came_.notify_all();
}

void TestSession::confirm(std::function<void(Receipt)> told) {
  confirmations_.push_back(std::move(told));
  if (acknowledges_) home_.core().later([self = shared_from_this()] { self->tell_confirmations(Receipt::received); });
}

void TestSession::tell_confirmations(Receipt receipt) {
  for (auto& told : std::exchange(confirmations_, {})) told(receipt);
}

void TestSession::acknowledge(bool does) {
  acknowledges_ = does;
  if (does) tell_confirmations(Receipt::received);
}

void TestSession::end(StreamError why) {
  {
    std::lock_guard lock(mutex_);
    if (!why_ended_) why_ended_ = std::move(why);
  }
  home_.core().later([self = shared_from_this()] { self->leave(); });
}

void TestSession::leave() {
  home_.router().detach(shared_from_this(), {});
  tell_confirmations(Receipt::lost);
}

bool TestSession::take(const std::string& xml) {
  StanzaRef stanza;
  const bool read = read_xml(xml, [&](const XmlReader& reader) {
    const Element element = reader.element();
    const auto kind = kind_of(element.local());
    const auto type = kind ? type_of(*kind, element.attribute("type")) : std::nullopt;
    const auto to = Jid::parse(element.attribute("to"));
    if (!type || (element.has_attribute("to") && !to)) return;
    stanza = Stanza::make(reader, {*kind, *type, jid_, to ? JidView(*to) : JidView()});
  });
  if (!read || !stanza) return false;
  ++open_;
  const FateTicket ticket{static_cast<std::uint32_t>(home_.core().number()), ++sent_, number_};
  Router& router = home_.router();
  MaybeFate fate;
  if (stanza->kind() == Kind::presence)
    fate = router.broadcast(stanza, ticket);
  else if (stanza->has_to())
    fate = router.route(stanza, ticket);
  else
    fate = router.route(stanza->with(stanza->from(), BareJid{JidView(jid_)}), ticket);  // RFC 6120 §10.3
  if (fate) settled(ticket.number);
  return true;
}

std::string TestSession::next(bool wait) {
  std::unique_lock lock(mutex_);
  if (wait) came_.wait_for(lock, 5s, [&] { return !delivered_.empty(); });
  if (delivered_.empty()) return {};
  std::string xml = std::move(delivered_.front());
  delivered_.pop_front();
  return xml;
}

std::optional<StreamError> TestSession::why_ended() {
  std::lock_guard lock(mutex_);
  return why_ended_;
}

}  // namespace jackdaw
