// XEP-0199: XMPP Ping. Answers pings sent to the server or to an account.
// SPDX-License-Identifier: Apache-2.0
#include "router/entitled.h"
#include "router/module.h"

namespace jackdaw {
namespace {

constexpr Name ping{"urn:xmpp:ping", "ping"};

// XEP-0199 §4.2: the pong is an empty result. The router addresses and sends it.
Task<Reply> pong(IqRequest) { co_return Reply::empty(); }

class AccountPing {
 public:
  explicit AccountPing(Domain& domain) : domain_(domain) {}

  // RFC 6120 §13.10.2: a stranger must not learn from a pong that the account exists.
  Task<Reply> answer(IqRequest iq) {
    if (!may_see_presence(domain_, iq)) co_return StanzaError{Condition::service_unavailable};
    co_return Reply::empty();
  }

 private:
  Domain& domain_;
};

void setup(Domain& domain) {
  auto& account_ping = domain.keep<AccountPing>(domain);
  domain.feature(ping.ns);
  domain.feature(ping.ns, To::account);
  domain.on_iq({Type::get, {To::domain}, ping}, pong);
  domain.on_iq({Type::get, {To::account}, ping}, [&](IqRequest iq) { return account_ping.answer(std::move(iq)); });
}

}  // namespace

extern const Module xep0199_ping{
    .name = "ping",
    .summary = "Answers pings.",
    .implements = {{.xep = 199, .version = "2.0.1"}},
    .setup = setup,
};

}  // namespace jackdaw
