// Layout of the one allocation: Stanza, tape, from, to, raw id, raw lang, other attributes, the element's bytes.
// SPDX-License-Identifier: Apache-2.0
#include "stanza/stanza.h"

#include <cstdlib>
#include <new>

#include "base/check.h"

namespace jackdaw {
namespace {

constexpr std::string_view type_names[] = {
    "",          "chat",       "groupchat",   "headline",     "",      "unavailable",
    "subscribe", "subscribed", "unsubscribe", "unsubscribed", "probe", "get",
    "set",       "result",     "error"};

bool needs_escape(std::string_view text) { return text.find_first_of("&<>'\"") != text.npos; }

void append_attribute(std::string& out, std::string_view name, std::string_view value, bool escape) {
  out.append(name);
  if (escape)
    append_escaped(out, value);
  else
    out.append(value);
  out += '\'';
}

}  // namespace

std::string_view name_of(Kind kind) {
  static constexpr std::string_view names[] = {"message", "presence", "iq"};
  return names[static_cast<int>(kind)];
}

std::string_view name_of(Type type) { return type_names[static_cast<int>(type)]; }

std::optional<Kind> kind_of(std::string_view local) {
  if (local == "message") return Kind::message;
  if (local == "presence") return Kind::presence;
  if (local == "iq") return Kind::iq;
  return std::nullopt;
}

std::optional<Type> type_of(Kind kind, std::string_view raw) {
  if (raw == "error") return Type::error;
  const auto among = [&](Type first, Type last) -> std::optional<Type> {
    for (int t = static_cast<int>(first); t <= static_cast<int>(last); ++t)
      if (type_names[t] == raw) return static_cast<Type>(t);
    return std::nullopt;
  };
  if (kind == Kind::message) return among(Type::normal, Type::headline).value_or(Type::normal);
  if (kind == Kind::presence) return raw.empty() ? Type::available : among(Type::unavailable, Type::probe);
  return among(Type::get, Type::result);
}

struct Stanza::Parts {
  StanzaHeader header;
  std::string_view raw_id, raw_lang, extra, bytes;
  std::uint32_t inside_at, inside_size;
  std::span<const TapeEntry> tape;
  bool escape_lang = false;
};

void intrusive_ptr_release(const Stanza* s) {
  if (s->references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  s->~Stanza();
  ::operator delete(const_cast<void*>(static_cast<const void*>(s)));
}

StanzaRef Stanza::assemble(const Parts& parts) {
  const auto tape_bytes = parts.tape.size_bytes();
  const std::size_t size = sizeof(Stanza) + tape_bytes + parts.header.from.text().size() +
                           parts.header.to.text().size() + parts.raw_id.size() + parts.raw_lang.size() +
                           parts.extra.size() + parts.bytes.size();
  char* memory = static_cast<char*>(::operator new(size));
  auto* made = new (memory) Stanza;
  char* at = memory + sizeof(Stanza);
  memcpy(at, parts.tape.data(), tape_bytes);
  at += tape_bytes;
  const auto put = [&](std::string_view text) {
    if (!text.empty()) memcpy(at, text.data(), text.size());
    at += text.size();
    return std::string_view{at - text.size(), text.size()};
  };
  made->kind_ = parts.header.kind;
  made->type_ = parts.header.type;
  made->from_ = JidView::of_prepared(put(parts.header.from.text()));
  made->to_ = JidView::of_prepared(put(parts.header.to.text()));
  made->escape_from_ = needs_escape(made->from_.resourcepart());
  made->escape_to_ = needs_escape(made->to_.resourcepart());
  made->raw_id_ = put(parts.raw_id);
  made->raw_lang_ = put(parts.raw_lang);
  made->extra_ = put(parts.extra);
  made->bytes_at_ = static_cast<std::uint32_t>(at - memory);
  put(parts.bytes);
  made->bytes_size_ = static_cast<std::uint32_t>(parts.bytes.size());
  made->tape_size_ = static_cast<std::uint32_t>(parts.tape.size());
  made->inside_at_ = parts.inside_at;
  made->inside_size_ = parts.inside_size;
  made->memory_ = static_cast<std::uint32_t>(size);
  return StanzaRef{made};
}

namespace {

// Raw values may stand in either kind of quotes; what is written stands in single ones.
std::string_view single_quoted(std::string_view raw, std::string& room) {
  if (raw.find('\'') == raw.npos) return raw;
  room.clear();
  for (char c : raw) {
    if (c == '\'')
      room += "&apos;";
    else
      room += c;
  }
  return room;
}

// Attributes that XMPP does not define travel along (RFC 6120 §8.4).
void append_other_attributes(std::string& out, std::string_view bytes, std::span<const TapeEntry> tape) {
  for (std::size_t i = 1; i < tape.size() && tape[i].kind == TapeKind::attribute; ++i) {
    const auto& a = tape[i];
    const auto name = bytes.substr(a.at, a.name_size);
    if (name == "to" || name == "from" || name == "id" || name == "type" || name == "xml:lang" || name == "xmlns")
      continue;
    out.append(" ").append(bytes.substr(a.at, a.next - a.at + 1));
  }
}

}  // namespace

StanzaRef Stanza::make(const XmlReader& reader, const StanzaHeader& header) {
  const Element e = reader.element();
  const auto bytes = reader.element_bytes();
  const auto inside = reader.inside();
  std::string extra, id_room, lang_room;
  append_other_attributes(extra, bytes, reader.element_tape());
  Parts parts{.header = header,
              .raw_id = single_quoted(e.raw_attribute("id"), id_room),
              .raw_lang = single_quoted(e.raw_attribute("xml:lang"), lang_room),
              .extra = extra,
              .bytes = bytes,
              .inside_at = static_cast<std::uint32_t>(inside.data() - bytes.data()),
              .inside_size = static_cast<std::uint32_t>(inside.size()),
              .tape = reader.element_tape()};
  std::string stream_lang;
  if (parts.raw_lang.empty() && !header.lang.empty() && !e.has_attribute("xml:lang")) {
    append_escaped(stream_lang, header.lang);
    parts.raw_lang = stream_lang;
  }
  return assemble(parts);
}

namespace {

// A reader for what the server itself writes or has stored.
struct OwnReader {
  ReaderScratch scratch;
  XmlReader reader{XmlLimits{.bytes = 64U << 20, .elements = 16U << 20, .depth = 1000}};
  std::string padded;

  OwnReader() {
    const std::string_view header =
        "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
    feed(header);
    reader.next();
    reader.next();
  }
  void feed(std::string_view xml) {
    padded.assign(xml).append(XmlReader::padding, '\0');
    reader.feed(scratch, padded.data(), xml.size());
  }
  bool read(std::string_view xml) {
    feed(xml);
    return reader.next() == XmlReader::Event::element;
  }
};

}  // namespace

StanzaRef Stanza::make(const StanzaHeader& header, std::string_view id, std::string_view payload) {
  std::string xml{"<"};
  xml.append(name_of(header.kind));
  if (!id.empty()) {
    xml += " id='";
    append_escaped(xml, id);
    xml += '\'';
  }
  xml.append(">").append(payload).append("</").append(name_of(header.kind)).append(">");
  OwnReader own;
  check(own.read(xml), "the server wrote XML that is not well-formed");
  return make(own.reader, header);
}

StanzaRef Stanza::from_xml(std::string_view xml) {
  OwnReader own;
  if (!own.read(xml)) return {};
  const Element e = own.reader.element();
  const auto kind = kind_of(e.local());
  if (!kind) return {};
  const auto type = type_of(*kind, e.attribute("type"));
  const auto from = Jid::parse(e.attribute("from")), to = Jid::parse(e.attribute("to"));
  if (!type) return {};
  return make(own.reader, {*kind, *type, from ? JidView(*from) : JidView(), to ? JidView(*to) : JidView()});
}

StanzaRef Stanza::with(JidView from, JidView to) const {
  return assemble({.header = {kind_, type_, from, to},
                   .raw_id = raw_id_,
                   .raw_lang = raw_lang_,
                   .extra = extra_,
                   .bytes = {bytes(), bytes_size_},
                   .inside_at = inside_at_,
                   .inside_size = inside_size_,
                   .tape = {tape(), tape_size_}});
}

void Stanza::write(std::string& out, JidView to) const {
  const auto name = name_of(kind_);
  out += '<';
  out += name;
  if (!to.empty())
    append_attribute(out, " to='", to.text(), needs_escape(to.resourcepart()));
  else if (!to_.empty())
    append_attribute(out, " to='", to_.text(), escape_to_);
  if (!from_.empty()) append_attribute(out, " from='", from_.text(), escape_from_);
  if (const auto type = name_of(type_); !type.empty()) append_attribute(out, " type='", type, false);
  if (!raw_id_.empty()) append_attribute(out, " id='", raw_id_, false);
  if (!raw_lang_.empty()) append_attribute(out, " xml:lang='", raw_lang_, false);
  out += extra_;
  if (inside_size_ == 0) {
    out += "/>";
    return;
  }
  out += '>';
  out.append(bytes() + inside_at_, inside_size_);
  out.append("</").append(name).append(">");
}

std::string Stanza::xml() const {
  std::string out;
  write(out);
  return out;
}

StanzaRef error_reply(const Stanza& stanza, const StanzaError& error) {
  if (stanza.type() == Type::error || stanza.type() == Type::result) return {};
  return Stanza::make({stanza.kind(), Type::error, stanza.to(), stanza.from()}, unescaped(stanza.raw_id()),
                      error.xml());
}

StanzaRef result_reply(const Stanza& request, std::string_view payload) {
  return Stanza::make({Kind::iq, Type::result, request.to(), request.from()}, unescaped(request.raw_id()), payload);
}

}  // namespace jackdaw
