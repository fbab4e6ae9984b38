// Stanza: one message, presence or iq in memory: a small header and its bytes with their tape. Never changes.
//
// One allocation, counted by StanzaRef, which any thread may copy. Whoever holds one need not check it again: it was
// read by XmlReader, and its addresses are prepared. Views from it live as long as it does.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "stanza/errors.h"
#include "stanza/jid.h"
#include "xml/reader.h"

namespace jackdaw {

constexpr std::string_view client_ns = "jabber:client";
constexpr std::string_view server_ns = "jabber:server";

enum class Kind : std::uint8_t { message, presence, iq };

// Values of the `type` attribute; `normal` and `available` are its absence.
enum class Type : std::uint8_t {
  normal,
  chat,
  groupchat,
  headline,  // message
  available,
  unavailable,
  subscribe,
  subscribed,
  unsubscribe,
  unsubscribed,
  probe,  // presence
  get,
  set,
  result,  // iq
  error,   // any
};
std::string_view name_of(Kind kind);
std::string_view name_of(Type type);  // empty for normal and available
std::optional<Kind> kind_of(std::string_view local);
// RFC 6121 §5.2.2: an unknown message type is normal. Empty: not allowed for that kind.
std::optional<Type> type_of(Kind kind, std::string_view raw);

class Stanza;
using StanzaRef = boost::intrusive_ptr<const Stanza>;

// The attributes that the server decides or has checked.
struct StanzaHeader {
  Kind kind;
  Type type;
  JidView from;
  JidView to;                  // empty: none
  std::string_view lang = {};  // of the stream, when the stanza names none (RFC 6120 §8.1.5)
};

class Stanza {
 public:
  // From what `reader` has just read.
  static StanzaRef make(const XmlReader& reader, const StanzaHeader& header);
  // From parts the server writes. `id` is decoded; `payload` must be well-formed canonical XML (a Bug otherwise).
  static StanzaRef make(const StanzaHeader& header, std::string_view id, std::string_view payload);
  // From stored bytes of a whole stanza; null when they are none.
  static StanzaRef from_xml(std::string_view xml);
  // The same stanza with other addresses, shared as far as possible.
  StanzaRef with(JidView from, JidView to) const;

  Kind kind() const { return kind_; }
  Type type() const { return type_; }
  JidView from() const { return from_; }
  JidView to() const { return to_; }
  bool has_to() const { return !to_.empty(); }
  // As on the wire, references not decoded; comparable with each other.
  std::string_view raw_id() const { return raw_id_; }
  std::string_view raw_lang() const { return raw_lang_; }
  // Bytes between the tags.
  std::string_view payload() const { return {bytes() + inside_at_, inside_size_}; }
  // The outermost element, for looking at children. Its attributes are the sender's claims: use the header's.
  Element element() const { return {bytes(), tape(), 0, client_ns}; }
  Element first_child() const { return element().first_child(); }
  Element child(Name name) const { return element().child(name); }

  // Appends it as its receiver sees it. `to` stands instead of the header's when not empty.
  void write(std::string& out, JidView to = {}) const;
  std::string xml() const;
  // Bytes of memory it takes.
  std::size_t memory() const { return memory_; }
  std::size_t wire_size() const { return inside_size_ + from_.text().size() + to_.text().size() + raw_id_.size() + 64; }

 private:
  Stanza() = default;
  struct Parts;
  static StanzaRef assemble(const Parts& parts);
  const char* bytes() const { return reinterpret_cast<const char*>(this) + bytes_at_; }
  const TapeEntry* tape() const {
    return reinterpret_cast<const TapeEntry*>(reinterpret_cast<const char*>(this) + sizeof(Stanza));
  }
  friend void intrusive_ptr_add_ref(const Stanza* s) { s->references_.fetch_add(1, std::memory_order_relaxed); }
  friend void intrusive_ptr_release(const Stanza* s);

  mutable std::atomic<std::uint32_t> references_{0};
  Kind kind_{};
  Type type_{};
  bool escape_from_ = false, escape_to_ = false;
  std::uint32_t bytes_at_ = 0, inside_at_ = 0, inside_size_ = 0, memory_ = 0;
  std::uint32_t bytes_size_ = 0, tape_size_ = 0;
  JidView from_, to_;
  std::string_view raw_id_, raw_lang_, extra_;
};

// One of the four that change who sees whose presence (RFC 6121 §3).
inline bool is_subscription(const Stanza& stanza) {
  return stanza.kind() == Kind::presence && stanza.type() >= Type::subscribe && stanza.type() <= Type::unsubscribed &&
         stanza.has_to();
}

// The error to `stanza`, from whom it was for to whom it came from; null for errors and for iq results, which are never
// answered (RFC 6120 §8.3.1).
StanzaRef error_reply(const Stanza& stanza, const StanzaError& error);
// The result of an iq request.
StanzaRef result_reply(const Stanza& request, std::string_view payload = {});

}  // namespace jackdaw
