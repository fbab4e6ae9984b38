// perform(): where every face of the operations table comes to: the socket, the command line on a store, ad-hoc
// commands. What somebody may not do is refused here. All of it on the first core.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>

#include "admin/wire.h"
#include "router/operation.h"

namespace jackdaw {

// Whoever may use the data directory may do everything.
Actor local_actor();
// An account as administrator; empty: it has no rights, is locked, or is not there. Failure: the store's.
Task<Result<std::optional<Actor>>> actor_of(Server& server, BareJid account);
// Whether they may do it for some domain at least.
bool may_somewhere(const Actor& actor, const Operation& operation);

// In the log and the counter: somebody may not do that. Who is no administrator at all fills no log that nobody asked
// for (it is at the level problems).
enum class Asker { administrator, anybody };
void note_refused(Asker asker, std::string_view operation, std::string_view by, std::string_view why);

// Does an operation in the name of somebody; never throws. A refusal says what is wrong, or which right is missing.
Task<OperationResult> perform(OperationContext& shared, Actor actor, std::string words, OperationValues values,
                              const Session* session = nullptr);
// The same for what came through the socket or the command line: in the name of `as` when its password is right.
Task<OperationResult> perform_request(OperationContext& shared, OperationRequest request);

}  // namespace jackdaw
