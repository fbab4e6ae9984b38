// What the SASL mechanisms have in common: from a name and a proof to an account, counted and limited.
//
// On the core of the connection. authenticate.cc chooses the mechanism; old_mechanisms.cc has those for old clients.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <variant>

#include "router/reversible.h"
#include "stream/negotiation.h"
#include "stream/plain.h"
#include "stream/sasl_condition.h"
#include "stream/scram.h"

namespace jackdaw {

// What an exchange has come to: an account and the last bytes for the client, or why not.
using SaslOutcome = std::variant<Authenticated, SaslError>;

inline SaslError refused(SaslCondition condition, std::string_view text) { return {condition, text}; }
inline SaslError wrong() { return refused(SaslCondition::not_authorized, "The name or the password is wrong."); }
SaslError too_often();
SaslError not_now();

// "=" stands for an empty message, nothing for none (RFC 6120 §6.4.2). Empty optional: not base64.
std::optional<std::string> decoded(const Element& element);
// Sends a challenge and waits for the response. Empty: the stream has said something else; `error` says what.
Task<std::optional<std::string>> ask(Negotiation& n, std::string challenge, SaslError& error, bool& ended);

// The account that a name, or an alias, means here; empty: a name that cannot be one.
BareJid account_named(Negotiation& n, const std::string& authcid);
bool authzid_fits(Negotiation& n, const std::string& authzid, const BareJid& account);

struct Known {
  std::optional<AccountRecord> record;
  bool failed = false;                          // the store did, not the client
  std::optional<AccountRecord> neighbour = {};  // when there is no such account: what its decoy looks like
};
// What ties a kept password to the account's present keys (router/reversible.h).
inline KeysMark mark_of(const Known& known) { return known.record ? mark_of(known.record->keys) : no_keys; }
inline std::string binding_of(const Known& known) {
  return known.record ? binding_of(known.record->keys) : std::string{};
}
Task<Known> look_up(Negotiation& n, const BareJid& account);

// An account's own keys, or others that no password fits. Those have as many iterations as the account next to the
// name: after a change of auth.iterations accounts of before and after it are known, and so are their decoys.
struct ProofKeys {
  ScramKeys keys;
  KeyKind kind;
};
ProofKeys keys_of(Negotiation& n, const Known& known, Hash hash, const std::string& name);

// Common to all mechanisms: is the one who proved a name the account, and may it log in?
std::optional<SaslError> may_log_in(const Known& known);

// Someone who claims to be `authcid`. begin_claim(): no error when it may be tried now. end_claim(): `fits` says
// whether the proof does; counts it.
struct Claim {
  BareJid account;
  std::string counted;  // by which the tries are counted
  Known known = {};
};
Task<std::optional<SaslError>> begin_claim(Negotiation& n, Claim& claim, std::string authcid);
Task<SaslOutcome> end_claim(Negotiation& n, Claim claim, bool fits, std::string authzid);

// A name with the password in clear.
Task<SaslOutcome> check_password(Negotiation& n, PlainMessage said);

// Methods for old clients, where the domain turns them on (auth.methods).
Task<SaslOutcome> login(Negotiation& n, std::optional<std::string> name, bool& ended);
Task<SaslOutcome> cram_md5(Negotiation& n, bool& ended);
Task<SaslOutcome> digest_md5(Negotiation& n, bool& ended);
// RFC 4752: a Kerberos ticket for this service.
Task<SaslOutcome> gssapi(Negotiation& n, std::string token, bool& ended);
// XEP-0175: an account of its own that is gone with its session.
Task<SaslOutcome> anonymous(Negotiation& n);

// XEP-0078: the request of a client that knows no SASL. `who` is set when it has logged in; `ended`: the stream has.
Task<void> answer_iq_auth(Negotiation& n, const OwnedElement& iq, std::optional<Authenticated>& who, bool& ended);
// Whether it may be tried on this stream now.
bool takes_iq_auth(Negotiation& n);

}  // namespace jackdaw
