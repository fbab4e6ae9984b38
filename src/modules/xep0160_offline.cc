// XEP-0160: messages for somebody who is not there, with XEP-0203 (when) and XEP-0359 (a stable id). Start reading at
// OfflineMessages::keep() and flush().
//
// Stored in archive "offline". Erased only after the client has shown that it got them: a crash in between may deliver
// one again with the same id and delay, and never loses it. What cannot be erased, as on a full disk, is not sent
// again: its account stays awake, and it is erased once that works. SPDX-License-Identifier: Apache-2.0
#include "base/ids.h"
#include "router/delay.h"
#include "router/hints.h"
#include "router/module.h"
#include "router/router.h"
#include "router/shard.h"

namespace jackdaw {
namespace {

constexpr Setting<std::int64_t> max_messages{
    .name = "offline.max_messages",
    .fallback = 1000,
    .min = 0,
    .max = 1'000'000,
    .scope = Scope::domain,
    .help = "So many messages are kept for an account that is away; further ones return to their senders."};
constexpr Setting<std::int64_t> max_bytes{
    .name = "offline.max_bytes",
    .fallback = 10 << 20,
    .min = 0,
    .max = 1 << 30,
    .scope = Scope::domain,
    .unit = Unit::bytes,
    .help = "So many bytes of messages are kept for an account that is away; further ones return to their senders."};

constexpr std::string_view archive_name = "offline";
constexpr std::string_view chat_states_ns = "http://jabber.org/protocol/chatstates";
constexpr std::size_t page = 100;                 // messages read at once, when the session has room for so many
constexpr std::size_t bytes_at_once = 64 * 1024;  // then the client must show that it got them: it may be slow

constexpr auto longest_wait = 10s;
constexpr auto told_again = 10s;  // the log tells of an account's trouble when there was none for this long
constexpr auto erase_again = 5s;  // what a client has and the store would not erase

struct OfflinePart final : AccountPart {
  bool counted = false, counting = false;
  std::vector<Later<bool>*> turns;       // wait until it is counted, in order
  std::int64_t messages = 0, bytes = 0;  // kept and being kept
  IdMaker ids;
  std::int64_t storing = 0, storing_bytes = 0;  // under way to the store, or waiting for their turn
  Later<bool>* stored = nullptr;                // waits for the last of them
  bool again = false;                           // more was asked for while messages went out
  int in_flight = 0;                            // batches given to a session that has not confirmed them yet
  std::string sent_upto;                        // while there are any: not sent to another up to this id
  std::string shown_upto;                       // clients have all up to this id; not empty: it is still to be erased
  CallTimer again_at;                           // then that is tried again
  Steady told{};                                // when a message last could not be kept
};

class OfflineMessages final : public Offline {
 public:
  explicit OfflineMessages(Domain& domain) : domain_(domain) {}

  bool keeps(const Stanza& stanza) override;
  void keep(Account& account, StanzaRef stanza, TimePoint since, std::function<void(Fate)> done) override;
  void flush(Account& account, const SessionRef& session) override;

 private:
  static OfflinePart& part(Account& account) {
    static const std::size_t slot = Account::new_slot();
    return account.part<OfflinePart>(slot);
  }
  ArchiveStore& archive() { return domain_.store().archive(archive_name); }
  Task<void> store(std::shared_ptr<Account> account, StanzaRef stanza, TimePoint since, std::function<void(Fate)> done);
  Task<Fate> append(std::shared_ptr<Account> account, StanzaRef stanza, TimePoint since);
  // Ids of messages given to a session: behind `after`, up to `last`.
  struct Sent {
    std::string after, last;
  };
  Task<bool> send_some(Account& account, Session& session, Sent& sent);
  Task<bool> send_all_stored(Account& account, SessionRef session, Sent& sent);
  Task<bool> erase(Account& account, Sent sent);
  Task<void> erase_shown(Account& account, Sent sent);
  Task<void> erase_later(std::shared_ptr<Account> account);
  Task<Receipt> shown(SessionRef session);
  void flush_to_somebody(Account& account);
  Task<void> send_all(std::shared_ptr<Account> account, SessionRef session);
  Task<void> confirmed(std::shared_ptr<Account> account, Sent sent, Receipt receipt);
  Task<bool> count(std::shared_ptr<Account> account);
  ArchiveItem item_of(Account& account, const Stanza& stanza, TimePoint since);

