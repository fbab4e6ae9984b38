// Play: a talk being held in a world, statement by statement. Start reading at Play::run().
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>

#include "match.h"
#include "world.h"

namespace jackdaw::talks {

class Play {
 public:
  Play(World& world, const Talk& talk, Client::Time::duration patience)
      : world_(world), talk_(talk), patience_(patience) {}

  // Empty: all went as the talk says. Else "line: what was expected and what came".
  std::string run();

  // With a fault under way a talk need not come to its end, but nobody may be left without a word: what is missing
  // was a presence, or some client was told of an error, or it is a message that comes with the next log-in.
  bool may_end_here() { return missing_presence_ || any_error_seen() || comes_at_next_login(); }
  bool any_error_seen();
  // Somebody new logs in and is answered: the server still serves.
  std::string prove_service();

 private:
  std::string hold(const Statement& statement);
  std::string cast(const Statement& statement);
  std::string act(Client& client, const std::string& action);
  std::string log_in(Client& client, const std::string& words);
  std::string close(Client& client);
  std::string open(Client& client, const std::string& words);
  std::string send(Client& client, const std::string& text);
  std::string expect(Client& client, const std::string& text);
  std::string expect_node(Client& client, const Node& expected, bool whole);
  std::string expect_any_order(Client& client, const std::string& text);
  std::string expect_nothing(Client& client, const std::string& kind);
  std::string expect_closed(Client& client);
  std::string prove_all();
  bool comes_at_next_login();
  std::string forget(Client& client);
  std::string become_available(Client& client, const std::string& words);
  StreamEvent* next(Client& client, const Node& expected);

  World& world_;
  const Talk& talk_;
  const Client::Time::duration patience_;
  std::map<std::string, std::unique_ptr<Client>> clients_;
  Captures captures_;
  void note_missing(Client& client, const Node& expected);

  // After a failure: what was not as expected.
  bool missing_presence_ = false;
  Client* waits_for_message_ = nullptr;
  Node missing_message_;
};

}  // namespace jackdaw::talks
