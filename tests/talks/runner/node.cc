// SPDX-License-Identifier: Apache-2.0
#include "node.h"

#include <expat.h>

#include <algorithm>

namespace jackdaw::talks {
namespace {

void append_escaped(std::string& out, std::string_view text) {
  for (char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '\'')
      out += "&apos;";
    else
      out += c;
  }
}

// Expat writes "namespace\nlocal".
Node made_of(const char* name, const char** attributes) {
  Node node;
  const std::string full = name;
  const auto cut = full.find('\n');
  node.local = cut == full.npos ? full : full.substr(cut + 1);
  if (cut != full.npos) node.ns = full.substr(0, cut);
  for (; *attributes; attributes += 2) {
    std::string key = attributes[0];
    std::replace(key.begin(), key.end(), '\n', ' ');
    node.attributes[key] = attributes[1];
  }
  return node;
}

void append_text(Node& parent, std::string_view text) {
  if (parent.children.empty() || !parent.children.back().is_text()) parent.children.emplace_back();
  parent.children.back().text += text;
}

}  // namespace

const Node* Node::child(std::string_view a_ns, std::string_view a_local) const {
  for (const Node& c : children)
    if (c.is(a_ns, a_local)) return &c;
  return nullptr;
}

std::string Node::attribute(const std::string& name) const {
  const auto found = attributes.find(name);
  return found == attributes.end() ? std::string{} : found->second;
}

std::string Node::all_text() const {
  if (is_text()) return text;
  std::string out;
  for (const Node& c : children) out += c.all_text();
  return out;
}

bool Node::is_stanza() const {
  return ns == client_namespace && (local == "message" || local == "presence" || local == "iq");
}

std::string Node::xml(std::string_view around) const {
  std::string out;
  if (is_text()) return append_escaped(out, text), out;
  const bool streams = ns == stream_namespace;
  const std::string name = streams ? "stream:" + local : local;
  out = '<' + name;
  if (ns != around && !streams) out += " xmlns='" + ns + '\'';
  for (const auto& [key, value] : attributes) {
    const auto cut = key.rfind(' ');
    out += ' ' + (cut == key.npos ? key : "xml:" + key.substr(cut + 1)) + "='";
    append_escaped(out, value);
    out += '\'';
  }
  if (children.empty()) return out + "/>";
  out += '>';
  for (const Node& c : children) out += c.xml(streams ? around : std::string_view{ns});
  return out + "</" + name + '>';
}

struct StreamReaderCalls {
  static void start(void* self, const char* name, const char** attributes) {
    static_cast<StreamReader*>(self)->open(made_of(name, attributes));
  }
  static void end(void* self, const char*) { static_cast<StreamReader*>(self)->close(); }
  static void text(void* self, const char* bytes, int size) {
    static_cast<StreamReader*>(self)->characters({bytes, static_cast<std::size_t>(size)});
  }
};

StreamReader::StreamReader() { restart(); }
StreamReader::~StreamReader() { XML_ParserFree(parser_); }

void StreamReader::restart() {
  if (parser_) XML_ParserFree(parser_);
  parser_ = XML_ParserCreateNS(nullptr, '\n');
  XML_SetUserData(parser_, this);
  XML_SetElementHandler(parser_, StreamReaderCalls::start, StreamReaderCalls::end);
  XML_SetCharacterDataHandler(parser_, StreamReaderCalls::text);
  open_.clear();
  broken_ = false;
}

void StreamReader::feed(std::string_view bytes) {
  if (broken_) return;
  if (XML_Parse(parser_, bytes.data(), static_cast<int>(bytes.size()), 0) == XML_STATUS_OK) return;
  broken_ = true;
  Node why;
  why.text = XML_ErrorString(XML_GetErrorCode(parser_));
  events_.push_back({StreamEvent::What::malformed, why});
}

void StreamReader::open(Node node) {
  if (open_.empty()) events_.push_back({StreamEvent::What::header, node});
  open_.push_back(std::move(node));
}

void StreamReader::close() {
  Node done = std::move(open_.back());
  open_.pop_back();
  if (open_.empty())
    events_.push_back({StreamEvent::What::end, {}});
  else if (open_.size() == 1)
    events_.push_back({StreamEvent::What::element, std::move(done)});
  else
    open_.back().children.push_back(std::move(done));
}

void StreamReader::characters(std::string_view text) {
  if (open_.size() > 1) append_text(open_.back(), text);
}

std::optional<Node> parse_element(std::string_view xml, std::string& why) {
  StreamReader reader;
  reader.feed("<w xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>");
  reader.events().clear();
  std::string whole{xml};
  // A stream header is open; a talk writes it as it is sent.
  if (whole.starts_with("<stream:stream") && whole.find("</stream:stream>") == whole.npos && !whole.ends_with("/>"))
    whole += "</stream:stream>";
  reader.feed(whole);
  auto& events = reader.events();
  if (events.size() == 1 && events[0].what == StreamEvent::What::element) return std::move(events[0].node);
  why = events.empty()                                   ? "it has no end"
        : events[0].what == StreamEvent::What::malformed ? events[0].node.text
                                                         : "it is not one element";
  return std::nullopt;
}

}  // namespace jackdaw::talks