  Domain& domain_;
};

// XEP-0160 §3; XEP-0085 §5.8: nothing but a chat state is not worth keeping. XEP-0334 §4.2: only "no-store" forbids it;
// "no-permanent-store" is about archives (§3.3, §4.1).
bool OfflineMessages::keeps(const Stanza& stanza) {
  if (stanza.type() != Type::chat && stanza.type() != Type::normal) return false;
  if (has_hint(stanza, "no-store")) return false;
  if (has_hint(stanza, "store")) return true;
  bool anything = false, only_states = true;
  for (Element child = stanza.first_child(); child; child = child.next_sibling()) {
    anything = true;
    if (child.ns() != chat_states_ns && !child.is({client_ns, "thread"})) only_states = false;
  }
  return anything && !only_states;
}

void OfflineMessages::keep(Account& account, StanzaRef stanza, TimePoint since, std::function<void(Fate)> done) {
  spawn(store(account.hold(), std::move(stanza), since, std::move(done)));
}

// Who comes while the first one asks the store waits for it, so that all go on in the order in which they came.
Task<bool> OfflineMessages::count(std::shared_ptr<Account> account) {
  OfflinePart& kept = part(*account);
  if (kept.counting) {
    Later<bool> turn;
    kept.turns.push_back(&turn);
    co_return co_await turn;
  }
  if (kept.counted) co_return true;
  kept.counting = true;
  const auto size = co_await archive().size(account->jid());
  const bool good = size.ok();
  if (good) {
    kept.counted = true;
    kept.messages += size->items;
    kept.bytes += size->bytes;
  }
  // Behind what our caller does next without a wait.
  domain_.shard().core().later([account, good] {
    OfflinePart& waiting = part(*account);
    for (std::size_t i = 0; i < waiting.turns.size(); ++i) waiting.turns[i]->set_here(good);
    waiting.turns = {};
    waiting.counting = false;
  });
  co_return good;
}

// What a sender claims about our own ids and times is dropped (XEP-0359 §3, XEP-0203 §3).
ArchiveItem OfflineMessages::item_of(Account& account, const Stanza& stanza, TimePoint since) {
  const TimePoint now = domain_.now();
  std::string id = part(account).ids.make(now);
  std::string payload;
  for (Element child = stanza.first_child(); child; child = child.next_sibling()) {
    const bool claims_ours = child.is({"urn:xmpp:sid:0", "stanza-id"}) && child.attribute("by") == account.jid().text();
    if (!claims_ours && !is_delay_of(child, domain_.name())) payload.append(child.raw());
  }
  payload += "<stanza-id xmlns='urn:xmpp:sid:0' id='" + id + "' by='" + escaped(account.jid().text()) + "'/>";
  payload += delay_element(domain_.name(), since == TimePoint{} ? now : since);
  const auto whole =
      Stanza::make({Kind::message, stanza.type(), stanza.from(), stanza.to(), unescaped(stanza.raw_lang())},
                   unescaped(stanza.raw_id()), payload);
  return {std::move(id), now, whole->xml()};
}

Task<Fate> OfflineMessages::append(std::shared_ptr<Account> account, StanzaRef stanza, TimePoint since) {
  OfflinePart& kept = part(*account);
  // While the store counts, not more wait for it than may be kept at all.
  if (kept.storing > domain_.value(max_messages) || kept.storing_bytes > domain_.value(max_bytes))
    co_return Fate::refused;
  if (!co_await count(account) || account->removed) co_return Fate::refused;
  // From the id to append() there is no wait: ids sort in the order of storing, and what is sent up to an id is all.
  ArchiveItem item = item_of(*account, *stanza, since);
  const auto size = static_cast<std::int64_t>(item.xml.size());
  if (kept.messages + 1 > domain_.value(max_messages) || kept.bytes + size > domain_.value(max_bytes))
    co_return Fate::refused;
  ++kept.messages;
  kept.bytes += size;
  const auto stored = co_await archive().append(account->jid(), std::move(item));
  if (stored) co_return Fate::stored;
  --kept.messages;
  kept.bytes -= size;
  const Steady now = domain_.shard().core().now();
  if (now - std::exchange(kept.told, now) > told_again)
    domain_.log().failure("messages cannot be kept",
                          {{"account", account->jid().text()}, {"why", stored.failure().what}});
  co_return Fate::refused;
}

Task<void> OfflineMessages::store(std::shared_ptr<Account> account, StanzaRef stanza, TimePoint since,
                                  std::function<void(Fate)> done) {
  OfflinePart& kept = part(*account);
  const auto size = static_cast<std::int64_t>(stanza->payload().size());
  ++kept.storing;
  kept.storing_bytes += size;
  const Fate fate = co_await append(account, std::move(stanza), since);
  kept.storing_bytes -= size;
  done(fate);
  if (--kept.storing == 0 && kept.stored) std::exchange(kept.stored, nullptr)->set(true);
  // Somebody came while it was being written.
  if (fate == Fate::stored) flush_to_somebody(*account);
}

void OfflineMessages::flush(Account& account, const SessionRef& session) {
  OfflinePart& kept = part(account);
  kept.again = account.flushing;
  if (kept.again) return;
  account.flushing = true;
  spawn(send_all(account.hold(), session));
}

// Sends the next of what is kept behind `sent.last`; false when that was all, or nothing can be read.
Task<bool> OfflineMessages::send_some(Account& account, Session& session, Sent& sent) {
  // Half of its room at most: others write to it as well.
  const auto limit = static_cast<std::int64_t>(std::clamp<std::size_t>(session.room() / 2, 1, page));
  auto found = co_await archive().find(account.jid(),
                                       {.from = {}, .until = {}, .after_id = sent.last, .upto_id = {}, .limit = limit});
  if (!found) {
    domain_.log().failure("kept messages cannot be read; they come with the next log-in",
                          {{"account", account.jid().text()}, {"why", found.failure().what}});
    co_return false;
  }
  std::size_t bytes = 0;
  for (const auto& item : *found) {
    sent.last = item.id;
    if (const auto stanza = Stanza::from_xml(item.xml)) session.deliver_kept(stanza);
    bytes += item.xml.size();
    if (bytes >= bytes_at_once) co_return true;
  }
  co_return static_cast<std::int64_t>(found->size()) == limit;
}

// Waits until the client has shown that it has what was sent, but not so long that who writes to it meanwhile must
// wait.
Task<Receipt> OfflineMessages::shown(SessionRef session) {
  struct Shown {
    Later<Receipt> value;
    bool told = false;
    CallTimer timer;
  };
  const auto waiting = std::make_shared<Shown>();
  const auto tell = [weak = std::weak_ptr<Shown>(waiting)](Receipt receipt) {
    if (const auto s = weak.lock(); s && !std::exchange(s->told, true)) s->value.set(receipt);
  };
  session->confirm(tell);
  waiting->timer.call(domain_.shard().core().timers(), longest_wait, [tell] { tell(Receipt::lost); });
  co_return co_await waiting->value;
}

void OfflineMessages::flush_to_somebody(Account& account) {
  for (auto& resource : account.resources())
    if (resource.is_reachable()) return flush(account, SessionRef(resource.session));
}

// Batch after batch, also what was under way to the store when the session came: it is older than what waits. False:
// the session did not show in time that it has a batch.
Task<bool> OfflineMessages::send_all_stored(Account& account, SessionRef session, Sent& sent) {
  OfflinePart& kept = part(account);
  for (;;) {
    while (kept.storing > 0) {
      Later<bool> stored;
      kept.stored = &stored;
      co_await stored;
    }
    const bool more = co_await send_some(account, *session, sent);
    if (!more && kept.storing == 0) co_return true;
    if (!more) continue;
    if (co_await shown(session) == Receipt::lost) co_return false;
    co_await erase_shown(account, sent);
    sent.after = sent.last;
  }
}

// In order, before anything that arrives meanwhile: that waits in the account (router.cc).
Task<void> OfflineMessages::send_all(std::shared_ptr<Account> account, SessionRef session) {
  OfflinePart& kept = part(*account);
  const std::string begin = std::max(kept.sent_upto, kept.shown_upto);
  Sent sent{begin, begin};
  const bool all = co_await send_all_stored(*account, session, sent);
  if (sent.last != sent.after) {
    ++kept.in_flight;
    kept.sent_upto = sent.last;
    session->confirm([this, account, sent](Receipt receipt) { spawn(confirmed(account, sent, receipt)); });
  }
  domain_.router().release(*account);
  // A session that is slow is not asked again at once; one that has ended has nothing in flight any more.
  if (kept.again && (all || kept.in_flight == 0)) flush_to_somebody(*account);
}

Task<bool> OfflineMessages::erase(Account& account, Sent sent) {
  const auto erased = co_await archive().erase(
      account.jid(),
      {.from = {}, .until = {}, .after_id = std::move(sent.after), .upto_id = std::move(sent.last), .limit = 0});
  if (!erased) co_return false;
  OfflinePart& kept = part(account);
  kept.counted = false;  // counted anew with the next one
  kept.messages = kept.bytes = 0;
  co_return true;
}

// Erases what a client has. What the store does not erase now is noted, if nothing in front of it is under way.
Task<void> OfflineMessages::erase_shown(Account& account, Sent sent) {
  if (co_await erase(account, sent)) co_return;
  OfflinePart& kept = part(account);
  if (sent.after > kept.shown_upto || account.removed) co_return;
  kept.shown_upto = std::max(kept.shown_upto, sent.last);
  account.in_debt = true;
  if (!kept.again_at.is_set())
    kept.again_at.call(domain_.shard().core().timers(), erase_again,
                       [this, &account] { spawn(erase_later(account.hold())); });
}

Task<void> OfflineMessages::erase_later(std::shared_ptr<Account> account) {
  OfflinePart& kept = part(*account);
  co_await erase_shown(*account, {{}, kept.shown_upto});
  if (kept.again_at.is_set()) co_return;
  kept.shown_upto.clear();
  account->in_debt = false;
}

Task<void> OfflineMessages::confirmed(std::shared_ptr<Account> account, Sent sent, Receipt receipt) {
  OfflinePart& kept = part(*account);
  if (receipt == Receipt::received) co_await erase_shown(*account, std::move(sent));
  if (--kept.in_flight > 0) co_return;
  kept.sent_upto.clear();
  // What was lost goes to whoever is there.
  flush_to_somebody(*account);
}

void setup(Domain& domain) {
  auto& offline = domain.keep<OfflineMessages>(domain);
  domain.provide(static_cast<Offline&>(offline));
  domain.feature("msgoffline");
}

}  // namespace

extern const Module xep0160_offline;
const Module xep0160_offline{
    .name = "offline",
    .summary = "Keeps messages for users who are away and delivers them when they come back.",
    .implements = {{.xep = 160, .version = "1.0.1"}, {.xep = 359, .version = "0.7.0"}},
    .settings = rows(max_messages, max_bytes),
    .setup = setup,
};

}  // namespace jackdaw
