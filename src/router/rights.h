// Rights: what an account may do as an administrator: "users@example.org,monitors".
//
// users: accounts, their aliases and sessions. settings: settings, the log's levels, queues. monitors: everything that
// is only looked at. all: these, and what none of them covers (domains, backups, rights). Each is for the whole server
// or, with @DOMAIN, for what concerns that domain alone.
//
// A plain value; any thread.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "stanza/jid.h"

namespace jackdaw {

// nothing: what needs no right.
enum class Right { nothing, monitors, users, settings, all };
std::string_view name_of(Right right);

class Rights {
 public:
  Rights() = default;
  // Everything, everywhere.
  static Rights whole();
  // A comma list of RIGHT or RIGHT@DOMAIN, in letters of any case; "none" and nothing are no rights. Failure: which
  // item is wrong, and what is allowed.
  static Result<Rights> parse(std::string_view text);

  // As parse() reads it, without what others include; empty: no rights.
  std::string text() const;
  bool empty() const { return grants_.empty(); }
  // Whether it is one of them for that domain; an empty domain: for the whole server.
  bool has(Right right, std::string_view domain) const;
  // Whether it is there for some domain at least.
  bool has_somewhere(Right right) const;
  // Whether all of `others` are among them.
  bool cover(const Rights& others) const;
  // The domains named in them.
  std::vector<std::string> domains() const;

 private:
  struct Grant {
    Right right;
    std::string domain;  // empty: the whole server
    friend auto operator<=>(const Grant&, const Grant&) = default;
  };
  static bool includes(const Grant& one, Right right, std::string_view domain);
  void add(Grant grant);

  std::vector<Grant> grants_;
};

// Who has an operation done.
struct Actor {
  std::string name;  // for the log
  Rights rights;
};

}  // namespace jackdaw
