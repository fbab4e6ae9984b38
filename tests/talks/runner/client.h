// Client: one participant of a talk: a connection, its log-in, and what it was sent and has not looked at yet.
// Every function that can fail returns why; an empty string is success.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <deque>
#include <string>

#include "node.h"
#include "wire.h"

namespace jackdaw::talks {

constexpr std::string_view password_of_all = "r0m30myr0m30";

enum class Security { clear, starttls, tls };

struct Access {
  std::string address;  // of the listener
  Security security = Security::clear;
  std::string localpart, domain, resource;  // a raw client has none
  std::string mechanism = "SCRAM-SHA-256";
};

class Client {
 public:
  using Time = std::chrono::steady_clock;
  Client(std::string name, Access access, Time::duration patience)
      : name_(std::move(name)), access_(std::move(access)), patience_(patience) {}

  const std::string& name() const { return name_; }
  Access& access() { return access_; }
  bool is_bound() const { return bound_; }
  void set_bound(bool bound) { bound_ = bound; }
  bool is_managed() const { return managed_; }
  // Whether the server has answered something with an error or ended the stream.
  bool has_seen_error() const { return seen_error_; }

  // The connection and, when its security says so, TLS from the first byte; nothing else.
  std::string open_wire();
  // Up to the features behind the log-in (RFC 6120 §6.4.6).
  std::string connect();
  // RFC 6120 §7.
  std::string bind();
  std::string start_tls();
  // A stream header; waits for the answer and its features.
  std::string open_stream(const std::string& domain);
  void send(std::string_view bytes);
  void cut();

  // What was received and not taken yet; waits for one more when there is none. Null: nothing came in time.
  StreamEvent* front();
  void pop() { waiting_.pop_front(); }
  std::deque<StreamEvent>& waiting() { return waiting_; }
  // Reads what comes within that time.
  bool read_more(Time::time_point deadline);
  bool is_closed() const { return closed_; }

  // Asks the server for something; when the answer is there, what was sent before it is there too.
  void ask_for_proof();
  std::string await_proof();
  // A question whether we are there (XEP-0199) that no talk waits for.
  bool answer_ping(const Node& node);

 private:
  std::string authenticate();
  std::string expect_element(std::string_view ns, std::string_view local, Node& got);
  bool is_proof(const Node& node);
  void take(StreamEvent event);

  std::string name_;
  Access access_;
  Time::duration patience_;
  Wire wire_;
  StreamReader reader_;
  std::deque<StreamEvent> waiting_;
  std::string proof_;  // what is asked for; empty: nothing
  int proofs_ = 0;
  bool bound_ = false, managed_ = false, closed_ = true, seen_error_ = false;
};

}  // namespace jackdaw::talks
