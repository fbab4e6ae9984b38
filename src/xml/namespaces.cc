// Namespaces in XML 1.0: what may be declared, and whether every prefix stands for something.
// SPDX-License-Identifier: Apache-2.0
#include "xml/reader.h"
#include "xml/rewrite.h"
#include "xml/scan.h"

namespace jackdaw {
namespace {

constexpr std::string_view xmlns_ns = "http://www.w3.org/2000/xmlns/";

std::string_view prefix_of(std::string_view name) { return name.substr(0, name.find(':')); }

}  // namespace

// What a prefix stands for: the namespace as it is written (null data: nothing) and the depth of the element that
// declares it; 0 is the stream header.
struct XmlReader::Resolved {
  std::string_view ns;
  std::uint32_t depth = 0;
};

XmlReader::Resolved XmlReader::resolve(std::string_view prefix) const {
  const auto& scope = scratch_->scope;
  for (auto i = scope.size(); i-- > 0;)
    if (at(scope[i].prefix_at, scope[i].prefix_size) == prefix)
      return {at(scope[i].ns_at, scope[i].ns_size), scope[i].depth};
  if (prefix.empty()) return {content_ns_};
  if (prefix == "xml") return {xml_ns};
  for (const auto& [declared, ns] : declared_)
    if (declared == prefix) return {ns};
  return {};
}

// Namespaces in XML 1.0 §3 and §5: what may be declared.
bool XmlReader::declare(const TapeEntry& a) {
  const std::string_view name = at(a.at, a.name_size);
  const std::string_view prefix = name.size() > 6 ? name.substr(6) : std::string_view{};
  const std::string_view raw = at(a.end, a.next - a.end);
  auto& scope = scratch_->scope;
  if (raw.size() > max_namespace_size || scope.size() + declared_.size() >= max_declarations)
    return refuse(XmlError::too_many_namespaces);
  std::string decoded;
  std::string_view value = raw;
  if (a.flags & (tape_flag::references | tape_flag::odd)) value = decoded = attribute_text(raw);
  if (prefix == "xmlns" || value == xmlns_ns) return refuse(XmlError::not_well_formed);
  if ((prefix == "xml") != (value == xml_ns)) return refuse(XmlError::not_well_formed);
  if (!prefix.empty() && value.empty()) return refuse(XmlError::not_well_formed);
  if (plain_ && !is_plain_declaration(a, prefix, value)) plain_ = false;
  if (prefix.empty()) scratch_->tape[tag_index_].flags |= tape_flag::own_ns;
  scope.emplace_back(prefix.empty() ? 0 : a.at + 6, static_cast<std::uint32_t>(prefix.size()), a.end, a.next - a.end,
                     static_cast<std::uint32_t>(scratch_->open.size() + 1));
  return true;
}

// In the plain form a namespace has one spelling, and what is inside a stanza does not name the stream's own namespace,
// so that it may travel between jabber:client and jabber:server (RFC 6120 §4.8.3).
bool XmlReader::is_plain_declaration(const TapeEntry& a, std::string_view prefix, std::string_view value) const {
  const std::string_view raw = at(a.end, a.next - a.end);
  if (scan::has_escaped(raw.data(), raw.size()) && raw != spelled_namespace(value)) return false;
  if (!prefix.empty() || scratch_->open.empty() || raw != content_ns_) return true;
  return resolve({}).ns != raw;
}

// Of the start tag that is the last on the tape.
bool XmlReader::check_prefixes() {
  const auto& element = scratch_->tape[tag_index_];
  const auto depth = static_cast<std::uint32_t>(scratch_->open.size() + 1);
  if (element.flags & tape_flag::prefixed) {
    const auto prefix = prefix_of(at(element.at, element.name_size));
    // Namespaces in XML 1.0 §3: no element has the prefix xmlns; one with xml has no plain form.
    if (prefix == "xml" || prefix == "xmlns" || !resolve(prefix).ns.data())
      return refuse(XmlError::bad_namespace_prefix);
  }
  return tag_prefixed_ == 0 || check_attribute_prefixes(depth);
}

bool XmlReader::check_attribute_prefixes(std::uint32_t depth) {
  struct Expanded {
    std::string ns;  // decoded
    std::string_view local;
  };
  std::vector<Expanded> seen;
  seen.reserve(tag_prefixed_);
  for (auto i = tag_index_ + 1; i < scratch_->tape.size(); ++i) {
    const auto& a = scratch_->tape[i];
    if (!(a.flags & tape_flag::prefixed)) continue;
    const auto name = at(a.at, a.name_size);
    const auto prefix = prefix_of(name);
    const auto found = resolve(prefix);
    if (!found.ns.data()) return refuse(XmlError::bad_namespace_prefix);
    if (found.depth != depth) plain_ = false;
    if (tag_prefixed_ == 1) return true;
    seen.push_back({attribute_text(found.ns), name.substr(prefix.size() + 1)});
    // Namespaces in XML 1.0 §6.3: no attribute twice, whatever its prefixes.
    for (std::size_t other = 0; other + 1 < seen.size(); ++other)
      if (seen[other].local == seen.back().local && seen[other].ns == seen.back().ns)
        return refuse(XmlError::not_well_formed);
  }
  return true;
}

}  // namespace jackdaw
