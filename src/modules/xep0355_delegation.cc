// XEP-0355: Namespace Delegation, in its admin mode. Requests of chosen namespaces are answered by components, as if
// the server did. Start reading at Delegations::find(). SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <map>

#include "base/bytes.h"
#include "base/metrics.h"
#include "router/forwarded.h"
#include "router/grants.h"
#include "router/module.h"
#include "router/shard.h"
#include "settings/check_rows.h"

namespace jackdaw {
namespace {

constexpr std::string_view delegation_ns = "urn:xmpp:delegation:2";
constexpr Name delegation{delegation_ns, "delegation"};
constexpr Name disco_info{"http://jabber.org/protocol/disco#info", "query"};
constexpr Name disco_items{"http://jabber.org/protocol/disco#items", "query"};
// XEP-0355 §7.2.4, §7.2.5: discovery of accounts that the server does not know itself.
constexpr std::string_view any_info = "urn:xmpp:delegation:2:bare:disco#info:*";
constexpr std::string_view any_items = "urn:xmpp:delegation:2:bare:disco#items:*";

const Metric requests{"jackdaw_delegated_requests", "Requests given to components that answer for the server."};
const Metric requests_failed{"jackdaw_delegated_requests_failed", "The same, without a good answer."};

constexpr Setting<StringList> component_delegations{
    .name = "component.delegations",
    .scope = Scope::domain,
    .help =
        "Components that answer for this domain and its accounts (XEP-0355), each as \"NAME ns=NAMESPACE\" with any "
        "number of \"ns=\", and \"only=ATTRIBUTE\" behind one whose requests must have that attribute."};

struct Delegated {
  std::string component;
  std::vector<std::string> attributes;  // all of which a request must have
  bool operator==(const Delegated&) const = default;
};
using AllDelegated = std::map<std::string, Delegated, std::less<>>;  // by namespace

Result<AllDelegated> read_all(const StringList& rows) {
  AllDelegated all;
  for (const auto& row : rows) {
    const auto grant = parse_grant(row);
    if (!grant) return Failure{grant.failure()};
    Delegated* last = nullptr;
    for (const auto& [name, value] : grant->words) {
      if (name == "only" && last) {
        last->attributes.push_back(value);
        continue;
      }
      if (name != "ns")
        return Failure{fmt::format("{}: '{}={}': allowed: ns=NAMESPACE, only=ATTRIBUTE behind one", grant->component,
                                   name, value)};
      const auto [at, fresh] = all.emplace(value, Delegated{grant->component, {}});
      if (!fresh) return Failure{value + " is given away twice"};
      last = &at->second;
    }
    if (!last) return Failure{grant->component + ": no namespace is named"};
  }
  return all;
}

// What a component says of itself for a namespace.
struct Said {
  std::vector<Identity> identities;
  std::vector<std::string> features;
  std::vector<DiscoForm> forms;
};

DiscoForm read_form(const Element& x) {
  DiscoForm form;
  for (Element field = x.first_child(); field; field = field.next_sibling()) {
    if (field.local() != "field") continue;
    std::vector<std::string> values;
    for (Element value = field.first_child(); value; value = value.next_sibling())
      if (value.local() == "value") values.push_back(value.text());
    if (field.attribute("var") == "FORM_TYPE")
      form.type = values.empty() ? std::string{} : values.front();
    else
      form.fields.push_back({field.attribute("var"), std::move(values)});
  }
  return form;
}

Said read_said(const Element& query) {
  Said said;
  for (Element child = query.first_child(); child; child = child.next_sibling()) {
    if (child.is({disco_info.ns, "identity"}))
      said.identities.push_back({child.attribute("category"), child.attribute("type"), child.attribute("name")});
    if (child.is({disco_info.ns, "feature"})) said.features.push_back(child.attribute("var"));
    if (child.is({"jabber:x:data", "x"})) said.forms.push_back(read_form(child));
  }
  return said;
}

// What of one domain is given away. One on each core.
class Delegations {
 public:
  explicit Delegations(Domain& domain)
      : domain_(domain), forward_([this](IqRequest iq) { return forward(std::move(iq)); }) {
    reread();
  }

  void reread();
  void introduce(const std::string& component);
  // What answers instead of the server; null: the server itself.
  const IqHandler* find(const Stanza& stanza) const;
  void change_disco(To where, DiscoInfo& info) const;

 private:
  const AllDelegated::value_type* find_row(const Stanza& stanza) const;
  Task<Reply> forward(IqRequest iq);
  Task<void> learn(std::string component, std::string ns, To where);
  bool is_connected(std::string_view component) const { return domain_.shard().components().has(component); }

