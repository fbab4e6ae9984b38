// The obsolete session request of RFC 3921 §3: older clients ask for it after binding; it means nothing any more
// (RFC 6121 §1.4) and is answered with an empty result.
// SPDX-License-Identifier: Apache-2.0
#include "router/module.h"

namespace jackdaw {
namespace {

constexpr Name session{"urn:ietf:params:xml:ns:xmpp-session", "session"};

Task<Reply> accept(IqRequest) { co_return Reply::empty(); }

void setup(Domain& domain) {
  domain.on_iq({.type = Type::set, .to = {To::domain, To::own_account}, .payload = session}, accept);
}

}  // namespace

extern const Module session_request;
const Module session_request{
    .name = "session",
    .summary = "Answers the session request of older clients.",
    .setup = setup,
};

}  // namespace jackdaw
