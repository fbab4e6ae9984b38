// The read loop of an authenticated stream, the same for every role: elements to the session until the connection or
// the session comes to its end. Start reading at read_loop().
//
// A Session here is a class with the functions that are called of it; a template, as the idle ones are many and the
// loop is hot. take_stanza() gets what the reader has just read, and an error of it ends the stream. hear_error() and
// outlasts_interrupts() may be missing. While is_crowded()
// or is_behind() nothing more is read: until what is owed is written, or caught_up(n) has waited until n fates at most
// are not known. is_served_by() is false when another connection has taken the session over. why_ended() is null while
// it goes on. ask_for_life() is called after silence, and true when an answer is owed within a minute.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <optional>

#include "stanza/errors.h"
#include "stream/xml_stream.h"

namespace jackdaw {

constexpr auto answer_time = 60s;  // to a sign-of-life question

struct Rate {
  std::int64_t bytes_per_second = 0;  // 0: no limit
  std::int64_t burst = 0;             // bytes that may come at once
};

// Slows a peer down that sends more than its rate: the next read waits.
class Shaper {
 public:
  Shaper(Rate rate, Steady now) : left_(rate.burst), since_(now) {}

  // How long to wait before the next read, after `size` bytes.
  Seconds take(std::size_t size, Rate rate, Steady now) {
    if (rate.bytes_per_second <= 0) return 0s;
    const std::chrono::duration<double> passed = now - std::exchange(since_, now);
    const double earned = passed.count() * static_cast<double>(rate.bytes_per_second);
    left_ = std::min<std::int64_t>(rate.burst, left_ + static_cast<std::int64_t>(earned));
    left_ -= static_cast<std::int64_t>(size);
    if (left_ >= 0) return 0s;
    return std::min<Seconds>(10s, Seconds(1 + -left_ / rate.bytes_per_second));
  }

 private:
  std::int64_t left_;
  Steady since_;
};

inline Task<void> pause(Core& core, Seconds time) {
  Later<bool> over;
  CallTimer timer;
  timer.call(core.timers(), time, [&over] { over.set_here(true); });
  co_await over;
}

// How a session's connection came to its end.
struct Ending {
  enum class How { closed, lost, error, replaced } how;
  std::unique_ptr<StreamError> error = {};  // apart, as every idle session has room for an Ending
};

inline Ending end_with(StreamError error) {
  return {Ending::How::error, std::make_unique<StreamError>(std::move(error))};
}

// For the reason the session was given, if it was.
template <class Session>
Ending end_as_told(Session& session) {
  return end_with(session.why_ended() ? *session.why_ended() : StreamError{StreamCondition::reset});
}

// Somebody else's interrupt: the server goes down, and this session is to last until another ends it.
template <class Session>
bool goes_on(Session& session) {
  if constexpr (requires { session.outlasts_interrupts(); })
    return session.outlasts_interrupts() && !session.why_ended();
  else
    return false;
}

inline Ending end_silent() {
  const StreamError why{StreamCondition::connection_timeout, "You did not answer."};
  return {Ending::How::lost, std::make_unique<StreamError>(why)};
}

// All elements of the chunk that the reader holds. Empty: it is used up.
template <class Session>
std::optional<Ending> take_elements(XmlStream& stream, Session& session) {
  for (;;) {
    switch (stream.reader.next()) {
      case XmlReader::Event::need_more:
        return std::nullopt;
      case XmlReader::Event::close:
        return Ending{Ending::How::closed};
      case XmlReader::Event::error:
        return end_with(stream_error_of(stream.reader.error()));
      case XmlReader::Event::header:
        return end_with({StreamCondition::bad_format});
      case XmlReader::Event::element:
        if (stream.log().wants(LogLevel::all)) stream.log_heard();
        // RFC 6120 §4.9.1.1: its last words before it closes the stream.
        if (stream.reader.element().is({streams_ns, "error"})) {
          if constexpr (requires { session.hear_error(stream.reader.element()); })
            session.hear_error(stream.reader.element());
          return Ending{Ending::How::closed};
        }
        if (auto error = session.take_stanza(stream.reader)) return end_with(std::move(*error));
    }
    if (session.is_crowded() || session.is_behind()) {
      stream.reader.hold();
      return std::nullopt;
    }
    if (session.why_ended()) {
      stream.reader.hold();  // whoever goes on reads the rest
      return end_as_told(session);
    }
  }
}

// No further read until what we owe is written, and fates are known.
template <class Session>
Task<void> settle_debts(XmlStream& stream, Session& session) {
  while (session.is_crowded() || session.is_behind()) {
    if (session.is_behind()) co_await session.caught_up(session.has_many_open() ? Session::max_open / 2 : 0);
    if (session.is_crowded() && !co_await stream.transport->drained(60s)) co_return;
    if (session.why_ended() || stream.transport->has_failed()) co_return;
    if (session.is_crowded() && stream.transport->unsent() == 0) co_await pause(stream.transport->core(), 0s);
  }
}

// `idle`: the setting that says after how long a silence the session asks whether the peer is there.
template <class Session>
Task<Ending> read_loop(XmlStream& stream, Shard& shard, Session& session, const Setting<Seconds>& idle) {
  Shaper shaper{session.rate(), shard.core().now()};
  bool asked = false;
  stream.reader.resume(shard.reader_scratch());
  for (;;) {
    if (auto ending = take_elements(stream, session)) co_return std::move(*ending);
    if (session.is_crowded() || session.is_behind()) {
      co_await settle_debts(stream, session);
      if (!session.is_served_by(stream)) co_return Ending{Ending::How::replaced};
      if (session.why_ended()) co_return end_as_told(session);
      if (stream.transport->has_failed()) co_return Ending{Ending::How::lost};
      if (stream.transport->take_interrupt() && !goes_on(session)) co_return end_as_told(session);
      stream.reader.resume(shard.reader_scratch());
      continue;
    }
    const Received received = co_await stream.transport->read(asked ? answer_time : shard.value(idle));
    if (!session.is_served_by(stream)) co_return Ending{Ending::How::replaced};
    if (received.why == Wake::interrupted && goes_on(session)) continue;
    if (received.why == Wake::interrupted) co_return end_as_told(session);
    if (received.why == Wake::closed) co_return Ending{Ending::How::lost};
    if (received.why == Wake::silent) {
      if (asked) co_return end_silent();
      asked = session.ask_for_life();
      continue;
    }
    asked = false;
    stream.reader.feed(shard.reader_scratch(), received.bytes, received.size);
    if (const auto wait = shaper.take(received.size, session.rate(), shard.core().now()); wait > 0s) {
      stream.reader.hold();
      co_await stream.transport->rest(wait);
      if (!session.is_served_by(stream)) co_return Ending{Ending::How::replaced};
      if (session.why_ended()) co_return end_as_told(session);
      stream.reader.resume(shard.reader_scratch());
    }
  }
}

}  // namespace jackdaw
