// Domain: one domain this server answers for, on one core: its handlers, features, store and settings.
//
// Modules register in setup() and never unregister: a domain that is deleted takes all of it along.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/log.h"
#include "base/task.h"
#include "router/contacts.h"
#include "settings/settings.h"
#include "stanza/stanza.h"
#include "store/store.h"
#include "xml/name.h"

namespace jackdaw {

class Domain;
class Router;
class Shard;

// Which addresses of the domain a handler answers for.
enum class To { domain, account, own_account };

// The answer to an iq request.
class Reply {
 public:
  Reply(StanzaError error) : state_(std::move(error)) {}
  static Reply empty() { return Reply{std::string{}}; }
  // `payload` is ready XML.
  static Reply with(std::string payload) { return Reply{std::move(payload)}; }
  // `inside` in an element of that name.
  static Reply wrap(Name name, std::string_view inside);

  const StanzaError* error() const { return std::get_if<StanzaError>(&state_); }
  const std::string& payload() const { return std::get<std::string>(state_); }

 private:
  explicit Reply(std::string payload) : state_(std::move(payload)) {}
  std::variant<std::string, StanzaError> state_;
};

// An iq get or set that this server answers. Cheap to copy; keeps its stanza alive.
class IqRequest {
 public:
  IqRequest(StanzaRef stanza, BareJid account) : stanza_(std::move(stanza)), account_(std::move(account)) {}
  const Stanza& stanza() const { return *stanza_; }
  JidView from() const { return stanza_->from(); }
  BareJid from_bare() const { return BareJid{stanza_->from()}; }
  JidView to() const { return stanza_->to(); }
  Type type() const { return stanza_->type(); }
  Element payload() const { return stanza_->first_child(); }
  // The account it was sent to; empty when it was sent to the domain.
  const BareJid& account() const { return account_; }

 private:
  StanzaRef stanza_;
  BareJid account_;
};

// What answers; a lambda that calls a member function, so that none is a capturing coroutine itself.
using IqHandler = std::function<Task<Reply>(IqRequest)>;
// Whether an account's client may be asked that: an error, or nothing.
using QueryGuard = std::function<std::optional<StanzaError>(Account&, const Stanza&)>;

struct IqSelector {
  Type type;
  std::vector<To> to;
  Name payload;
};

// Order among modules. guard may refuse, change may replace, handle may take over, observe only looks.
enum class Phase { guard, change, observe };

// One message, presence or iq on its way to a local account.
class Delivery {
 public:
  Delivery(StanzaRef stanza, Account& account) : stanza_(std::move(stanza)), account_(account) {}
  const StanzaRef& stanza() const { return stanza_; }
  Account& account() { return account_; }
  void replace(StanzaRef stanza) { stanza_ = std::move(stanza); }

 private:
  StanzaRef stanza_;
  Account& account_;
};

// Empty: go on. An error: the stanza is refused with it.
using Verdict = std::optional<StanzaError>;
using MessageHook = std::function<Verdict(Delivery&)>;
// A presence of one of the domain's own users, or to one of its accounts. True: taken care of.
using PresenceHandler = std::function<MaybeFate(Account&, const StanzaRef&, FateTicket)>;

// A message to the domain itself.
using MessageHandler = std::function<MaybeFate(const StanzaRef&, FateTicket)>;
// Whether somebody's request to an account is answered as one of the account's own (XEP-0356 §4). none: as anybody's.
enum class Acting { none, allowed, forbidden };

// What a module offers in the stream features, by state of the stream.
struct StreamFeature {
  enum class When { before_authentication, after_authentication } when;
  std::function<std::string(Domain&)> xml;
};

// What answers disco#info and disco#items for nodes of its own; nothing: the node is another's.
using NodeHandler = std::function<Task<std::optional<Reply>>(IqRequest)>;

// An iq that a client may send before it has authenticated (XEP-0077 §3.1). The JID is empty.
using PreAuthHandler = std::function<Task<Reply>(IqRequest, std::string address)>;

struct HandlerDescription {
  std::string stanza, address, payload, phase, module;
};

struct Identity {
  std::string category, type, name;
};

// A form that belongs to a domain's disco#info (XEP-0128). Without fields it is left out.
struct DiscoForm {
  struct Field {
    std::string name;
    std::vector<std::string> values;
  };
  std::string type;  // its FORM_TYPE
  std::vector<Field> fields;
};

// What disco#info says of the domain, or of each of its accounts.
struct DiscoInfo {
  std::vector<Identity> identities;
  std::vector<std::string> features;
  std::vector<DiscoForm> forms;
};

class Domain {
 public:
  Domain(std::string name, Shard& shard);
  ~Domain();
  Domain(const Domain&) = delete;

