// XEP-0356: Privileged Entity. Lets chosen components see and change rosters, speak for accounts, and see presence.
// Start reading at Permissions and Privileges.
// SPDX-License-Identifier: Apache-2.0
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

constexpr std::string_view privilege_ns = "urn:xmpp:privilege:2";
constexpr Name privilege{privilege_ns, "privilege"};
constexpr Name privileged_iq{privilege_ns, "privileged_iq"};
constexpr Name roster_query{"jabber:iq:roster", "query"};

const Metric acts{"jackdaw_privileged_acts", "Stanzas that components sent in the name of accounts or the server."};
const Metric acts_refused{"jackdaw_privileged_acts_refused", "The same, of components that may not."};

constexpr Setting<StringList> component_privileges{
    .name = "component.privileges",
    .scope = Scope::domain,
    .help =
        "Components that act for this domain's accounts (XEP-0356), each as \"NAME roster=get|set|both push=false "
        "message=outgoing presence=managed_entity|roster iq=get|set|both:NAMESPACE\"; only those you trust with "
        "everything."};

enum class Watched { nothing, accounts, contacts };  // whose presence

// XEP-0356 §4 to §7: of one component for one domain.
struct Permissions {
  struct Access {
    bool get = false, set = false;
  };
  Access roster;
  bool push = false, message = false;
  Watched presence = Watched::nothing;
  std::map<std::string, Access, std::less<>> iq;  // by namespace

  static Result<Permissions> read(const Grant& grant);
  std::string xml() const;
  bool operator==(const Permissions& other) const { return xml() == other.xml(); }
};

std::string_view word_of(Permissions::Access access) {
  if (access.get) return access.set ? "both" : "get";
  return access.set ? "set" : "none";
}

std::optional<Permissions::Access> access_of(std::string_view word) {
  if (word == "none") return Permissions::Access{};
  if (word == "both") return Permissions::Access{true, true};
  if (word == "get" || word == "set") return Permissions::Access{word == "get", word == "set"};
  return std::nullopt;
}

// One word of a row. False: it is none.
bool read_word(Permissions& p, std::string_view name, std::string_view value, std::optional<bool>& push) {
  if (name == "roster") {
    const auto access = access_of(value);
    if (access) p.roster = *access;
    return access.has_value();
  }
  if (name == "push" && (value == "true" || value == "false")) {
    push = value == "true";
    return true;
  }
  if (name == "message") return p.message = value == "outgoing", p.message || value == "none";
  if (name == "presence") {
    p.presence = value == "roster"           ? Watched::contacts
                 : value == "managed_entity" ? Watched::accounts
                                             : Watched::nothing;
    return p.presence != Watched::nothing || value == "none";
  }
  const auto colon = value.find(':');
  const auto access = name == "iq" && colon != value.npos ? access_of(value.substr(0, colon)) : std::nullopt;
  if (!access || colon + 1 == value.size()) return false;
  p.iq[std::string(value.substr(colon + 1))] = *access;
  return true;
}

Result<Permissions> Permissions::read(const Grant& grant) {
  Permissions p;
  std::optional<bool> push;
  for (const auto& [name, value] : grant.words)
    if (!read_word(p, name, value, push))
      return Failure{
          fmt::format("'{}={}': allowed: roster=none|get|set|both, push=true|false, message=none|outgoing, "
                      "presence=none|managed_entity|roster, iq=none|get|set|both:NAMESPACE",
                      name, value)};
  // XEP-0356 §4.2: true unless it is said otherwise; never without reading.
  p.push = p.roster.get && push.value_or(true);
  // XEP-0356 §7.2: the permission must be rejected.
  if (p.presence == Watched::contacts && !p.roster.get)
    return Failure{"presence=roster needs roster=get or roster=both"};
  return p;
}