  Domain& domain_;
  const IqHandler forward_;
  AllDelegated all_;
  std::map<std::pair<std::string, To>, Said> said_;  // by namespace and by whom it is said of
};

void Delegations::reread() {
  auto read = read_all(domain_.value(component_delegations));
  const AllDelegated before = std::exchange(all_, read ? std::move(*read) : AllDelegated{});
  if (before == all_) return;
  std::erase_if(said_, [&](const auto& each) { return !all_.contains(each.first.first); });
  std::vector<std::string> told;
  for (const auto& [ns, delegated] : all_)
    if (is_connected(delegated.component) && std::ranges::find(told, delegated.component) == told.end())
      introduce(told.emplace_back(delegated.component));
}

// XEP-0355 §4.2: once it is connected, by the core that is its home.
void Delegations::introduce(const std::string& component) {
  std::string inside;
  for (const auto& [ns, delegated] : all_) {
    if (delegated.component != component) continue;
    inside += "<delegated namespace='" + escaped(ns) + "'>";
    for (const auto& attribute : delegated.attributes) inside += "<attribute name='" + escaped(attribute) + "'/>";
    inside += "</delegated>";
    for (const To where : {To::domain, To::account}) spawn(learn(component, ns, where));
  }
  Shard& shard = domain_.shard();
  if (inside.empty() || &shard.server().home(component) != &shard) return;
  const Reply told = Reply::wrap(delegation, inside);
  domain_.router().route(Stanza::make({Kind::message, Type::normal, domain_.jid(), JidView::of_prepared(component)},
                                      "delegations-" + random_token(6), told.payload()));
}

// XEP-0355 §7.2: what it can do for the namespace is said as the server's own.
Task<void> Delegations::learn(std::string component, std::string ns, To where) {
  if (ns == any_info || ns == any_items) co_return;
  const std::string node = std::string(delegation_ns) + (where == To::domain ? "::" : ":bare:") + ns;
  const auto answer = co_await domain_.router().ask(
      {Kind::iq, Type::get, domain_.jid(), JidView::of_prepared(component)},
      "<query xmlns='http://jabber.org/protocol/disco#info' node='" + escaped(node) + "'/>");
  const auto row = all_.find(ns);
  if (!answer || answer->type() != Type::result || row == all_.end() || row->second.component != component) co_return;
  said_[{ns, where}] = read_said(answer->first_child());
}

void Delegations::change_disco(To where, DiscoInfo& info) const {
  for (const auto& [ns, delegated] : all_) {
    const auto said = said_.find({ns, where});
    if (said == said_.end() || !is_connected(delegated.component)) continue;
    const std::string parts = ns + '#';
    std::erase_if(info.features, [&](const std::string& own) { return own == ns || own.starts_with(parts); });
    std::erase_if(info.forms, [&](const DiscoForm& own) { return own.type == ns || own.type.starts_with(parts); });
    for (const auto& feature : said->second.features)
      if (std::ranges::find(info.features, feature) == info.features.end()) info.features.push_back(feature);
    info.identities.insert(info.identities.end(), said->second.identities.begin(), said->second.identities.end());
    info.forms.insert(info.forms.end(), said->second.forms.begin(), said->second.forms.end());
  }
}

// XEP-0355 §4.3: a request to the domain or to a bare address of it; with the attributes that are wanted.
const AllDelegated::value_type* Delegations::find_row(const Stanza& stanza) const {
  const Element payload = stanza.first_child();
  auto row = all_.find(payload.ns());
  if (row == all_.end() && stanza.to().has_localpart() && stanza.type() == Type::get) {
    if (payload.name() == disco_info && !payload.attribute("node").empty()) row = all_.find(any_info);
    if (payload.name() == disco_items) row = all_.find(any_items);
  }
  if (row == all_.end()) return nullptr;
  const bool has_all =
      std::ranges::all_of(row->second.attributes, [&](const std::string& name) { return payload.has_attribute(name); });
  return has_all ? &*row : nullptr;
}

const IqHandler* Delegations::find(const Stanza& stanza) const {
  const auto* row = all_.empty() ? nullptr : find_row(stanza);
  // XEP-0355 §4.3.1: what the component asks itself is the server's to answer.
  return row && stanza.from().domainpart() != row->second.component ? &forward_ : nullptr;
}

// Whether the answer is one to the request (XEP-0355 §4.3).
bool fits(const Stanza& answer, const Stanza& request) {
  return answer.kind() == Kind::iq && answer.type() == Type::result &&
         unescaped(answer.raw_id()) == unescaped(request.raw_id()) && answer.to().text() == request.from().text() &&
         (answer.from().empty() || answer.from().text() == request.to().text());
}

Task<Reply> Delegations::forward(IqRequest iq) {
  const auto* row = find_row(iq.stanza());
  requests.add();
  if (row && is_connected(row->second.component)) {
    const std::string component = row->second.component;
    const auto answer =
        co_await domain_.router().ask({Kind::iq, Type::set, domain_.jid(), JidView::of_prepared(component)},
                                      Reply::wrap(delegation, forwarded(iq.stanza())).payload());
    const Element around = answer ? answer->child(delegation) : Element{};
    const StanzaRef inner = around ? stanza_forwarded_in(around) : nullptr;
    if (inner && fits(*inner, iq.stanza()))
      co_return inner->payload().empty() ? Reply::empty() : Reply::with(inner->first_child().xml());
    domain_.log().problem("a component does not answer as it should",
                          {{"component", component}, {"namespace", iq.payload().ns()}});
  }
  requests_failed.add();
  co_return StanzaError{Condition::service_unavailable};
}

Result<Done> check_settings(const Settings& settings) { return check_rows(settings, component_delegations, read_all); }

void setup(Domain& domain) {
  auto& delegations = domain.keep<Delegations>(domain);
  domain.feature(delegation_ns);
  domain.shard().on_change([&] {
    if (domain.is_served()) delegations.reread();
  });
  domain.on_component([&](const std::string& component) { delegations.introduce(component); });
  domain.delegate([&](const Stanza& stanza) { return delegations.find(stanza); });
  domain.on_disco([&](To where, DiscoInfo& info) { delegations.change_disco(where, info); });
}

}  // namespace

extern const Module xep0355_delegation{
    .name = "delegation",
    .summary = "Lets chosen components answer requests in the server's place.",
    .implements = {{.xep = 355, .version = "0.5", .status = Status::partial, .note = "Not its client mode."}},
    .settings = rows(component_delegations),
    .check_settings = check_settings,
    .setup = setup,
};

}  // namespace jackdaw