  const std::string& name() const { return name_; }
  BareJid jid() const { return jid_; }
  Shard& shard() { return shard_; }
  // False once it was deleted: it is kept for what is under way.
  bool is_served() const;
  Router& router();
  Store& store();
  TimePoint now() const;
  const Log& log() const { return log_; }
  template <class T>
  T value(const Setting<T>& setting) const {
    return settings().value(setting, name_);
  }
  const Settings& settings() const;

  // For modules, in setup().
  void feature(std::string_view ns, To where = To::domain);
  void identity(To where, Identity identity);
  void on_iq(IqSelector selector, IqHandler handler);
  // Asked about a get with that payload before it is forwarded to a client, or refused because there is none.
  void guard_query(Name payload, QueryGuard guard);
  void on_message(Phase phase, MessageHook hook);
  void on_presence_out(PresenceHandler handler) {
    presence_out_ = std::move(handler);
    note("presence", "own", "", "handle");
  }
  void on_presence_in(PresenceHandler handler) {
    presence_in_ = std::move(handler);
    note("presence", "account", "", "handle");
  }
  void on_subscription_out(PresenceHandler handler) {
    subscription_out_ = std::move(handler);
    note("subscription", "own", "", "handle");
  }
  void on_subscription_in(PresenceHandler handler) {
    subscription_in_ = std::move(handler);
    note("subscription", "account", "", "handle");
  }
  // Called when a resource becomes unavailable, with the status it gave.
  void on_unavailable(std::function<void(Account&, std::string)> told) { unavailable_.push_back(std::move(told)); }
  // More about the domain for disco#info (XEP-0128).
  void disco_form(std::function<DiscoForm(Domain&)> form) { disco_forms_.push_back(std::move(form)); }
  void on_message_to_domain(Name payload, MessageHandler handler);
  // A component has come; called on each core.
  void on_component(std::function<void(const std::string& name)> told) { component_.push_back(std::move(told)); }
  // Called on the home core with the payload of each roster push.
  void on_roster_push(std::function<void(Account&, const std::string&)> told) {
    roster_push_.push_back(std::move(told));
  }
  // Called on the home core when one of the account's resources has come or gone, with what it told its contacts.
  void on_presence_shown(std::function<void(const StanzaRef&)> told) { presence_shown_.push_back(std::move(told)); }
  // Called on the home core with presence that comes or goes of others, sent to one of the accounts.
  void on_presence_seen(std::function<void(Account&, const StanzaRef&)> told) {
    presence_seen_.push_back(std::move(told));
  }
  // One module decides about requests of others in an account's name, one who else may answer a request.
  void decide_acting(std::function<Acting(const Stanza&)> decide) { acting_ = std::move(decide); }
  void delegate(std::function<const IqHandler*(const Stanza&)> find) { delegate_ = std::move(find); }
  // Called with what the domain or its accounts are about to say of themselves.
  void on_disco(std::function<void(To, DiscoInfo&)> change) { disco_.push_back(std::move(change)); }
  void on_disco_node(NodeHandler handler) { disco_nodes_.push_back(std::move(handler)); }
  void on_stream_feature(StreamFeature feature) { stream_features_.push_back(std::move(feature)); }
  void on_iq_before_authentication(Name payload, PreAuthHandler handler);
  // Called on the home core when an account is being removed: whatever must be told to others.
  void on_account_removed(std::function<Task<void>(BareJid)> told) { removed_.push_back(std::move(told)); }
  template <class T, class... Args>
  T& keep(Args&&... args) {
    auto made = std::make_shared<T>(std::forward<Args>(args)...);
    T& kept = *made;
    kept_.push_back(std::move(made));
    return kept;
  }
  void provide(Contacts& contacts) { contacts_ = &contacts; }
  void provide(Offline& offline) { offline_ = &offline; }
  void provide(Presences& presences) { presences_ = &presences; }

