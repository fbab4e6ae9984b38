// XmlStream: a transport with the reader behind it, and the log under the connection's tag and number. What negotiation
// reads from; a bound session takes its parts over.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "net/transport.h"
#include "router/shard.h"
#include "xml/reader.h"

namespace jackdaw {

// A first-level element with its own memory: it may be kept across waits.
class OwnedElement {
 public:
  OwnedElement() = default;
  explicit OwnedElement(const XmlReader& reader)
      : bytes_(reader.element_bytes()),
        tape_(reader.element_tape().begin(), reader.element_tape().end()),
        ns_(reader.content_ns()) {}
  Element element() const { return {bytes_.data(), tape_.data(), 0, ns_}; }
  std::size_t size() const { return bytes_.size(); }  // in bytes

 private:
  std::string bytes_;
  std::vector<TapeEntry> tape_;
  std::string ns_;
};

// What a stream said next, or why it says no more.
struct Heard {
  enum class What { header, element, close, error, closed, silent, interrupted, too_much } what;
  OwnedElement element = {};
};

class XmlStream {
 public:
  XmlStream(std::unique_ptr<Transport> transport, std::uint64_t number);

  // The next event, waiting at most until `deadline`.
  Task<Heard> next(Shard& shard, Steady deadline);
  void write(std::string_view bytes) {
    if (log_.wants(LogLevel::all)) log_said(bytes);
    transport->write(bytes);
  }

  // Under which name the log knows the connection: XMPPI-000123 until its role is known.
  void set_role(std::string_view tag);
  const Log& log() const { return log_; }
  // At the level "all": the element that the reader has just read, or bytes that are written; without secrets.
  void log_heard() const;
  void log_said(std::string_view bytes) const;

  // How many bytes the peer may still send; next() answers too_much behind them.
  void set_budget(std::size_t bytes) { budget_ = bytes; }

  std::unique_ptr<Transport> transport;
  XmlReader reader;
  const std::uint64_t number;
  // The domain whose TLSA records, or whose web server's file, fit the peer's certificate.
  std::string proven_by_dns, proven_by_posh;
  // One whose TLSA records have a wrong proof: nothing proves it here.
  std::string refused_by_dns;

 private:
  Log log_;
  std::size_t budget_ = static_cast<std::size_t>(-1);
};

}  // namespace jackdaw
