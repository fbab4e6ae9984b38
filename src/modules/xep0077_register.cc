// XEP-0077: In-Band Registration. Makes an account before log-in; changes the password of one's own account and removes
// it. Start reading at Registration.
// SPDX-License-Identifier: Apache-2.0
#include "net/address.h"
#include "router/module.h"
#include "router/provision.h"
#include "router/run_at.h"
#include "router/sign_up_limit.h"

namespace jackdaw {
namespace {

constexpr Name query{"jabber:iq:register", "query"};
constexpr Name username{query.ns, "username"};
constexpr Name password{query.ns, "password"};
constexpr Name removal{query.ns, "remove"};

constexpr Setting<bool> registration_auto_signup{
    .name = "registration.auto_signup",
    .fallback = false,
    .scope = Scope::domain,
    .help = "Let anybody make an account over XMPP. Open servers are found and used by spammers."};
constexpr Setting<bool> registration_password_change{
    .name = "registration.password_change",
    .fallback = false,
    .scope = Scope::domain,
    .help = "Let users change the password of their own account over XMPP."};
constexpr Setting<bool> registration_removal{
    .name = "registration.removal",
    .fallback = true,
    .scope = Scope::domain,
    .help = "Let users remove their own account, and all that is stored for it, over XMPP."};
constexpr Setting<std::int64_t> registration_per_address_hour{
    .name = "registration.per_address_hour",
    .fallback = 5,
    .min = 0,
    .max = 1'000'000,
    .scope = Scope::domain,
    .help = "So often an hour may one address (IPv6: one /64) ask for a new account; 0: no limit."};

StanzaError error_of(Provisioned outcome) {
  const std::string text{text_of(outcome)};
  switch (outcome) {
    // XEP-0077 §3.1.1: a conflict when the name is taken.
    case Provisioned::exists:
    case Provisioned::looks_alike:
    case Provisioned::removed_recently:
      return {Condition::conflict, text};
    case Provisioned::mixed_scripts:
    case Provisioned::bad_name:
    case Provisioned::bad_password:
      return {Condition::not_acceptable, text};
    case Provisioned::not_there:
      return {Condition::registration_required, text};
    case Provisioned::busy:
      return {Condition::resource_constraint, text};
    case Provisioned::no_such_domain:
      return {Condition::service_unavailable, text};
    case Provisioned::done:
    case Provisioned::failed:
      break;
  }
  return {Condition::internal_server_error, text};
}

// XEP-0086 §2, table 1.
int old_code_of(Condition condition) {
  switch (condition) {
    case Condition::bad_request:
    case Condition::unexpected_request:
      return 400;
    case Condition::forbidden:
      return 403;
    case Condition::not_allowed:
      return 405;
    case Condition::not_acceptable:
      return 406;
    case Condition::registration_required:
      return 407;
    case Condition::conflict:
      return 409;
    case Condition::service_unavailable:
      return 503;
    default:
      return 500;
  }
}

// XEP-0077 §9: errors in the old style and in the new one.
Task<Reply> in_both_styles(Task<Reply> answering) {
  Reply reply = co_await std::move(answering);
  if (!reply.error()) co_return reply;
  StanzaError error = *reply.error();
  error.code = old_code_of(error.condition);
  co_return error;
}

Reply reply_of(Provisioned outcome) {
  if (outcome == Provisioned::done) return Reply::empty();
  return error_of(outcome);
}

class Registration {
 public:
  explicit Registration(Domain& domain) : domain_(domain) {}

  // Before log-in, on the core where the connection is; sign-up itself happens on the core that counts for its address.
  Task<Reply> stranger_asks(IqRequest iq, std::string address) {
    if (!domain_.value(registration_auto_signup)) co_return refusal_of_sign_up(iq);
    if (iq.type() == Type::get) co_return Reply::wrap(query, fields);
    // XEP-0077 §3.2, table 1: there is no account to be removed.
    if (iq.payload().child(removal)) co_return StanzaError{Condition::unexpected_request, "Log in first."};
    std::string group = address_group(address);
    Server& server = domain_.shard().server();
    Shard& counting = *server.shards[server.home_of(group)];
    const std::string domain = domain_.name();
    if (&counting == &domain_.shard()) co_return co_await sign_up(std::move(iq), std::move(group));
    co_return co_await run_at<Reply>(
        counting, [&counting, domain, iq, address] { return ask_there(counting, domain, iq, address); });
  }

  Task<Reply> get(IqRequest iq) {
    // Only who has an account here is registered here; a stranger from elsewhere cannot sign up (XEP-0077 §3.1.1).
    if (!is_users(iq)) co_return StanzaError{Condition::service_unavailable};
    co_return Reply::wrap(query, "<registered/><username>" + escaped(iq.from().localpart()) + "</username><password/>");
  }

  Task<Reply> set(IqRequest iq) {
    const Element asked = iq.payload();
    if (!is_users(iq))
      co_return StanzaError{asked.child(removal) ? Condition::registration_required : Condition::not_allowed};
    if (asked.child(removal)) co_return co_await remove(std::move(iq));
    co_return co_await change(std::move(iq));
  }