  // For the router and the streams.
  const IqHandler* find_iq(Type type, To to, Name payload) const;
  const QueryGuard* find_guard(Name payload) const;
  const PreAuthHandler* find_before_authentication(Name payload) const;
  const MessageHandler* find_message(Name payload) const;
  const IqHandler* find_delegate(const Stanza& stanza) const { return delegate_ ? delegate_(stanza) : nullptr; }
  Acting acting(const Stanza& stanza) const { return acting_ ? acting_(stanza) : Acting::none; }
  const std::vector<std::function<void(const std::string&)>>& component_watchers() const { return component_; }
  const auto& roster_push_watchers() const { return roster_push_; }
  const auto& presence_shown_watchers() const { return presence_shown_; }
  const auto& presence_seen_watchers() const { return presence_seen_; }
  const std::vector<NodeHandler>& disco_nodes() const { return disco_nodes_; }
  const auto& disco_changes() const { return disco_; }
  bool knows_payload(Name payload) const;
  const std::vector<MessageHook>& hooks(Phase phase) const { return hooks_[static_cast<std::size_t>(phase)]; }
  const PresenceHandler& presence_out() const { return presence_out_; }
  const PresenceHandler& presence_in() const { return presence_in_; }
  const PresenceHandler& subscription_out() const { return subscription_out_; }
  const PresenceHandler& subscription_in() const { return subscription_in_; }
  const std::vector<std::function<Task<void>(BareJid)>>& removal_watchers() const { return removed_; }
  const std::vector<StreamFeature>& stream_features() const { return stream_features_; }
  const std::vector<std::function<void(Account&, std::string)>>& unavailable_watchers() const { return unavailable_; }
  const std::vector<std::function<DiscoForm(Domain&)>>& disco_forms() const { return disco_forms_; }
  Contacts* contacts() const { return contacts_; }
  Offline* offline() const { return offline_; }
  Presences* presences() const { return presences_; }
  const std::vector<std::string>& features(To where) const { return features_[where == To::domain ? 0 : 1]; }
  const std::vector<Identity>& identities(To where) const { return identities_[where == To::domain ? 0 : 1]; }
  const std::vector<HandlerDescription>& handlers() const { return descriptions_; }

  // Set while a module's setup runs.
  std::string_view module_in_setup;

 private:
  void note(std::string_view stanza, std::string_view address, std::string payload, std::string_view phase);
  static std::string key(Type type, To to, Name payload);

  std::string name_;
  BareJid jid_;
  Shard& shard_;
  Log log_;
  std::vector<std::shared_ptr<void>> kept_;
  std::unordered_map<std::string, IqHandler> iq_;
  std::vector<std::pair<Name, QueryGuard>> query_guards_;
  std::unordered_map<std::string, PreAuthHandler> before_authentication_;
  std::vector<std::string> payloads_;
  std::vector<MessageHook> hooks_[3];
  PresenceHandler presence_out_, presence_in_, subscription_out_, subscription_in_;
  std::vector<std::pair<Name, MessageHandler>> domain_messages_;
  std::vector<std::function<void(const std::string&)>> component_;
  std::vector<std::function<void(Account&, const std::string&)>> roster_push_;
  std::vector<std::function<void(const StanzaRef&)>> presence_shown_;
  std::vector<std::function<void(Account&, const StanzaRef&)>> presence_seen_;
  std::function<Acting(const Stanza&)> acting_;
  std::function<const IqHandler*(const Stanza&)> delegate_;
  std::vector<std::function<void(To, DiscoInfo&)>> disco_;
  std::vector<NodeHandler> disco_nodes_;
  std::vector<StreamFeature> stream_features_;
  std::vector<std::function<Task<void>(BareJid)>> removed_;
  std::vector<std::function<void(Account&, std::string)>> unavailable_;
  std::vector<std::function<DiscoForm(Domain&)>> disco_forms_;
  std::vector<std::string> features_[2];
  std::vector<Identity> identities_[2];
  std::vector<HandlerDescription> descriptions_;
  Contacts* contacts_ = nullptr;
  Offline* offline_ = nullptr;
  Presences* presences_ = nullptr;
};

}  // namespace jackdaw
