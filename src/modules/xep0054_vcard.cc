// XEP-0054: vcard-temp. A user's card, which everybody may read and only the user may write.
//
// Stored in map "vcard" under the empty key: the element as sent.
// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"
#include "router/entitled.h"
#include "router/module.h"

namespace jackdaw {
namespace {

constexpr Name vcard{"vcard-temp", "vCard"};

constexpr Setting<std::int64_t> vcard_max_size{
    .name = "vcard.max_size",
    .fallback = 64_KiB,
    .min = 1_KiB,
    .max = 1024_KiB,
    .unit = Unit::bytes,
    .help = "The largest vCard, photo included, that a client may store. A larger one is refused."};

class Cards {
 public:
  explicit Cards(Domain& domain) : domain_(domain), cards_(domain.store().map("vcard")) {}

  Task<Reply> get(IqRequest iq) {
    const auto card = co_await cards_.get(iq.account(), {});
    if (!card) co_return StanzaError{Condition::internal_server_error};
    if (*card) co_return Reply::with(**card);
    // XEP-0054 §3.1 for one's own; §3.3 for another's: as if the account did not exist.
    co_return StanzaError{is_own(iq) ? Condition::item_not_found : Condition::service_unavailable};
  }

  Task<Reply> set_own(IqRequest iq) {
    std::string xml = iq.payload().xml();
    if (static_cast<std::int64_t>(xml.size()) > domain_.value(vcard_max_size))
      co_return StanzaError{Condition::not_acceptable, "The vCard is too large."};
    const auto stored = co_await cards_.set(iq.account(), {}, std::move(xml));
    if (!stored) co_return StanzaError{Condition::internal_server_error};
    co_return Reply::empty();
  }

  // XEP-0054 §3.2: forbidden; but who may not know that the account exists does not learn it from this.
  Task<Reply> set_another(IqRequest iq) {
    co_return StanzaError{may_see_presence(domain_, iq) ? Condition::forbidden : Condition::service_unavailable};
  }

 private:
  Domain& domain_;
  MapStore& cards_;
};

void setup(Domain& domain) {
  auto& cards = domain.keep<Cards>(domain);
  domain.feature(vcard.ns);
  domain.feature(vcard.ns, To::account);
  domain.on_iq({Type::get, {To::account}, vcard}, [&](IqRequest iq) { return cards.get(std::move(iq)); });
  domain.on_iq({Type::set, {To::own_account}, vcard}, [&](IqRequest iq) { return cards.set_own(std::move(iq)); });
  domain.on_iq({Type::set, {To::account}, vcard}, [&](IqRequest iq) { return cards.set_another(std::move(iq)); });
}

}  // namespace

extern const Module xep0054_vcard{
    .name = "vcard",
    .summary = "Keeps users' vCards and shows them to everybody.",
    .implements = {{.xep = 54, .version = "1.3.0"}},
    .settings = rows(vcard_max_size),
    .setup = setup,
};

}  // namespace jackdaw
