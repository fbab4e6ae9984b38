// SPDX-License-Identifier: Apache-2.0
#include "match.h"

#include <fmt/format.h>

#include <algorithm>

namespace jackdaw::talks {
namespace {

enum class Rest { refused, allowed };

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return {};
  return std::string{text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1)};
}

// The first placeholder at or behind `from`: its place, size and name.
struct Placeholder {
  std::size_t at = std::string_view::npos, size = 0;
  std::string name;
};

Placeholder find_placeholder(std::string_view text, std::size_t from) {
  for (auto at = text.find('{', from); at != text.npos; at = text.find('{', at + 1)) {
    const auto end = text.find('}', at);
    if (end == text.npos) break;
    const auto name = text.substr(at + 1, end - at - 1);
    const bool is_word = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
    if (is_word) return {at, end - at + 1, std::string{name}};
  }
  return {};
}

// Placeholders take as little as what follows them allows.
bool text_fits(std::string_view pattern, std::string_view text, Captures& captures) {
  const std::string known = with_captures(pattern, captures);
  const Placeholder hole = find_placeholder(known, 0);
  if (hole.at == std::string_view::npos) return known == text;
  if (text.substr(0, hole.at) != std::string_view{known}.substr(0, hole.at)) return false;
  const std::string_view rest = std::string_view{known}.substr(hole.at + hole.size);
  for (std::size_t size = 0; hole.at + size <= text.size(); ++size) {
    Captures tried = captures;
    if (hole.name != "any" && hole.name != "maybe") tried[hole.name] = std::string{text.substr(hole.at, size)};
    if (!text_fits(rest, text.substr(hole.at + size), tried)) continue;
    captures = std::move(tried);
    return true;
  }
  return false;
}

std::string attributes_differ(const Node& expected, const Node& got, Captures& captures, Rest rest) {
  for (const auto& [name, pattern] : expected.attributes) {
    const auto found = got.attributes.find(name);
    if (found == got.attributes.end()) {
      if (pattern == "{maybe}") continue;
      return "<" + got.local + "> has no attribute " + name;
    }
    if (!text_fits(pattern, found->second, captures))
      return "<" + got.local + "> has " + name + "='" + found->second + "' instead of '" +
             with_captures(pattern, captures) + "'";
  }
  if (rest == Rest::allowed) return {};
  for (const auto& [name, value] : got.attributes)
    if (!expected.attributes.contains(name))
      return fmt::format("<{}> has an attribute {}='{}'", got.local, name, value);
  return {};
}

// Child elements, and the text between them when there is any; white space between elements is layout.
std::vector<const Node*> significant(const Node& node) {
  const bool has_elements =
      std::any_of(node.children.begin(), node.children.end(), [](const Node& c) { return !c.is_text(); });
  std::vector<const Node*> out;
  for (const Node& c : node.children)
    if (!c.is_text() || !has_elements || !trimmed(c.text).empty()) out.push_back(&c);
  return out;
}

std::string differs(const Node& expected, const Node& got, Captures& captures, Rest rest);

// Each expected child is somewhere; others may be there too.
std::string children_missing(const std::vector<const Node*>& wanted, const Node& got, Captures& captures) {
  std::vector<const Node*> there;
  for (const Node& c : got.children)
    if (!c.is_text()) there.push_back(&c);
  for (const Node* want : wanted) {
    if (want->is_text()) continue;
    const auto found = std::find_if(there.begin(), there.end(), [&](const Node* c) {
      Captures tried = captures;
      if (!differs(*want, *c, tried, Rest::refused).empty()) return false;
      captures = std::move(tried);
      return true;
    });
    if (found == there.end()) return "<" + got.local + "> lacks " + want->xml(got.ns);
    there.erase(found);
  }
  return {};
}

std::string children_differ(const Node& expected, const Node& got, Captures& captures, Rest rest) {
  const auto wanted = significant(expected), there = significant(got);
  const bool open = rest == Rest::allowed || std::any_of(wanted.begin(), wanted.end(), [&](const Node* c) {
                      return c->is_text() && trimmed(c->text) == "{any}" &&
                             (wanted.size() > 1 || there.size() != 1 || !there[0]->is_text());
                    });
  if (open) return children_missing(wanted, got, captures);
  for (std::size_t i = 0; i < std::max(wanted.size(), there.size()); ++i) {
    if (i >= there.size()) return "<" + got.local + "> lacks " + wanted[i]->xml(got.ns);
    if (i >= wanted.size()) return "<" + got.local + "> has also " + there[i]->xml(got.ns);
    if (auto why = differs(*wanted[i], *there[i], captures, Rest::refused); !why.empty()) return why;
  }
  return {};
}

std::string differs(const Node& expected, const Node& got, Captures& captures, Rest rest) {
  if (expected.is_text() || got.is_text()) {
    if (expected.is_text() && got.is_text() && text_fits(expected.text, got.text, captures)) return {};
    return "'" + got.xml() + "' is not '" + with_captures(expected.xml(), captures) + "'";
  }
  if (!expected.is(got.ns, got.local))
    return "it is " + got.local + " of " + got.ns + ", not " + expected.local + " of " + expected.ns;
  if (auto why = attributes_differ(expected, got, captures, rest); !why.empty()) return why;
  return children_differ(expected, got, captures, rest);
}

std::string compared(const Node& expected, const Node& got, Captures& captures, Rest rest) {
  Captures tried = captures;
  auto why = differs(expected, got, tried, rest);
  if (why.empty()) captures = std::move(tried);
  return why;
}

}  // namespace

std::string with_captures(std::string_view text, const Captures& captures) {
  std::string out{text};
  for (auto hole = find_placeholder(out, 0); hole.at != std::string::npos;) {
    const auto found = captures.find(hole.name);
    if (found != captures.end()) out.replace(hole.at, hole.size, found->second);
    hole = find_placeholder(out, hole.at + (found != captures.end() ? found->second.size() : hole.size));
  }
  return out;
}

std::string mismatch(const Node& expected, const Node& got, Captures& captures) {
  return compared(expected, got, captures, Rest::refused);
}

std::string mismatch_of_part(const Node& expected, const Node& got, Captures& captures) {
  return compared(expected, got, captures, Rest::allowed);
}

}  // namespace jackdaw::talks
