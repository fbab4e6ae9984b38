// Transport: bytes to and from one peer, over TCP, in clear or under TLS. The stream code sees only this.
//
// Lives on one core at a time and moves between two waits. One coroutine reads; nothing waits to write: what the socket
// does not take is kept (bounded by the outbox above) and goes out when it can. Start reading at Transport::read().
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <coroutine>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/task.h"
#include "net/channels.h"
#include "net/core.h"
#include "net/tls.h"

namespace jackdaw {

// Why a read returned no bytes.
enum class Wake { data, closed, silent, interrupted };

// Bytes in the core's buffer, padded for XmlReader; until the next wait.
struct Received {
  Wake why = Wake::data;
  char* bytes = nullptr;
  std::size_t size = 0;
};

class DrainWatcher {
 public:
  virtual void drained() = 0;

 protected:
  ~DrainWatcher() = default;
};

class Transport final : private Watched, private Timer {
 public:
  Transport(Core& core, int descriptor, std::string address, Admission admission);
  ~Transport() override;

  // Waits for bytes, at most `patience`. `closed`: the peer is gone or the connection failed.
  Task<Received> read(Seconds patience);

  // Sends what fits now and keeps the rest. False: the connection has failed (a reader finds out too).
  bool write(std::string_view bytes);
  // Bytes kept because the socket is full.
  std::size_t unsent() const { return kept_.size() - kept_at_; }
  // Told once, on the core, when the socket has taken everything that was kept, or has failed. Null: nobody.
  void tell_drained(DrainWatcher* watcher) { drain_watcher_ = watcher; }
  // Waits until nothing is kept, at most `patience`; false: it was too long, it failed, or interrupt() was called.
  Task<bool> drained(Seconds patience);

  // Reads nothing for `time`, or until it fails or interrupt() is called.
  Task<void> rest(Seconds time);

  // Of a socket whose connect() is under way: waits for its outcome. Empty: it is there; else why not.
  Task<std::string> connected(Seconds patience);
  // interrupt() has ended that.
  bool was_given_up() const { return interrupted_; }

  // TLS from the next byte on. What has been received but not given out is gone (RFC 6120 §5.4.3.3). False: the
  // handshake failed or took longer than `patience`.
  Task<bool> start_tls(SSL_CTX* context, const TlsChooser& chooser, Seconds patience);
  // The same as a client: to `server_name` (its ASCII form), for the protocol `alpn`.
  Task<bool> start_tls_to(SSL_CTX* context, const std::string& server_name, std::string_view alpn, const Dane& dane,
                          Seconds patience);
  bool is_encrypted() const { return tls_ != nullptr; }
  SSL* ssl() const { return tls_ ? tls_->ssl() : nullptr; }

  // From now on a peer that is silent is asked by TCP itself, and the connection fails when it is gone: within about a
  // minute, or when what was sent is not taken for `unanswered`. For the few long silent ones that somebody else waits
  // for; clients are asked in their own words.
  void find_silent_death(Seconds unanswered);

  // Makes the waiting (or next) read return `interrupted`.
  void interrupt();
  // True once after interrupt().
  bool take_interrupt() { return std::exchange(interrupted_, false); }

  // The connection counts as failed from now on; whoever waits finds out.
  void break_off();

  // Between two waits: leaves its core; then, on the other core, arrives.
  void leave();
  void arrive(Core& core);

  // Sends what is kept as far as the socket takes it within `patience`, says goodbye and closes, once the peer has
  // closed too or a moment has passed: a socket closed with bytes unread takes our last words back (RFC 9293 §3.6.1).
  Task<void> close(Seconds patience);
  // At once, without a word.
  void abandon();

  Core& core() const { return *core_; }
  // "192.0.2.1" or "2001:db8::1", without port.
  const std::string& address() const { return address_; }
  bool has_failed() const { return failed_; }
  std::size_t memory() const { return kept_.capacity(); }

 private:
  struct Wait;
  TlsState::Step handshake_step();
  Task<bool> shake_hands(Seconds patience);
  void ready(std::uint32_t events) override;
  void fires() override;
  void wake();
  std::weak_ptr<void> alive();
  void tell_drain_watcher();
  std::optional<Received> try_read();
  std::optional<Received> read_tls(char* buffer, std::size_t room);
  bool write_encrypted(std::string_view bytes);
  Received give(std::size_t size);
  bool send_kept();
  ssize_t throw_away();
  Task<void> wait_for_goodbye();
  bool send_now(std::string_view bytes, std::size_t& taken);
  void fail();
  ssize_t receive_bytes(char* to, std::size_t size);

  // Encrypted bytes read at once: less than the buffer for plain ones, so that all of them fit.
  static constexpr std::size_t tls_record_room = 32 * 1024;

  Core* core_;
  int descriptor_;
  std::string address_;
  Admission admission_;
  std::unique_ptr<TlsState> tls_;
  std::coroutine_handle<> waiting_;
  std::string tls_early_;  // encrypted bytes that came behind the handshake
  std::string kept_;
  std::size_t kept_at_ = 0;
  DrainWatcher* drain_watcher_ = nullptr;
  std::shared_ptr<void> alive_;  // while jobs on this core may know of us; see alive()
  std::uint64_t turn_of_last_read_ = 0;
  bool yielded_ = false;
  bool connecting_ = false;
  bool draining_ = false;  // whoever waits, waits for kept bytes to go
  bool readable_ = true;
  bool hung_up_ = false;
  bool tls_more_ = false;  // the TLS state may hold decrypted bytes that did not fit
  bool silent_ = false;
  bool interrupted_ = false;
  bool failed_ = false;
};

}  // namespace jackdaw
