// XEP-0049: Private XML Storage. A client keeps small pieces of XML on its own account.
//
// Stored in map "private"; the key is the element's name, the value its XML as sent (several elements of one name:
// one behind the other).
// SPDX-License-Identifier: Apache-2.0
#include <map>

#include "base/bytes.h"
#include "router/module.h"

namespace jackdaw {
namespace {

constexpr Name query{"jabber:iq:private", "query"};

constexpr Setting<std::int64_t> private_max_item{
    .name = "private.max_item",
    .fallback = 64_KiB,
    .min = 1_KiB,
    .max = 1024_KiB,
    .unit = Unit::bytes,
    .help = "The largest piece of XML a client may store. A larger one is refused."};
constexpr Setting<std::int64_t> private_max_items{
    .name = "private.max_items",
    .fallback = 100,
    .min = 1,
    .max = 10'000,
    .help = "So many pieces of XML may be stored for one account. Further ones are refused."};

std::string key_of(const Element& item) { return std::string(item.ns()) + ' ' + std::string(item.local()); }

class PrivateStorage {
 public:
  explicit PrivateStorage(Domain& domain) : domain_(domain), items_(domain.store().map("private")) {}

  Task<Reply> get(IqRequest iq) {
    // XEP-0049 §2.3: bad-format, which became bad-request (RFC 6120 §8.3.3.1). One element in one request.
    if (iq.payload().count_children() != 1)
      co_return StanzaError{Condition::bad_request, "Name one element that you want to have."};
    const Element asked = iq.payload().first_child();
    auto found = co_await items_.get(iq.account(), key_of(asked));
    if (!found) co_return StanzaError{Condition::internal_server_error};
    // With nothing stored the client gets its own empty element back, as servers always did.
    co_return Reply::wrap(query, found->value_or(asked.xml()));
  }

  Task<Reply> set(IqRequest iq) {
    std::map<std::string, std::string> pieces;
    for (Element item = iq.payload().first_child(); item; item = item.next_sibling()) {
      // XEP-0049 §2.2: each has a namespace of its own.
      if (item.ns().empty() || item.ns() == query.ns)
        co_return StanzaError{Condition::not_acceptable, "An element needs a namespace of its own."};
      pieces[key_of(item)] += item.xml();
    }
    if (pieces.empty()) co_return StanzaError{Condition::not_acceptable, "There is nothing to store."};
    for (const auto& [key, xml] : pieces)
      if (static_cast<std::int64_t>(xml.size()) > domain_.value(private_max_item))
        co_return StanzaError{Condition::not_acceptable, "The piece of XML is too large."};
    if (auto refused = co_await check_room(iq.account(), pieces)) co_return std::move(*refused);
    Batch batch{iq.account()};
    for (auto& [key, xml] : pieces) batch.set("private", key, std::move(xml));
    const auto stored = co_await domain_.store().write(std::move(batch));
    if (!stored) co_return StanzaError{Condition::internal_server_error};
    co_return Reply::empty();
  }

 private:
  using Pieces = std::map<std::string, std::string>;
  // Pieces that are there already are replaced and take no further place.
  Task<std::optional<StanzaError>> check_room(BareJid account, const Pieces& pieces) {
    const auto count = co_await items_.count(account);
    if (!count) co_return StanzaError{Condition::internal_server_error};
    const auto most = domain_.value(private_max_items);
    if (*count + static_cast<std::int64_t>(pieces.size()) <= most) co_return std::nullopt;
    std::int64_t fresh = 0;
    for (const auto& [key, xml] : pieces) {
      const auto there = co_await items_.get(account, key);
      if (!there) co_return StanzaError{Condition::internal_server_error};
      if (!there->has_value()) ++fresh;
    }
    if (fresh == 0 || *count + fresh <= most) co_return std::nullopt;
    co_return StanzaError{Condition::resource_constraint, "Too many pieces of XML are stored already."};
  }

  Domain& domain_;
  MapStore& items_;
};

// Another's storage: no handler, so that service-unavailable says nothing of the account (XEP-0049 §2.3 allows it).
void setup(Domain& domain) {
  auto& storage = domain.keep<PrivateStorage>(domain);
  domain.feature(query.ns);
  domain.feature(query.ns, To::account);
  domain.on_iq({Type::get, {To::own_account}, query}, [&](IqRequest iq) { return storage.get(std::move(iq)); });
  domain.on_iq({Type::set, {To::own_account}, query}, [&](IqRequest iq) { return storage.set(std::move(iq)); });
}

}  // namespace

extern const Module xep0049_private{
    .name = "private",
    .summary = "Lets a client keep small pieces of XML on its account.",
    .implements = {{.xep = 49, .version = "1.2"}},
    .settings = rows(private_max_item, private_max_items),
    .setup = setup,
};

}  // namespace jackdaw
