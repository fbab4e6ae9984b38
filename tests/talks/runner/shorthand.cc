// SPDX-License-Identifier: Apache-2.0
#include "shorthand.h"

#include <sstream>

#include "sasl.h"

namespace jackdaw::talks {
namespace {

// The type of an error as RFC 6120 §8.3.3 names it; written down here again on purpose.
std::string type_of_condition(const std::string& condition) {
  for (const char* name : {"bad-request", "jid-malformed", "not-acceptable", "policy-violation", "redirect"})
    if (condition == name) return "modify";
  for (const char* name : {"forbidden", "not-authorized", "registration-required", "subscription-required"})
    if (condition == name) return "auth";
  for (const char* name :
       {"recipient-unavailable", "remote-server-timeout", "resource-constraint", "unexpected-request"})
    if (condition == name) return "wait";
  return condition == "undefined-condition" ? "{any}" : "cancel";
}

std::string unescaped_bytes(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    switch (text[++i]) {
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 't':
        out += '\t';
        break;
      case 'x':
        out += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
        i += 2;
        break;
      default:
        out += text[i];
    }
  }
  return out;
}

// What {300*text}, {base64:text} and {sha1:text} stand for; empty when it is none.
std::optional<std::string> replaced(const std::string& inside) {
  if (inside.starts_with("base64:")) return base64(inside.substr(7));
  if (inside.starts_with("sha1:")) return sha1_hex(inside.substr(5));
  const auto star = inside.find('*');
  if (star == inside.npos || star == 0 || inside.find_first_not_of("0123456789") != star) return std::nullopt;
  std::string out;
  for (int n = std::stoi(inside); n > 0; --n) out += inside.substr(star + 1);
  return out;
}

}  // namespace

std::optional<Node> node_of_words(const std::string& words, std::string& why) {
  std::istringstream in(words);
  std::string first, second, third, rest;
  in >> first >> second;
  if (first == "features") return parse_element("<stream:features/>", why);
  if (second == "result") {
    std::getline(in, rest);
    return parse_element("<" + first + " type='result'" + rest + "/>", why);
  }
  in >> third;
  std::getline(in, rest);
  if (first == "stream" && second == "error")
    return parse_element("<stream:error><" + third + " xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
                         why);
  if (first == "sasl" && second == "failure")
    return parse_element("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><" + third + "/></failure>", why);
  if (second != "error") return std::nullopt;
  return parse_element("<" + first + " type='error'" + rest + "><error code='{maybe}' type='" +
                           type_of_condition(third) + "'><" + third +
                           " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>{any}</error></" + first + ">",
                       why);
}

std::string bytes_to_send(const std::string& text, const Captures& captures) {
  std::string out = unescaped_bytes(with_captures(text, captures));
  // Inner ones first.
  for (auto end = out.find('}'); end != out.npos; end = out.find('}', end + 1)) {
    const auto at = out.rfind('{', end);
    if (at == out.npos) continue;
    const auto with = replaced(out.substr(at + 1, end - at - 1));
    if (!with) continue;
    out.replace(at, end - at + 1, *with);
    end = at + with->size() - 1;
  }
  return out;
}

}  // namespace jackdaw::talks
