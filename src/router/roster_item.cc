// SPDX-License-Identifier: Apache-2.0
#include "router/roster_item.h"

#include "xml/tape.h"

namespace jackdaw {
namespace {

constexpr char separator = '\x1f';

}  // namespace

std::string item_xml(const RosterItem& item) {
  std::string out = "<item jid='";
  append_escaped(out, item.jid.text());
  out.append("' subscription='").append(name_of(item.subscription)).append("'");
  if (!item.name.empty()) {
    out += " name='";
    append_escaped(out, item.name);
    out += '\'';
  }
  if (item.ask) out += " ask='subscribe'";
  if (item.approved) out += " approved='true'";
  if (item.groups.empty()) return out + "/>";
  out += '>';
  for (const auto& group : item.groups) {
    out += "<group>";
    append_escaped(out, group);
    out += "</group>";
  }
  return out + "</item>";
}

std::string removed_item_xml(const RosterItem& item) {
  return "<item jid='" + escaped(item.jid.text()) + "' subscription='remove'/>";
}

std::string stored_form(const RosterItem& item) {
  std::string out{name_of(item.subscription)};
  for (bool flag : {item.ask, item.approved, item.in_roster}) (out += separator) += flag ? '1' : '0';
  (out += separator) += item.name;
  (out += separator) += item.pending_in;
  for (const auto& group : item.groups) (out += separator) += group;
  return out;
}

std::optional<RosterItem> roster_item_of(const std::string& jid, const std::string& stored) {
  std::vector<std::string> fields;
  for (std::size_t at = 0; at <= stored.size();) {
    const auto end = std::min(stored.find(separator, at), stored.size());
    fields.push_back(stored.substr(at, end - at));
    at = end + 1;
  }
  const auto bare = BareJid::parse(jid);
  if (!bare || fields.size() < 6) return std::nullopt;
  RosterItem item{.jid = *bare};
  for (auto s : {Subscription::none, Subscription::to, Subscription::from, Subscription::both})
    if (fields[0] == name_of(s)) item.subscription = s;
  item.ask = fields[1] == "1";
  item.approved = fields[2] == "1";
  item.in_roster = fields[3] == "1";
  item.name = fields[4];
  item.pending_in = fields[5];
  item.groups.assign(fields.begin() + 6, fields.end());
  return item;
}

}  // namespace jackdaw
