// The roster (RFC 6121 §2): get, set, remove, pushes, versions. Also what delivery and the presence rules know of
// contacts (router/contacts.h). Start reading at Roster::get().
//
// Stored in map "roster": the key is the contact's bare JID, the value fields separated by U+001F, which no XML has;
// under the empty key stands the version: what this account's versions begin with, and a number.
// SPDX-License-Identifier: Apache-2.0
#include <map>

#include "base/bytes.h"
#include "router/entitled.h"
#include "router/module.h"
#include "router/roster_item.h"
#include "router/router.h"

namespace jackdaw {
namespace {

constexpr Name query{"jabber:iq:roster", "query"};
constexpr std::size_t longest_name = 1023;
constexpr std::size_t most_groups = 50;

constexpr Setting<std::int64_t> max_items{.name = "roster.max_items",
                                          .fallback = 2000,
                                          .min = 1,
                                          .max = 100'000,
                                          .scope = Scope::domain,
                                          .help = "So many contacts an account may have; a further one is refused."};

struct RosterPart final : AccountPart {
  std::map<std::string, RosterItem> items;  // by bare JID; at most roster.max_items and as many waiting requests
  std::string epoch;
  std::int64_t version = 0;
  std::string version_text() const { return epoch + '-' + std::to_string(version); }
};

class Roster final : public Contacts {
 public:
  explicit Roster(Domain& domain) : domain_(domain) {}

  Task<Reply> get(IqRequest iq);
  Task<Reply> set(IqRequest iq);

  Task<Result<Done>> load(Account& account) override;
  const RosterItem* find(Account& account, const BareJid& contact) override;
  std::vector<RosterItem> items(Account& account) override;
  void change(Account& account, RosterItem item, std::function<void(bool)> done) override;
  bool is_full(Account& account) override;

 private:
  static RosterPart& part(Account& account) {
    static const std::size_t slot = Account::new_slot();
    return account.part<RosterPart>(slot);
  }
  Task<Reply> remove(Account& account, BareJid contact);
  Task<bool> changed(Account& account, RosterItem item);
  struct Change {
    RosterItem item;
    std::optional<RosterItem> before;
    std::string version;
    std::function<void(bool)> done;
    bool is_visible() const;
  };
  Task<void> write(std::shared_ptr<Account> account, Change change);
  void push(Account& account, const Change& change);

