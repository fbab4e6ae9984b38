// XEP-0012: Last Activity. Says how long the server has been running, and how long ago a user was last available.
//
// Stored in map "last" under the empty key: microseconds since 1970, a blank, the status of the last unavailable
// presence.
// SPDX-License-Identifier: Apache-2.0
#include <charconv>

#include "router/entitled.h"
#include "router/module.h"
#include "router/shard.h"

namespace jackdaw {
namespace {

constexpr Name query{"jabber:iq:last", "query"};
constexpr std::size_t longest_status = 1024;  // bytes; the rest is cut off

// Without half a character at the end.
std::string_view cut(std::string_view text) {
  if (text.size() <= longest_status) return text;
  std::size_t end = longest_status;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

struct LastSeen {
  TimePoint when;
  std::string status;
};

std::optional<LastSeen> read_stored(std::string_view text) {
  std::int64_t microseconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), microseconds);
  if (error != std::errc{} || end == text.data() + text.size()) return std::nullopt;
  return LastSeen{TimePoint{std::chrono::microseconds{microseconds}}, std::string(end + 1, text.data() + text.size())};
}

Reply seconds_since(TimePoint then, TimePoint now, std::string_view status) {
  // A clock that was set back must not make it negative (XEP-0012, schema: unsignedLong).
  const auto seconds = std::max<std::int64_t>(0, std::chrono::duration_cast<Seconds>(now - then).count());
  std::string out = "<query xmlns='jabber:iq:last' seconds='" + std::to_string(seconds) + '\'';
  return Reply::with(status.empty() ? out + "/>" : out + '>' + escaped(status) + "</query>");
}

// Said at once, also while it is still being written.
struct LastPart final : AccountPart {
  std::string value;  // as stored; empty: not seen since the account woke
};

class LastActivity {
 public:
  explicit LastActivity(Domain& domain) : domain_(domain), seen_(domain.store().map("last")) {}

  // XEP-0012 §5.
  Task<Reply> uptime(IqRequest) { co_return seconds_since(domain_.shard().server().started, domain_.now(), {}); }

  // XEP-0012 §3.
  Task<Reply> of_account(IqRequest iq) {
    if (!may_see_presence(domain_, iq)) co_return StanzaError{Condition::forbidden};
    if (is_here(iq)) co_return seconds_since(domain_.now(), domain_.now(), {});
    Account* account = domain_.router().find_awake(iq.account().text());
    std::string value = account ? part(*account).value : std::string{};
    if (value.empty()) {
      const auto stored = co_await seen_.get(iq.account(), {});
      if (!stored) co_return StanzaError{Condition::internal_server_error};
      value = stored->value_or(std::string{});
    }
    const auto last = read_stored(value);
    if (!last) co_return StanzaError{Condition::item_not_found, "The account has not been available yet."};
    co_return seconds_since(last->when, domain_.now(), last->status);
  }

  // Nothing is kept of an account that is being removed: router/provision.cc says so.
  void gone(Account& account, std::string_view status) {
    if (account.has_available() || account.removed) return;
    const auto now = std::to_string(domain_.now().time_since_epoch().count());
    part(account).value = now + ' ' + std::string(cut(status));
    spawn(store(account.jid(), part(account).value));
  }

 private:
  static LastPart& part(Account& account) {
    static const std::size_t slot = Account::new_slot();
    return account.part<LastPart>(slot);
  }
  // XEP-0012 §3 counts connected resources too, subject to local policy: a contact learns of available ones only.
  bool is_here(const IqRequest& iq) {
    Account* account = domain_.router().find_awake(iq.account().text());
    if (!account) return false;
    return is_own(iq) ? !account->resources().empty() : account->has_available();
  }

  Task<void> store(BareJid account, std::string value) {
    const auto stored = co_await seen_.set(account, {}, std::move(value));
    if (stored) co_return;
    domain_.log().failure("last activity not stored", {{"account", account.text()}, {"why", stored.failure().what}});
  }

  Domain& domain_;
  MapStore& seen_;
};

void setup(Domain& domain) {
  auto& last = domain.keep<LastActivity>(domain);
  domain.feature(query.ns);
  domain.feature(query.ns, To::account);
  domain.on_iq({Type::get, {To::domain}, query}, [&](IqRequest iq) { return last.uptime(std::move(iq)); });
  domain.on_iq({Type::get, {To::account}, query}, [&](IqRequest iq) { return last.of_account(std::move(iq)); });
  // XEP-0012 §4: a client's answer would tell a stranger that it is there.
  domain.guard_query(query, [&domain](Account& account, const Stanza& stanza) -> std::optional<StanzaError> {
    if (may_see_presence(domain, account, stanza.from())) return std::nullopt;
    return StanzaError{Condition::forbidden};
  });
  domain.on_unavailable([&](Account& account, std::string status) { last.gone(account, status); });
}

}  // namespace

extern const Module xep0012_last{
    .name = "last",
    .summary = "Says how long the server runs and when a user was last available.",
    .implements = {{.xep = 12, .version = "2.0"}},
    .setup = setup,
};

}  // namespace jackdaw