// What the component is told of them (XEP-0356 §4.2, §5.1, §6.2, §7).
std::string Permissions::xml() const {
  std::string out = "<privilege xmlns='urn:xmpp:privilege:2'>";
  if (roster.get || roster.set)
    out.append("<perm access='roster' type='")
        .append(word_of(roster))
        .append(push ? "' push='true'/>" : "' push='false'/>");
  if (message) out += "<perm access='message' type='outgoing'/>";
  if (!iq.empty()) {
    out += "<perm access='iq'>";
    for (const auto& [ns, access] : iq)
      out.append("<namespace ns='" + escaped(ns) + "' type='").append(word_of(access)).append("'/>");
    out += "</perm>";
  }
  if (presence != Watched::nothing)
    out.append("<perm access='presence' type='")
        .append(presence == Watched::contacts ? "roster" : "managed_entity")
        .append("'/>");
  return out + "</privilege>";
}

using AllPermissions = std::map<std::string, Permissions, std::less<>>;  // by component

Result<AllPermissions> read_all(const StringList& rows) {
  AllPermissions all;
  for (const auto& row : rows) {
    const auto grant = parse_grant(row);
    if (!grant) return Failure{grant.failure()};
    const auto permissions = Permissions::read(*grant);
    if (!permissions) return Failure{grant->component + ": " + permissions.failure().what};
    if (!all.emplace(grant->component, *permissions).second) return Failure{grant->component + " is named twice"};
  }
  return all;
}

// What one domain's components may do. One on each core.
class Privileges {
 public:
  explicit Privileges(Domain& domain) : domain_(domain) { reread(); }

  void reread();
  void introduce(const std::string& component);
  Acting acting(const Stanza& stanza) const;
  void push_roster(Account& account, const std::string& payload);
  void show(const StanzaRef& presence);
  void see(Account& account, const StanzaRef& presence);
  MaybeFate speak(const StanzaRef& stanza, FateTicket ticket);
  Task<Reply> ask_for(IqRequest iq);

 private:
  const Permissions* permissions_of(JidView sender) const;
  bool is_connected(std::string_view component) const { return domain_.shard().components().has(component); }
  void send(const StanzaRef& presence, const std::string& component);
  void send_known_presence(const std::string& component, const Permissions& permissions);
  MaybeFate refuse(const StanzaRef& stanza, StanzaError error);

  Domain& domain_;
  AllPermissions all_;
  // Contacts' presence that a component has been told, so that it is told once: at most most_seen, then forgotten.
  std::map<std::string, std::size_t> seen_;  // a hash of the news, by whose it is
  static constexpr std::size_t most_seen = 100'000;
};

// The server was not started, or the settings kept, with rows that cannot be read.
void Privileges::reread() {
  auto read = read_all(domain_.value(component_privileges));
  AllPermissions before = std::exchange(all_, read ? std::move(*read) : AllPermissions{});
  for (const auto& [component, permissions] : all_) {
    const auto had = before.find(component);
    if (is_connected(component) && (had == before.end() || !(had->second == permissions))) introduce(component);
  }
}

// Only a component that is connected: nobody else can send from its name then.
const Permissions* Privileges::permissions_of(JidView sender) const {
  if (sender.has_localpart() || sender.is_full() || all_.empty()) return nullptr;
  const auto found = all_.find(sender.domainpart());
  return found == all_.end() || !is_connected(sender.domainpart()) ? nullptr : &found->second;
}

// XEP-0356 §4.2: once it is connected, by the core that is its home.
void Privileges::introduce(const std::string& component) {
  const auto found = all_.find(component);
  const auto to = BareJid::parse(component);
  if (found == all_.end() || !to) return;
  Shard& shard = domain_.shard();
  if (&shard.server().home(component) == &shard)
    domain_.router().route(Stanza::make({Kind::message, Type::normal, domain_.jid(), *to},
                                        "privileges-" + random_token(6), found->second.xml()));
  seen_.clear();
  send_known_presence(component, found->second);
}

