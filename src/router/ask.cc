// Requests of the server itself, and the answers to them.
// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"
#include "net/timer.h"
#include "router/shard.h"

namespace jackdaw {
namespace {

constexpr std::size_t most_asked = 10'000;  // at once, on one core
constexpr auto answer_time = 60s;

}  // namespace

// The id names the core, as the answer to a domain is taken wherever it arrives.
Task<StanzaRef> Router::ask(StanzaHeader request, std::string payload) {
  if (asked_.size() >= most_asked) co_return nullptr;
  const std::string id = "ask-" + std::to_string(shard_.core().number()) + '-' + random_token(12);
  Later<StanzaRef> answer;
  asked_.emplace(id, Asked{std::string(request.to.text()), &answer});
  CallTimer timer;
  timer.call(shard_.core().timers(), answer_time, [this, id, &answer] {
    if (asked_.erase(id) > 0) answer.set_here(nullptr);
  });
  route(Stanza::make(request, id, payload));
  co_return co_await answer;
}

// RFC 6120 §8.2.3: an answer has the request's id, and comes from whom it was sent to. True: it was one of ours.
bool Router::take_answer(const StanzaRef& stanza) {
  if (!stanza->raw_id().starts_with("ask-")) return false;
  const auto rest = stanza->raw_id().substr(4);
  const auto dash = rest.find('-');
  const auto& shards = shard_.server().shards;
  std::size_t number = 0;
  for (const char digit : rest.substr(0, dash)) {
    if (digit < '0' || digit > '9' || number >= shards.size()) return false;
    number = number * 10 + static_cast<std::size_t>(digit - '0');
  }
  if (number >= shards.size()) return false;
  if (Router& router = shards[number]->router(); &router != this) {
    shards[number]->core().post([&router, stanza] { router.take_answer(stanza); });
    return true;
  }
  const auto found = asked_.find(stanza->raw_id());
  if (found == asked_.end() || found->second.whom != stanza->from().text()) return false;
  Later<StanzaRef>* const answer = found->second.answer;
  asked_.erase(found);
  // Not from within the caller: whoever waits goes on with work of its own.
  answer->set(stanza);
  return true;
}

}  // namespace jackdaw