  Domain& domain_;
};

Task<Result<Done>> Roster::load(Account& account) {
  auto rows = co_await domain_.store().map("roster").all(account.jid());
  if (!rows) co_return rows.failure();
  RosterPart& roster = part(account);
  for (const auto& [key, value] : *rows) {
    if (key.empty()) {
      const auto dash = value.find('-');
      roster.epoch = value.substr(0, dash);
      roster.version = dash == value.npos ? 0 : std::atoll(value.c_str() + dash + 1);
    } else if (auto item = roster_item_of(key, value)) {
      roster.items.emplace(key, std::move(*item));
    }
  }
  if (roster.epoch.empty()) roster.epoch = random_token(4);
  co_return Done{};
}

const RosterItem* Roster::find(Account& account, const BareJid& contact) {
  auto& items = part(account).items;
  const auto found = items.find(contact.text());
  return found == items.end() ? nullptr : &found->second;
}

std::vector<RosterItem> Roster::items(Account& account) {
  std::vector<RosterItem> all;
  for (const auto& [jid, item] : part(account).items) all.push_back(item);
  return all;
}

bool Roster::is_full(Account& account) {
  return static_cast<std::int64_t>(part(account).items.size()) >= domain_.value(max_items);
}

// Whether a client sees a difference: requests that wait for the user are no part of the roster (RFC 6121 §3.1.3).
bool Roster::Change::is_visible() const {
  const bool was = before && before->in_roster;
  if (was != item.in_roster) return true;
  return was && item_xml(*before) != item_xml(item);
}

void Roster::change(Account& account, RosterItem item, std::function<void(bool)> done) {
  RosterPart& roster = part(account);
  const auto found = roster.items.find(item.jid.text());
  Change change{.item = std::move(item), .done = std::move(done)};
  if (found != roster.items.end()) change.before = found->second;
  if (change.item.is_idle())
    roster.items.erase(change.item.jid.text());
  else
    roster.items.insert_or_assign(change.item.jid.text(), change.item);
  if (change.is_visible()) ++roster.version;
  change.version = roster.version_text();
  spawn(write(account.hold(), std::move(change)));
}

// Durable before it is pushed or answered. A failed write takes the change back.
Task<void> Roster::write(std::shared_ptr<Account> account, Change change) {
  const RosterItem& item = change.item;
  if (account->removed) co_return change.done(false);
  Batch batch{account->jid()};
  batch.set("roster", item.jid.text(), item.is_idle() ? std::nullopt : std::optional(stored_form(item)));
  batch.set("roster", "", change.version);
  const auto stored = co_await domain_.store().write(std::move(batch));
  if (!stored) {
    domain_.log().failure("a roster change is lost",
                          {{"account", account->jid().text()}, {"why", stored.failure().what}});
    RosterPart& roster = part(*account);
    if (roster.version_text() == change.version) {
      if (change.before)
        roster.items.insert_or_assign(item.jid.text(), *change.before);
      else
        roster.items.erase(item.jid.text());
    }
    co_return change.done(false);
  }
  if (change.is_visible()) push(*account, change);
  change.done(true);
}

Task<bool> Roster::changed(Account& account, RosterItem item) {
  Later<bool> stored;
  change(account, std::move(item), [&stored](bool good) { stored.set(good); });
  co_return co_await stored;
}

// RFC 6121 §2.1.6: to every resource that has asked for the roster.
void Roster::push(Account& account, const Change& change) {
  std::string payload = "<query xmlns='jabber:iq:roster' ver='" + change.version + "'>";
  payload += change.item.in_roster ? item_xml(change.item) : removed_item_xml(change.item);
  payload += "</query>";
  for (auto& resource : account.resources()) {
    if (!resource.interested) continue;
    const Jid& to = resource.session->jid();
    resource.session->deliver(
        Stanza::make({Kind::iq, Type::set, account.jid(), to}, "push-" + random_token(6), payload));
  }
  for (const auto& told : domain_.roster_push_watchers()) told(account, payload);
}

// RFC 6121 §2.1.3, §2.6.
Task<Reply> Roster::get(IqRequest iq) {
  Account* account = domain_.router().find_awake(iq.account().text());
  if (!account) co_return StanzaError{Condition::item_not_found};
  if (Resource* resource = is_own(iq) ? account->find(iq.from().resourcepart()) : nullptr) resource->interested = true;
  const RosterPart& roster = part(*account);
  const Element asked = iq.payload();
  if (asked.has_attribute("ver") && asked.attribute("ver") == roster.version_text()) co_return Reply::empty();
  std::string out = "<query xmlns='jabber:iq:roster'";
  if (asked.has_attribute("ver")) out += " ver='" + roster.version_text() + "'";
  out += '>';
  for (const auto& [jid, item] : roster.items)
    if (item.in_roster) out += item_xml(item);
  co_return Reply::with(out + "</query>");
}

// What a client may set of an item: its name and groups (RFC 6121 §2.3.2, errors §2.3.3).
std::optional<StanzaError> read_item(const Element& element, RosterItem& item) {
  item.name = element.attribute("name");
  item.groups.clear();
  if (item.name.size() > longest_name) return StanzaError{Condition::not_acceptable, "The name is too long."};
  for (Element group = element.first_child(); group; group = group.next_sibling()) {
    if (!group.is({query.ns, "group"})) continue;
    const std::string name = group.text();
    if (name.empty() || name.size() > longest_name)
      return StanzaError{Condition::not_acceptable, "A group needs a name of at most 1023 bytes."};
    if (std::find(item.groups.begin(), item.groups.end(), name) != item.groups.end())
      return StanzaError{Condition::bad_request, "A group is named twice."};
    item.groups.push_back(name);
  }
  if (item.groups.size() > most_groups) return StanzaError{Condition::not_acceptable, "There are too many groups."};
  return std::nullopt;
}

Task<Reply> Roster::set(IqRequest iq) {
  const Element element = iq.payload().first_child();
  if (!element.is({query.ns, "item"}) || element.next_sibling())
    co_return StanzaError{Condition::bad_request, "A roster set has exactly one item."};
  const auto jid = Jid::parse(element.attribute("jid"));
  if (!jid) co_return StanzaError{Condition::jid_malformed};
  const BareJid contact = jid->bare();
  Account* account = domain_.router().find_awake(iq.account().text());
  if (!account) co_return StanzaError{Condition::item_not_found};
  const auto held = account->hold();
  if (contact == account->jid()) co_return StanzaError{Condition::not_allowed, "You are not your own contact."};
  if (element.raw_attribute("subscription") == "remove") co_return co_await remove(*account, contact);
  const RosterItem* there = find(*account, contact);
  RosterItem item = there ? *there : RosterItem{.jid = contact};
  if (auto refused = read_item(element, item)) co_return *refused;
  if (!there && is_full(*account)) co_return StanzaError{Condition::resource_constraint, "The roster is full."};
  item.in_roster = true;
  if (!co_await changed(*account, std::move(item))) co_return StanzaError{Condition::internal_server_error};
  co_return Reply::empty();
}

// RFC 6121 §2.5: the contact is told what ends with it.
Task<Reply> Roster::remove(Account& account, BareJid contact) {
  const RosterItem* there = find(account, contact);
  if (!there || !there->in_roster)
    co_return StanzaError{Condition::item_not_found, "That contact is not in your roster."};
  const RosterItem item = *there;
  const auto send = [&](JidView from, Type type) {
    domain_.router().route(Stanza::make({Kind::presence, type, from, contact}, "", ""));
  };
  for (const auto& resource : account.resources())
    if (item.sees_us() && resource.is_available()) send(resource.session->jid(), Type::unavailable);
  if (item.seen_by_us() || item.ask) send(account.jid(), Type::unsubscribe);
  if (item.sees_us() || !item.pending_in.empty()) send(account.jid(), Type::unsubscribed);
  if (!co_await changed(account, RosterItem{.jid = contact, .in_roster = false}))
    co_return StanzaError{Condition::internal_server_error};
  co_return Reply::empty();
}

// RFC 6121 §2.1.5, §2.3.3: nobody else's roster. To a stranger there is not even an account (§8.5.1).
Task<Reply> refuse(Domain& domain, IqRequest iq) {
  co_return StanzaError{may_see_presence(domain, iq) ? Condition::forbidden : Condition::service_unavailable};
}

void setup(Domain& domain) {
  auto& roster = domain.keep<Roster>(domain);
  domain.provide(static_cast<Contacts&>(roster));
  domain.feature(query.ns);
  domain.feature(query.ns, To::account);
  domain.on_stream_feature({StreamFeature::When::after_authentication,
                            [](Domain&) { return std::string("<ver xmlns='urn:xmpp:features:rosterver'/>"); }});
  domain.on_iq({Type::get, {To::own_account}, query}, [&](IqRequest iq) { return roster.get(std::move(iq)); });
  domain.on_iq({Type::set, {To::own_account}, query}, [&](IqRequest iq) { return roster.set(std::move(iq)); });
  const auto refuse_others = [&](IqRequest iq) { return refuse(domain, std::move(iq)); };
  domain.on_iq({Type::get, {To::account}, query}, refuse_others);
  domain.on_iq({Type::set, {To::account}, query}, refuse_others);
}

}  // namespace

extern const Module roster;
const Module roster{
    .name = "roster",
    .summary = "Keeps each account's contact list and its versions (RFC 6121 §2).",
    .implements = {{.xep = 237, .version = "1.3"}},
    .settings = rows(max_items),
    .setup = setup,
};

}  // namespace jackdaw