// XEP-0356 §7.3: what it would have had if it had been there first.
void Privileges::send_known_presence(const std::string& component, const Permissions& permissions) {
  if (permissions.presence == Watched::nothing) return;
  std::vector<StanzaRef> known;
  std::map<std::string, BareJid> asked;  // contacts elsewhere, and who may ask
  domain_.router().each_account([&](Account& account) {
    if (account.jid().domainpart() != domain_.name() || !account.has_available()) return;
    for (const auto& resource : account.resources())
      if (resource.is_available()) known.push_back(resource.presence);
    if (permissions.presence != Watched::contacts || !domain_.contacts()) return;
    for (const auto& item : domain_.contacts()->items(account))
      if (item.seen_by_us() && item.jid.domainpart() != domain_.name()) asked.emplace(item.jid.text(), account.jid());
  });
  for (const auto& presence : known) send(presence, component);
  for (const auto& [contact, by] : asked)
    domain_.router().route(Stanza::make({Kind::presence, Type::probe, by, *BareJid::parse(contact)}, "", ""));
}

void Privileges::send(const StanzaRef& presence, const std::string& component) {
  domain_.router().route(presence->with(presence->from(), JidView::of_prepared(component)));
}

// XEP-0356 §4.3: a request about the roster is answered as the account's own.
Acting Privileges::acting(const Stanza& stanza) const {
  const Permissions* permissions = permissions_of(stanza.from());
  if (!permissions || stanza.first_child().name() != roster_query) return Acting::none;
  const bool may = stanza.type() == Type::get ? permissions->roster.get : permissions->roster.set;
  (may ? acts : acts_refused).add();
  return may ? Acting::allowed : Acting::forbidden;
}

// XEP-0356 §4.4.
void Privileges::push_roster(Account& account, const std::string& payload) {
  for (const auto& [component, permissions] : all_)
    if (permissions.push && is_connected(component))
      domain_.router().route(Stanza::make({Kind::iq, Type::set, account.jid(), JidView::of_prepared(component)},
                                          "push-" + random_token(6), payload));
}

// XEP-0356 §7.1: what comes first, and what goes.
void Privileges::show(const StanzaRef& presence) {
  for (const auto& [component, permissions] : all_)
    if (permissions.presence != Watched::nothing && is_connected(component)) send(presence, component);
}

// XEP-0356 §7.2, §7.3: of the contacts that the account sees; each news once on this core.
void Privileges::see(Account& account, const StanzaRef& presence) {
  const bool any = std::ranges::any_of(
      all_, [&](const auto& each) { return each.second.presence == Watched::contacts && is_connected(each.first); });
  if (!any || !domain_.contacts()) return;
  const RosterItem* contact = domain_.contacts()->find(account, BareJid{presence->from()});
  if (!contact || !contact->seen_by_us()) return;
  if (seen_.size() >= most_seen) seen_.clear();
  const std::hash<std::string_view> hash;
  const std::size_t news = hash(presence->payload()) * 2 + (presence->type() == Type::available ? 1 : 0);
  if (std::exchange(seen_[std::string(presence->from().text())], news) == news) return;
  for (const auto& [component, permissions] : all_)
    if (permissions.presence == Watched::contacts && is_connected(component)) send(presence, component);
}

MaybeFate Privileges::refuse(const StanzaRef& stanza, StanzaError error) {
  acts_refused.add();
  domain_.log().problem("a component may not speak for others",
                        {{"component", stanza->from().text()}, {"why", error.text}});
  return domain_.router().refuse(*stanza, error);
}

// XEP-0356 §5.2: a message in the name of the domain or of one of its accounts, without a resource.
MaybeFate Privileges::speak(const StanzaRef& stanza, FateTicket ticket) {
  const Permissions* permissions = permissions_of(stanza->from());
  // To others there is no such thing.
  if (!permissions) return domain_.router().refuse(*stanza, StanzaError{Condition::service_unavailable});
  if (!permissions->message) return refuse(stanza, {Condition::forbidden, "It has no permission for messages."});
  const StanzaRef inner = stanza_forwarded_in(stanza->first_child());
  if (!inner || inner->kind() != Kind::message || !inner->has_to())
    return refuse(stanza, {Condition::bad_request, "There is no message with a recipient in it."});
  if (inner->from().empty() || inner->from().is_full() || inner->from().domainpart() != domain_.name())
    return refuse(stanza, {Condition::forbidden, "The message's `from` is no bare address of this domain."});
  acts.add();
  return domain_.router().route(inner, ticket);
}

