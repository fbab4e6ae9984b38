// SPDX-License-Identifier: Apache-2.0
#include "router/disco_answer.h"

#include <algorithm>

#include "base/bytes.h"

namespace jackdaw {
namespace {

void append_attribute(std::string& out, std::string_view name, std::string_view value) {
  out.append(" ").append(name).append("='");
  append_escaped(out, value);
  out += '\'';
}

void append_values(std::string& out, const std::vector<std::string>& values) {
  for (const auto& value : values) out.append("<value>").append(escaped(value)).append("</value>");
}

void append_form(std::string& out, const DiscoForm& form) {
  out += "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'>";
  append_values(out, {form.type});
  out += "</field>";
  for (const auto& field : form.fields) {
    out += "<field";
    append_attribute(out, "var", field.name);
    // XEP-0004 §3.3: in a result a field's type may be left out, but then it is text-single: say that it is a list.
    out += " type='list-multi'>";
    append_values(out, field.values);
    out += "</field>";
  }
  out += "</x>";
}

template <class T, class F>
void sort_by(std::vector<T>& items, F key) {
  std::sort(items.begin(), items.end(), [&](const T& a, const T& b) { return key(a) < key(b); });
}

}  // namespace

DiscoInfo disco_info_of(Domain& domain, To where) {
  DiscoInfo info{.identities = domain.identities(where), .features = domain.features(where)};
  for (const auto& make : domain.disco_forms()) {
    if (where != To::domain) break;
    DiscoForm form = make(domain);
    if (!form.fields.empty()) info.forms.push_back(std::move(form));
  }
  for (const auto& change : domain.disco_changes()) change(where, info);
  return info;
}

std::string xml_of(const DiscoInfo& info) {
  std::string out;
  for (const auto& identity : info.identities) {
    out += "<identity";
    append_attribute(out, "category", identity.category);
    append_attribute(out, "type", identity.type);
    if (!identity.name.empty()) append_attribute(out, "name", identity.name);
    out += "/>";
  }
  for (const auto& feature : info.features) {
    out += "<feature";
    append_attribute(out, "var", feature);
    out += "/>";
  }
  for (const auto& form : info.forms) append_form(out, form);
  return out;
}

std::string verification_string(DiscoInfo info) {
  std::string text;
  // No identity of ours has a language: two slashes behind the type.
  sort_by(info.identities, [](const Identity& i) { return std::tie(i.category, i.type); });
  for (const auto& i : info.identities) text.append(i.category + '/' + i.type + "//" + i.name + '<');
  std::ranges::sort(info.features);
  for (const auto& feature : info.features) text.append(feature).append("<");
  sort_by(info.forms, [](const DiscoForm& f) -> const std::string& { return f.type; });
  for (auto& form : info.forms) {
    text.append(form.type).append("<");
    sort_by(form.fields, [](const DiscoForm::Field& f) -> const std::string& { return f.name; });
    for (auto& field : form.fields) {
      text.append(field.name).append("<");
      std::sort(field.values.begin(), field.values.end());
      for (const auto& value : field.values) text.append(value).append("<");
    }
  }
  return to_base64(sha1(text));
}

}  // namespace jackdaw
