// StreamShard: what the streams of one core share: TLS contexts, sessions that may be resumed, the other cores.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <boost/unordered/unordered_flat_map.hpp>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "net/resolver.h"
#include "router/shard.h"
#include "router/sign_up_limit.h"
#include "stream/dialback.h"
#include "stream/login_limits.h"
#include "stream/posh.h"
#include "stream/resume_id.h"
#include "stream/server_targets.h"
#include "stream/tls_contexts.h"

namespace jackdaw {

class ClientSession;
class ServerStream;

// What a domain's web server has said of its certificates (RFC 7711 §3); without digests: nothing.
struct KeptPoshFile {
  PoshFile file;
  Steady until;
};

struct StreamShard {
  Shard& shard;
  std::shared_ptr<TlsContexts> tls;
  Resolver* resolver;  // of all cores
  Workers* fetchers;   // fetch files of web servers; null: s2s.posh is off
  // All cores' ones, in order; a connection moves by posting to its home's.
  const std::vector<std::unique_ptr<StreamShard>>& all;
  // Sessions with an id to be resumed by (XEP-0198 §5): one entry a session, gone with it.
  boost::unordered_flat_map<ResumeId, std::weak_ptr<ClientSession>, ResumeIdHash> resumable{};
  std::map<std::string, KeptPoshFile, std::less<>> posh_files{};    // by domain; at most 1000
  std::size_t keys_asked = 0;                                       // of dialback, under way
  std::map<std::string, std::size_t, std::less<>> keys_asked_by{};  // the same, by the group of addresses that asks
  // Streams that carry stanzas of that pair, ours first, both ways (XEP-0288); of pairs whose home this is, gone with
  // the stream.
  std::map<DomainPair, std::weak_ptr<ServerStream>> both_ways{};
  ServerTargets targets{};                   // those whose home this is (home_of)
  std::set<ServerStream*> server_streams{};  // that live here
  // Of core 0 only, which is asked by all: so that tries on several cores are counted together.
  LoginLimits login_limits{};
  SignUpLimit anonymous_limit{};

  StreamShard& home_of(std::string_view bare) const { return *all[shard.server().home_of(bare)]; }
};

}  // namespace jackdaw
