// Node: XML as the runner sees it, parsed by expat, so that the server's own reader is not its own judge. StreamReader
// cuts a stream into its header, first-level elements and end.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct XML_ParserStruct;

namespace jackdaw::talks {

constexpr std::string_view client_namespace = "jabber:client";
constexpr std::string_view stream_namespace = "http://etherx.jabber.org/streams";

struct Node {
  std::string ns, local;                          // an empty name is text
  std::map<std::string, std::string> attributes;  // by local name, or "namespace local" when it has one
  std::vector<Node> children;
  std::string text;

  bool is_text() const { return local.empty(); }
  bool is(std::string_view a_ns, std::string_view a_local) const { return ns == a_ns && local == a_local; }
  const Node* child(std::string_view a_ns, std::string_view a_local) const;
  // Empty when there is none.
  std::string attribute(const std::string& name) const;
  std::string all_text() const;
  bool is_stanza() const;
  // For people; namespaces are written where they change.
  std::string xml(std::string_view around = client_namespace) const;
};

// One element of a talk: the default namespace is jabber:client and the prefix stream is declared. Empty: it is not
// well-formed, and `why` says so.
std::optional<Node> parse_element(std::string_view xml, std::string& why);

struct StreamEvent {
  enum class What { header, element, end, malformed } what;
  Node node = {};
};

class StreamReader {
 public:
  StreamReader();
  ~StreamReader();
  StreamReader(const StreamReader&) = delete;
  // Bytes of the server; events() grows.
  void feed(std::string_view bytes);
  // A new stream on the same connection (RFC 6120 §4.3.3).
  void restart();
  std::deque<StreamEvent>& events() { return events_; }

 private:
  void open(Node node);
  void close();
  void characters(std::string_view text);
  friend struct StreamReaderCalls;

  XML_ParserStruct* parser_ = nullptr;
  std::vector<Node> open_;  // the header first
  std::deque<StreamEvent> events_;
  bool broken_ = false;
};

}  // namespace jackdaw::talks