// XEP-0356 §6.3: a request in the name of the account, and its answer.
Task<Reply> Privileges::ask_for(IqRequest iq) {
  const auto forbid = [&](std::string why) {
    acts_refused.add();
    return StanzaError{Condition::forbidden, std::move(why)};
  };
  const Permissions* permissions = permissions_of(iq.from());
  // As where there is no such account.
  if (!permissions) co_return StanzaError{Condition::service_unavailable};
  const Element inside = iq.payload().first_child();
  if (!inside || !inside.is({client_ns, "iq"})) co_return forbid("There is no request of jabber:client in it.");
  const Element payload = inside.first_child();
  const auto type = type_of(Kind::iq, inside.attribute("type"));
  if (type != iq.type()) co_return forbid("The types of the two requests differ.");
  if (!payload || payload.next_sibling()) co_return StanzaError{Condition::bad_request};
  const auto access = permissions->iq.find(payload.ns());
  if (access == permissions->iq.end() || !(type == Type::get ? access->second.get : access->second.set))
    co_return forbid("No permission for that namespace and type.");
  const auto from = Jid::parse(inside.attribute("from"));
  if (inside.has_attribute("from") && (!from || from->text() != iq.account().text()))
    co_return forbid("The request's `from` is another address.");
  const std::string named = inside.attribute("to");
  const auto to = Jid::parse(named.empty() ? iq.account().text() : named);
  if (!to) co_return StanzaError{Condition::jid_malformed};
  acts.add();
  const std::string id = inside.attribute("id");
  const auto answer = co_await domain_.router().ask({Kind::iq, *type, iq.account(), *to}, payload.xml());
  if (!answer) co_return StanzaError{Condition::remote_server_timeout};
  const auto renamed = Stanza::make({Kind::iq, answer->type(), answer->from(), answer->to()}, id, answer->payload());
  co_return Reply::wrap(privilege, forwarded(*renamed));
}

Result<Done> check_settings(const Settings& settings) { return check_rows(settings, component_privileges, read_all); }

void setup(Domain& domain) {
  auto& privileges = domain.keep<Privileges>(domain);
  domain.shard().on_change([&] {
    if (domain.is_served()) privileges.reread();
  });
  domain.on_component([&](const std::string& component) { privileges.introduce(component); });
  domain.decide_acting([&](const Stanza& stanza) { return privileges.acting(stanza); });
  domain.on_roster_push(
      [&](Account& account, const std::string& payload) { privileges.push_roster(account, payload); });
  domain.on_presence_shown([&](const StanzaRef& presence) { privileges.show(presence); });
  domain.on_presence_seen([&](Account& account, const StanzaRef& presence) { privileges.see(account, presence); });
  domain.on_message_to_domain(privilege,
                              [&](const StanzaRef& s, FateTicket ticket) { return privileges.speak(s, ticket); });
  for (const Type type : {Type::get, Type::set})
    domain.on_iq({type, {To::account}, privileged_iq}, [&](IqRequest iq) { return privileges.ask_for(std::move(iq)); });
}

}  // namespace

extern const Module xep0356_privilege{
    .name = "privilege",
    .summary = "Lets chosen components see rosters and presence, and act for accounts.",
    .implements = {{.xep = 356,
                    .version = "0.4.1",
                    .status = Status::partial,
                    .note = "Contacts' presence may come once for each core."}},
    .settings = rows(component_privileges),
    .check_settings = check_settings,
    .setup = setup,
};

}  // namespace jackdaw
