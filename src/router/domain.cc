// SPDX-License-Identifier: Apache-2.0
#include "router/domain.h"

#include "router/shard.h"

namespace jackdaw {

std::string_view name_of(Subscription subscription) {
  static constexpr std::string_view names[] = {"none", "to", "from", "both", "remove"};
  return names[static_cast<int>(subscription)];
}

Reply Reply::wrap(Name name, std::string_view inside) {
  std::string out{"<"};
  out.append(name.local).append(" xmlns='").append(name.ns);
  if (inside.empty()) return Reply{out.append("'/>")};
  return Reply{out.append("'>").append(inside).append("</").append(name.local).append(">")};
}

Domain::Domain(std::string name, Shard& shard)
    : name_(std::move(name)), jid_(BareJid{JidView::of_prepared(name_)}), shard_(shard), log_("DOMAIN-" + name_) {}

Domain::~Domain() = default;

bool Domain::is_served() const { return shard_.domain(name_) == this; }
Router& Domain::router() { return shard_.router(); }
Store& Domain::store() { return *shard_.server().store; }
TimePoint Domain::now() const { return shard_.core().wall(); }
const Settings& Domain::settings() const { return shard_.settings(); }

void Domain::note(std::string_view stanza, std::string_view address, std::string payload, std::string_view phase) {
  descriptions_.push_back({std::string(stanza), std::string(address), std::move(payload), std::string(phase),
                           std::string(module_in_setup)});
}

void Domain::feature(std::string_view ns, To where) {
  auto& list = features_[where == To::domain ? 0 : 1];
  if (std::find(list.begin(), list.end(), ns) == list.end()) list.emplace_back(ns);
}

void Domain::identity(To where, Identity identity) {
  identities_[where == To::domain ? 0 : 1].push_back(std::move(identity));
}

std::string Domain::key(Type type, To to, Name payload) {
  std::string key{type == Type::get ? 'g' : 's', static_cast<char>('0' + static_cast<int>(to))};
  return key.append(payload.local).append(" ").append(payload.ns);
}

void Domain::on_iq(IqSelector selector, IqHandler handler) {
  static constexpr std::string_view names[] = {"domain", "account", "own account"};
  payloads_.push_back(std::string(selector.payload.ns) + ' ' + std::string(selector.payload.local));
  for (To to : selector.to) {
    const auto [at, fresh] = iq_.emplace(key(selector.type, to, selector.payload), handler);
    check(fresh, "two handlers for one iq");
    note(selector.type == Type::get ? "iq get" : "iq set", names[static_cast<int>(to)],
         std::string(selector.payload.ns) + ' ' + std::string(selector.payload.local), "handle");
  }
}

void Domain::guard_query(Name payload, QueryGuard guard) {
  query_guards_.emplace_back(payload, std::move(guard));
  note("iq get", "client", std::string(payload.ns) + ' ' + std::string(payload.local), "guard");
}

const QueryGuard* Domain::find_guard(Name payload) const {
  for (const auto& [name, guard] : query_guards_)
    if (name == payload) return &guard;
  return nullptr;
}

void Domain::on_message(Phase phase, MessageHook hook) {
  static constexpr std::string_view names[] = {"guard", "change", "observe"};
  hooks_[static_cast<std::size_t>(phase)].push_back(std::move(hook));
  note("message", "account", "", names[static_cast<int>(phase)]);
}

void Domain::on_iq_before_authentication(Name payload, PreAuthHandler handler) {
  before_authentication_.emplace(std::string(payload.ns) + ' ' + std::string(payload.local), std::move(handler));
  note("iq", "before authentication", std::string(payload.ns) + ' ' + std::string(payload.local), "handle");
}

void Domain::on_message_to_domain(Name payload, MessageHandler handler) {
  domain_messages_.emplace_back(payload, std::move(handler));
  note("message", "domain", std::string(payload.ns) + ' ' + std::string(payload.local), "handle");
}

const MessageHandler* Domain::find_message(Name payload) const {
  for (const auto& [name, handler] : domain_messages_)
    if (name == payload) return &handler;
  return nullptr;
}

const IqHandler* Domain::find_iq(Type type, To to, Name payload) const {
  const auto found = iq_.find(key(type, to, payload));
  return found == iq_.end() ? nullptr : &found->second;
}

const PreAuthHandler* Domain::find_before_authentication(Name payload) const {
  const auto found = before_authentication_.find(std::string(payload.ns) + ' ' + std::string(payload.local));
  return found == before_authentication_.end() ? nullptr : &found->second;
}

bool Domain::knows_payload(Name payload) const {
  const auto text = std::string(payload.ns) + ' ' + std::string(payload.local);
  return std::find(payloads_.begin(), payloads_.end(), text) != payloads_.end();
}

}  // namespace jackdaw
