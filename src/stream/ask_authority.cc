// Dialback's question to the server that the DNS names for a domain (XEP-0220 §2.1.2). Start reading at
// ask_authority(). SPDX-License-Identifier: Apache-2.0
#include "stream/server_link.h"

namespace jackdaw {
namespace {

constexpr auto answer_time = 30s;
constexpr std::size_t most_keys_asked = 200;  // at once, on one core
constexpr std::size_t most_of_one = 50;       // of these for one address: domains whose DNS is silent take long

Task<KeyVerdict> ask_for_key(StreamShard& here, const DomainPair& pair, const std::string& id, const std::string& key) {
  LinkOutcome outcome = co_await open_link(here, pair, to_ask);
  if (!outcome.link) co_return outcome.may_come_back ? KeyVerdict::no_answer : KeyVerdict::no_server;
  XmlStream& stream = *outcome.link->stream;
  stream.write(dialback_verify(pair, id, key));
  const Steady deadline = here.shard.core().now() + answer_time;
  KeyVerdict verdict = KeyVerdict::no_answer;
  for (bool waiting = true; waiting;) {
    const Heard heard = co_await stream.next(here.shard, deadline);
    if (heard.what != Heard::What::element) break;
    const auto answer = read_dialback(heard.element.element());
    // XEP-0220 §2.1.2: only to what was asked on this stream.
    if (!answer || answer->what != DialbackElement::What::verify || answer->from != pair.target ||
        answer->to != pair.source || answer->id != id)
      continue;
    if (answer->type == "valid") verdict = KeyVerdict::valid;
    if (answer->type == "invalid") verdict = KeyVerdict::invalid;
    waiting = false;
  }
  spawn(close_link(std::move(outcome.link->stream), "</stream:stream>"));  // nobody waits for its end
  co_return verdict;
}

}  // namespace

Task<KeyVerdict> ask_authority(StreamShard& here, DomainPair pair, std::string id, std::string key, std::string whose) {
  const auto known = here.keys_asked_by.find(whose);
  if (here.keys_asked >= most_keys_asked || (known != here.keys_asked_by.end() && known->second >= most_of_one))
    co_return KeyVerdict::too_busy;
  ++here.keys_asked;
  ++here.keys_asked_by[whose];
  const KeyVerdict verdict = co_await ask_for_key(here, pair, id, key);
  --here.keys_asked;
  if (const auto at = here.keys_asked_by.find(whose); --at->second == 0) here.keys_asked_by.erase(at);
  co_return verdict;
}

}  // namespace jackdaw
