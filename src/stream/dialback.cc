// SPDX-License-Identifier: Apache-2.0
#include "stream/dialback.h"

#include "base/bytes.h"
#include "stanza/jid.h"

namespace jackdaw {
namespace {

std::string begin(std::string_view name, const DomainPair& from_to) {
  std::string out = "<db:" + std::string(name) + " from='";
  append_escaped(out, from_to.source);
  out += "' to='";
  append_escaped(out, from_to.target);
  return out += '\'';
}

// The answer's tag as far as it is the same for all.
std::string begin_answer(const DialbackElement& asked) {
  const bool verify = asked.what == DialbackElement::What::verify;
  std::string out = begin(verify ? "verify" : "result", {asked.to, asked.from});
  if (verify) {
    out += " id='";
    append_escaped(out, asked.id);
    out += '\'';
  }
  return out;
}

}  // namespace

std::string dialback_key(std::string_view secret, std::string_view receiving, std::string_view originating,
                         std::string_view stream_id) {
  std::string text{receiving};
  text.append(" ").append(originating).append(" ").append(stream_id);
  return to_hex(hmac_sha256(to_hex(sha256(secret)), text));
}

std::optional<DialbackElement> read_dialback(const Element& element) {
  const bool result = element.is({dialback_ns, "result"});
  if (!result && !element.is({dialback_ns, "verify"})) return std::nullopt;
  const auto from = prepare_domainpart(element.attribute("from"));
  const auto to = prepare_domainpart(element.attribute("to"));
  if (!from || !to) return std::nullopt;
  std::string key = element.text();
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  std::erase_if(key, is_space);  // peers write it on a line of its own
  return DialbackElement{result ? DialbackElement::What::result : DialbackElement::What::verify,
                         *from,
                         *to,
                         element.attribute("id"),
                         element.attribute("type"),
                         std::move(key)};
}

std::string dialback_result(const DomainPair& from_to, std::string_view key) {
  std::string out = begin("result", from_to) + '>';
  append_escaped(out, key);
  return out + "</db:result>";
}

std::string dialback_verify(const DomainPair& from_to, std::string_view id, std::string_view key) {
  std::string out = begin("verify", from_to) + " id='";
  append_escaped(out, id);
  out += "'>";
  append_escaped(out, key);
  return out + "</db:verify>";
}

std::string dialback_answer(const DialbackElement& asked, std::string_view type) {
  return begin_answer(asked) + " type='" + std::string(type) + "'/>";
}

std::string dialback_error(const DialbackElement& asked, const StanzaError& error) {
  const std::string_view name = asked.what == DialbackElement::What::verify ? "verify" : "result";
  return begin_answer(asked) + " type='error'>" + error.xml() + "</db:" + std::string(name) + '>';
}

}  // namespace jackdaw
