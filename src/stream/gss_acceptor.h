// The server's side of GSSAPI (RFC 4752): Kerberos proves who the client is. Blocks and reads files: on its own worker.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <gssapi/gssapi.h>

#include <string>
#include <string_view>

#include "base/result.h"

namespace jackdaw {

// One exchange: step() with each token until `is_proven`, then offer_layers(), then finish() with its answer.
class GssAcceptor {
 public:
  // `keytab`: file with the service's keys; empty: the system's (krb5.conf(5), /etc/krb5.keytab).
  explicit GssAcceptor(std::string keytab) : keytab_(std::move(keytab)) {}
  GssAcceptor(const GssAcceptor&) = delete;
  ~GssAcceptor();

  // What to send to the client. Failure: `is_ours` says that the keytab is to blame, not the client.
  Result<std::string> step(std::string_view token);
  bool is_proven() const { return is_proven_; }
  bool is_ours() const { return is_ours_; }
  // RFC 4752 §3.2: no layer of protection, as TLS is it.
  Result<std::string> offer_layers();
  // The authorization identity that the client asks for, which may be empty.
  Result<std::string> finish(std::string_view token);
  // "romeo@MONTAGUE.LAN", once proven.
  const std::string& principal() const { return principal_; }

 private:
  Failure failed(std::string_view what, OM_uint32 major, OM_uint32 minor) const;
  Result<Done> acquire();

  const std::string keytab_;
  gss_cred_id_t credentials_ = GSS_C_NO_CREDENTIAL;
  gss_ctx_id_t context_ = GSS_C_NO_CONTEXT;
  std::string principal_;
  bool is_proven_ = false, is_ours_ = false;
};

// The localpart that a principal means: none when it is of another realm, or a service's (name/instance).
std::string localpart_of_principal(std::string_view principal, std::string_view realm);

}  // namespace jackdaw
