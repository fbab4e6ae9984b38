// SPDX-License-Identifier: Apache-2.0
#include "stream/server_spool.h"

#include <algorithm>

#include "stream/s2s_settings.h"

namespace jackdaw {
namespace {

constexpr std::string_view index_name = "s2s pairs";  // keys: "SOURCE TARGET"

std::string map_of(std::string_view source) { return "s2s " + std::string(source); }

}  // namespace

ServerSpool::ServerSpool(Store& store, const DomainPair& pair)
    : map_(map_of(pair.source)),
      key_(pair.source + ' ' + pair.target),
      owner_(BareJid::parse(pair.target).value_or(BareJid{})),
      store_(store) {}

// The pair is listed before it has anything: a crash in between leaves an empty one.
Task<Result<Done>> ServerSpool::keep(std::string id, std::string xml) {
  if (!listed_) {
    const auto listed = co_await store_.map(index_name).set({}, key_, std::string());
    if (!listed) co_return listed;
    listed_ = true;
  }
  co_return co_await store_.map(map_).set(owner_, std::move(id), std::move(xml));
}

Task<void> ServerSpool::forget(std::vector<std::string> ids) {
  Batch batch{owner_};
  for (auto& id : ids) batch.set(map_, std::move(id), std::nullopt);
  static_cast<void>(co_await store_.write(std::move(batch)));
}

Task<std::vector<std::pair<DomainPair, Spooled>>> ServerSpool::load_all(Store& store) {
  std::vector<std::pair<DomainPair, Spooled>> found;
  const auto listed = co_await store.map(index_name).all({});
  if (!listed) co_return found;
  for (const auto& [key, unused] : *listed) {
    const auto space = key.find(' ');
    const DomainPair pair{key.substr(0, space), space == key.npos ? std::string() : key.substr(space + 1)};
    const auto owner = BareJid::parse(pair.target);
    auto waiting = co_await store.map(map_of(pair.source)).all(owner.value_or(BareJid{}));
    if (waiting && !waiting->empty())
      found.emplace_back(pair, std::move(*waiting));
    else if (waiting)
      static_cast<void>(co_await store.map(index_name).set({}, key, std::nullopt));
  }
  co_return found;
}

SpoolReturn::SpoolReturn(Shard& home, DomainPair pair, Spooled stored)
    : home_(home), spool_(*home.server().store, pair), stored_(std::move(stored)) {
  set(home.core().timers(), std::min<Seconds>(tried_after_start, home.value(s2s_queue_age)));
}

void SpoolReturn::fires() {
  const StanzaError error{Condition::remote_server_not_found, "This server speaks with no other servers any more."};
  std::vector<std::string> ids;
  for (const auto& [id, xml] : std::exchange(stored_, {})) {
    ids.push_back(id);
    if (const auto stanza = Stanza::from_xml(xml)) home_.router().refuse(*stanza, error);
  }
  spawn(spool_.forget(std::move(ids)));
}

}  // namespace jackdaw