 private:
  static constexpr std::string_view fields =
      "<instructions>Choose a user name and a password for your new account.</instructions><username/><password/>";

  // The same request on another core, where the Domain and this are other objects.
  static Task<Reply> ask_there(Shard& shard, std::string name, IqRequest iq, std::string address) {
    Domain* domain = shard.domain(name);
    const PreAuthHandler* handler = domain ? domain->find_before_authentication(query) : nullptr;
    if (!handler) co_return StanzaError{Condition::service_unavailable};
    co_return co_await (*handler)(std::move(iq), std::move(address));
  }

  Task<Reply> sign_up(IqRequest iq, std::string group) {
    const std::string name = iq.payload().child(username).text(), secret = iq.payload().child(password).text();
    // XEP-0077 §3.1: all fields are required, and an empty password is none.
    if (name.empty() || secret.empty())
      co_return StanzaError{Condition::not_acceptable, "A user name and a password are needed."};
    const auto local = prepare_localpart(name);
    const auto jid = local ? BareJid::parse(*local + '@' + domain_.name()) : std::nullopt;
    if (!jid) co_return error_of(Provisioned::bad_name);
    if (!limit_.admit(group, domain_.value(registration_per_address_hour), domain_.shard().core().now())) {
      domain_.log().problem("sign-up refused, too many from one address", {{"address", group}});
      co_return StanzaError{Condition::resource_constraint, "Too many accounts were asked for from your address."};
    }
    NewAccount wanted{.jid = *jid, .password = secret, .share = group};
    const Provisioned outcome = co_await create_account(domain_.shard(), std::move(wanted));
    domain_.log().info("sign-up", {{"jid", jid->text()}, {"address", group}, {"outcome", text_of(outcome)}});
    co_return reply_of(outcome);
  }

  // XEP-0077 §3.1.1: service-unavailable tells that there is no registration here.
  static Reply refusal_of_sign_up(const IqRequest& iq) {
    if (iq.type() == Type::get) return StanzaError{Condition::service_unavailable};
    return StanzaError{Condition::not_allowed, "New accounts are made by the administrator."};
  }

  bool is_users(const IqRequest& iq) const {
    return iq.from().has_localpart() && iq.from().domainpart() == domain_.name();
  }

  // XEP-0077 §3.2.
  Task<Reply> remove(IqRequest iq) {
    if (iq.payload().count_children() != 1) co_return StanzaError{Condition::bad_request, "<remove/> stands alone."};
    if (!domain_.value(registration_removal))
      co_return StanzaError{Condition::not_allowed, "Accounts are removed by the administrator."};
    co_return reply_of(co_await remove_account(domain_.shard(), iq.from_bare()));
  }

  // XEP-0077 §3.3. That the stream is encrypted is auth.require_tls's to demand.
  Task<Reply> change(IqRequest iq) {
    if (!domain_.value(registration_password_change))
      co_return StanzaError{Condition::not_allowed, "Passwords are changed by the administrator."};
    const std::string name = iq.payload().child(username).text(), secret = iq.payload().child(password).text();
    if (name.empty() || secret.empty())
      co_return StanzaError{Condition::bad_request, "A user name and a password are needed."};
    if (prepare_localpart(name) != std::string(iq.from().localpart()))
      co_return StanzaError{Condition::forbidden, "You may change the password of your own account."};
    const SessionRef asking = session_of(iq);  // held, so that no other session takes its place meanwhile
    const BareJid account = iq.from_bare();
    co_return reply_of(co_await change_password(domain_.shard(), account, secret, asking.get(), account.text()));
  }

  // A user's own requests are handled on the account's home core.
  SessionRef session_of(const IqRequest& iq) {
    Account* account = domain_.router().find_awake(iq.from().bare());
    const Resource* resource = account ? account->find(iq.from().resourcepart()) : nullptr;
    return resource ? resource->session : nullptr;
  }

  Domain& domain_;
  SignUpLimit limit_;
};

std::string stream_feature(Domain& domain) {
  // XEP-0077 §8.
  return domain.value(registration_auto_signup) ? "<register xmlns='http://jabber.org/features/iq-register'/>" : "";
}

void setup(Domain& domain) {
  auto& registration = domain.keep<Registration>(domain);
  domain.feature(query.ns);
  domain.on_stream_feature({StreamFeature::When::before_authentication, stream_feature});
  domain.on_iq_before_authentication(query, [&](IqRequest iq, std::string address) {
    return in_both_styles(registration.stranger_asks(std::move(iq), std::move(address)));
  });
  const std::vector<To> where{To::domain, To::own_account};
  domain.on_iq({Type::get, where, query},
               [&](IqRequest iq) { return in_both_styles(registration.get(std::move(iq))); });
  domain.on_iq({Type::set, where, query},
               [&](IqRequest iq) { return in_both_styles(registration.set(std::move(iq))); });
}

}  // namespace

extern const Module xep0077_register{
    .name = "register",
    .summary = "Lets people sign up, change their password and remove their account.",
    .implements = {{.xep = 77, .version = "2.4"}},
    .settings = rows(registration_auto_signup, registration_password_change, registration_removal,
                     registration_per_address_hour),
    .setup = setup,
};

}  // namespace jackdaw
