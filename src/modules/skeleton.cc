// A module to copy when you write one: an invented extension, "urn:example:motto", by which a user keeps a motto that
// contacts may read. It is compiled, so that it stays true, but not in the list of modules/all.cc. Start at setup().
// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"
#include "router/entitled.h"
#include "router/module.h"

namespace jackdaw {
namespace {

// Elements and their namespaces, once.
constexpr Name motto{"urn:example:motto", "motto"};

// A setting is a row beside the code that it rules; the file's grammar, the command line and docs/settings.md follow
// from the module record below.
constexpr Setting<std::int64_t> motto_max_size{.name = "motto.max_size",
                                               .fallback = 1_KiB,
                                               .min = 1,
                                               .max = 64_KiB,
                                               .scope = Scope::domain,
                                               .unit = Unit::bytes,
                                               .help = "The longest motto a user may have. A longer one is refused."};

// What the module needs at run time. There is one object for each domain and core; nothing in it needs a lock.
class Mottos {
 public:
  explicit Mottos(Domain& domain) : domain_(domain), mottos_(domain.store().map("motto")) {}

  // A handler answers by returning: a Reply, or an error with its condition. It is a Task because the store may wait;
  // behind each co_await the world may have changed.
  Task<Reply> get(IqRequest iq) {
    if (!may_see_presence(domain_, iq)) co_return StanzaError{Condition::service_unavailable};
    const auto found = co_await mottos_.get(iq.account(), {});
    if (!found) co_return StanzaError{Condition::internal_server_error};  // the disk's failure, not the peer's
    if (!*found) co_return StanzaError{Condition::item_not_found};
    co_return Reply::wrap(motto, escaped(**found));
  }

  Task<Reply> set(IqRequest iq) {
    std::string text = iq.payload().text();
    if (static_cast<std::int64_t>(text.size()) > domain_.value(motto_max_size))
      co_return StanzaError{Condition::not_acceptable, "The motto is too long."};
    const auto stored = co_await mottos_.set(iq.account(), {}, std::move(text));
    if (!stored) co_return StanzaError{Condition::internal_server_error};
    co_return Reply::empty();
  }

  // A hook sees each message to a local account. It is a plain function: nothing on the way of a stanza waits. To
  // refuse one, return a StanzaError.
  Verdict see(Delivery& delivery) {
    if (delivery.stanza()->child(motto)) domain_.log().info("a message carries a motto");
    return std::nullopt;
  }

 private:
  Domain& domain_;
  MapStore& mottos_;
};

// Called once for each domain on each core. Nothing is unregistered: the domain undoes it all.
void setup(Domain& domain) {
  auto& mottos = domain.keep<Mottos>(domain);  // lives as long as the domain
  domain.feature(motto.ns, To::account);       // seen in disco#info
  domain.on_iq({Type::get, {To::account}, motto}, [&](IqRequest iq) { return mottos.get(std::move(iq)); });
  domain.on_iq({Type::set, {To::own_account}, motto}, [&](IqRequest iq) { return mottos.set(std::move(iq)); });
  domain.on_message(Phase::observe, [&](Delivery& delivery) { return mottos.see(delivery); });
}

}  // namespace

// `implements` is left out here; an XEP's module has it, and the DOAP file follows from it.
extern const Module skeleton{
    .name = "motto",
    .summary = "Keeps a motto for each user.",
    .settings = rows(motto_max_size),
    .setup = setup,
};

}  // namespace jackdaw
