// XEP-0030: Service Discovery. Says what the server and its accounts are and can do. Start reading at setup().
// SPDX-License-Identifier: Apache-2.0
#include "router/disco_answer.h"
#include "router/entitled.h"
#include "router/module.h"
#include "router/shard.h"
#include "settings/check_rows.h"
#include "settings/printable.h"

namespace jackdaw {
namespace {

constexpr Name info{"http://jabber.org/protocol/disco#info", "query"};
constexpr Name items{"http://jabber.org/protocol/disco#items", "query"};

constexpr Setting<StringList> disco_items{
    .name = "disco.items",
    .fallback = "",
    .scope = Scope::domain,
    .help = "Addresses of further services that clients find when they ask the domain, such as \"chat.example.org\"."};

Result<Done> read_items(const StringList& rows) {
  for (const auto& text : rows)
    if (!Jid::parse(text)) return Failure{printable(text) + " is not a valid address"};
  return Done{};
}
Result<Done> check_settings(const Settings& settings) { return check_rows(settings, disco_items, read_items); }

// XEP-0030 §3.2: the answer mirrors the node that was asked for.
Reply answer(Name query, const Element& asked, const std::string& inside) {
  std::string out = "<" + std::string(query.local) + " xmlns='" + std::string(query.ns) + '\'';
  if (asked.has_attribute("node")) out.append(" node='").append(escaped(asked.attribute("node"))).append("'");
  if (inside.empty()) return Reply::with(out + "/>");
  return Reply::with(out + '>' + inside + "</" + std::string(query.local) + '>');
}

class Discovery {
 public:
  explicit Discovery(Domain& domain) : domain_(domain) {}

  Task<Reply> domain_info(IqRequest iq) {
    const auto about = disco_info_of(domain_, To::domain);
    const std::string node = iq.payload().attribute("node");
    // XEP-0115 §6.2: the node of our own entity capabilities stands for the domain itself.
    if (!node.empty() && node != std::string(caps_node) + '#' + verification_string(about))
      co_return co_await node_of_others(std::move(iq));
    co_return answer(info, iq.payload(), xml_of(about));
  }

  Task<Reply> domain_items(IqRequest iq) {
    if (!iq.payload().attribute("node").empty()) co_return co_await node_of_others(std::move(iq));
    std::string inside;
    const auto add = [&](std::string_view jid) { inside.append("<item jid='").append(escaped(jid)).append("'/>"); };
    const auto components = domain_.shard().components().names();
    for (const auto& name : components) add(name);
    for (const auto& text : domain_.value(disco_items))
      if (const auto jid = Jid::parse(text); jid && std::ranges::find(components, jid->text()) == components.end())
        add(jid->text());
    co_return answer(items, iq.payload(), inside);
  }

  // XEP-0030 §8, RFC 6121 §8.5.2: who may not see the account's presence learns nothing, not even that it exists.
  Task<Reply> account_info(IqRequest iq) {
    if (!may_see_presence(domain_, iq)) co_return StanzaError{Condition::service_unavailable};
    if (!iq.payload().attribute("node").empty()) co_return StanzaError{Condition::item_not_found};
    co_return answer(info, iq.payload(), xml_of(disco_info_of(domain_, To::account)));
  }

  // A stranger gets what it gets for an account that does not exist. XEP-0030 §8 would have both answered with an empty
  // list, but RFC 6121 §8.5.1 knows service-unavailable only, and the two must not differ.
  Task<Reply> account_items(IqRequest iq) {
    if (!may_see_presence(domain_, iq)) co_return StanzaError{Condition::service_unavailable};
    if (!iq.payload().attribute("node").empty()) co_return StanzaError{Condition::item_not_found};
    co_return answer(items, iq.payload(), {});
  }

 private:
  // Nodes that other modules have.
  Task<Reply> node_of_others(IqRequest iq) {
    for (const auto& handler : domain_.disco_nodes())
      if (auto answered = co_await handler(iq)) co_return std::move(*answered);
    co_return StanzaError{Condition::item_not_found};
  }

  Domain& domain_;
};

void setup(Domain& domain) {
  auto& discovery = domain.keep<Discovery>(domain);
  domain.identity(To::domain, {"server", "im", "Jackdaw"});
  domain.identity(To::account, {"account", "registered", ""});
  for (To where : {To::domain, To::account}) {
    domain.feature(info.ns, where);
    domain.feature(items.ns, where);
  }
  domain.on_iq({Type::get, {To::domain}, info}, [&](IqRequest iq) { return discovery.domain_info(std::move(iq)); });
  domain.on_iq({Type::get, {To::domain}, items}, [&](IqRequest iq) { return discovery.domain_items(std::move(iq)); });
  domain.on_iq({Type::get, {To::account}, info}, [&](IqRequest iq) { return discovery.account_info(std::move(iq)); });
  domain.on_iq({Type::get, {To::account}, items}, [&](IqRequest iq) { return discovery.account_items(std::move(iq)); });
}

}  // namespace

extern const Module xep0030_disco{
    .name = "disco",
    .summary = "Says what the server and its accounts are and can do.",
    .implements = {{.xep = 30, .version = "2.5.0"}},
    .settings = rows(disco_items),
    .check_settings = check_settings,
    .setup = setup,
};

}  // namespace jackdaw
