// Walks the tape and writes each token anew. Start reading at Rewriter::run().
// SPDX-License-Identifier: Apache-2.0
#include "xml/rewrite.h"

#include <algorithm>

namespace jackdaw {
namespace {

// Line ends and tabs that came as references must stay references (XML 1.0 §2.11, §3.3.3).
constexpr std::string_view special_in_values = "&<'\t\n\r", special_in_text = "&<>\r";

// XML 1.0 §2.11: CR LF and CR are one line end.
std::string with_plain_lines(std::string_view raw) {
  std::string lines;
  lines.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\r')
      lines += raw[i];
    else if (i + 1 >= raw.size() || raw[i + 1] != '\n')
      lines += '\n';
  }
  return lines;
}

struct Scoped {
  std::string_view prefix;
  std::string ns;
  std::size_t depth;
};

struct Open {
  std::string_view name;  // as it is written
  std::uint32_t next;     // tape index behind it
  bool declares = false;  // writes a default namespace
  std::string outer_ns;   // then: the one around it
};

class Rewriter {
 public:
  Rewriter(ReaderScratch& scratch, const char* base, std::string_view content_ns, const DeclaredPrefixes& declared)
      : tape_(scratch.tape), out_(scratch.rewritten), base_(base), written_ns_(content_ns) {
    for (const auto& [prefix, ns] : declared) scope_.push_back({prefix, ns, 0});
    scope_.push_back({{}, std::string(content_ns), 0});
  }

  XmlError run(std::size_t limit) {
    out_.clear();
    for (std::uint32_t i = 0; i < tape_.size();) {
      while (!open_.empty() && open_.back().next == i) close();
      i = tape_[i].kind == TapeKind::element ? start(i) : text(i);
      if (out_.size() > limit) return XmlError::too_big;
    }
    while (!open_.empty()) close();
    return out_.size() > limit ? XmlError::too_big : XmlError::none;
  }

 private:
  std::string_view bytes(std::uint32_t from, std::uint32_t to) const { return {base_ + from, to - from}; }

  const std::string& resolve(std::string_view prefix) const {
    static const std::string none, xml{xml_ns};
    for (auto i = scope_.size(); i-- > 0;)
      if (scope_[i].prefix == prefix) return scope_[i].ns;
    return prefix == "xml" ? xml : none;
  }

  std::uint32_t start(std::uint32_t index) {
    const auto& e = tape_[index];
    std::uint32_t behind = index + 1;
    for (; behind < e.next && tape_[behind].kind == TapeKind::attribute; ++behind) declare(tape_[behind]);
    std::string_view name = bytes(e.at, e.at + e.name_size);
    const auto colon = name.find(':');
    const std::string& ns = resolve(colon == name.npos ? std::string_view{} : name.substr(0, colon));
    if (colon != name.npos) name.remove_prefix(colon + 1);
    open_.push_back({.name = name, .next = e.next, .outer_ns = {}});
    out_.append("<").append(name);
    if (ns != written_ns_) {
      out_ += " xmlns='";
      out_ += spelled_namespace(ns);
      out_ += '\'';
      open_.back().declares = true;
      open_.back().outer_ns = std::exchange(written_ns_, ns);
    }
    attributes(index + 1, behind);
    out_ += '>';
    return behind;
  }

  void declare(const TapeEntry& a) {
    if (!(a.flags & tape_flag::declaration)) return;
    const auto name = bytes(a.at, a.at + a.name_size);
    scope_.push_back({name.size() > 6 ? name.substr(6) : std::string_view{}, value(a), open_.size() + 1});
  }

  // A prefix that attributes use is declared on their own element: nothing leans on what is around.
  void attributes(std::uint32_t from, std::uint32_t to) {
    std::vector<std::string_view> written;
    for (auto i = from; i < to; ++i) {
      const auto& a = tape_[i];
      if (a.flags & tape_flag::declaration) continue;
      const auto name = bytes(a.at, a.at + a.name_size);
      const auto prefix = name.substr(0, a.flags & tape_flag::prefixed ? name.find(':') : 0);
      if (!prefix.empty() && std::find(written.begin(), written.end(), prefix) == written.end()) {
        written.push_back(prefix);
        out_.append(" xmlns:").append(prefix).append("='");
        out_ += spelled_namespace(resolve(prefix));
        out_ += '\'';
      }
      out_.append(" ").append(name).append("='");
      append_escaped(out_, value(a), special_in_values);
      out_ += '\'';
    }
  }

  std::string value(const TapeEntry& a) const { return attribute_text(bytes(a.end, a.next)); }

  std::uint32_t text(std::uint32_t index) {
    const auto& t = tape_[index];
    const auto raw = bytes(t.at, t.end);
    const std::string lines =
        t.flags & tape_flag::odd || t.flags & tape_flag::cdata ? with_plain_lines(raw) : std::string(raw);
    append_escaped(out_, t.flags & tape_flag::cdata ? lines : unescaped(lines), special_in_text);
    return index + 1;
  }

  void close() {
    out_.append("</").append(open_.back().name).append(">");
    if (open_.back().declares) written_ns_ = std::move(open_.back().outer_ns);
    while (scope_.back().depth > 0 && scope_.back().depth >= open_.size()) scope_.pop_back();
    open_.pop_back();
  }

  const std::vector<TapeEntry>& tape_;
  std::string& out_;
  const char* base_;
  std::string written_ns_;
  std::vector<Scoped> scope_;
  std::vector<Open> open_;
};

}  // namespace

std::string attribute_text(std::string_view raw) {
  std::string normal;
  normal.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '\r' && i + 1 < raw.size() && raw[i + 1] == '\n') continue;
    normal += raw[i] == '\n' || raw[i] == '\r' || raw[i] == '\t' ? ' ' : raw[i];
  }
  return normal.find('&') == normal.npos ? normal : unescaped(normal);
}

std::string spelled_namespace(std::string_view ns) {
  std::string out;
  append_escaped(out, ns, "&<>'\"\t\n\r");
  return out;
}

XmlError rewrite_element(ReaderScratch& scratch, const char* base, std::string_view content_ns,
                         const DeclaredPrefixes& declared, std::size_t limit) {
  return Rewriter{scratch, base, content_ns, declared}.run(limit);
}

}  // namespace jackdaw
