// Any bytes as what administrators send: rights, a request in JSON, and a form that was filled in. No crash; what is
// taken can be written again and is the same then, and no rights come from nothing.
// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "admin/operation_form.h"
#include "admin/operations.h"
#include "admin/wire.h"
#include "router/rights.h"
#include "stanza/stanza.h"

namespace {

using namespace jackdaw;

void demand(bool holds) {
  if (!holds) std::abort();
}

void try_rights(std::string_view bytes) {
  const auto rights = Rights::parse(bytes);
  if (!rights) return;
  const auto again = Rights::parse(rights->text());
  demand(again && again->text() == rights->text());
  demand(again->cover(*rights) && rights->cover(*again));
  demand(Rights::whole().cover(*rights));
  demand(rights->empty() == rights->text().empty());
}

void try_request(std::string_view bytes) {
  const auto request = request_from_json(bytes);
  if (!request) return;
  const auto again = request_from_json(json_of(*request));
  demand(again && again->operation == request->operation && again->as == request->as);
  demand(again->values.all() == request->values.all());
}

// Whatever is filled in, what comes out are the operation's own words, and all that it cannot do without.
void try_form(std::string_view bytes) {
  const StanzaRef stanza = Stanza::from_xml(bytes);
  if (!stanza) return;
  for (const Operation* operation : all_operations()) {
    const auto values = values_from_form(*operation, stanza->first_child());
    if (!values) continue;
    for (const auto& argument : operation->arguments)
      demand(argument.times != Times::once || values->has(argument.name));
    demand(Stanza::from_xml("<message>" + form_of(*operation) + "</message>") != nullptr);
  }
}

void try_answer(std::string_view bytes) {
  const std::string text{bytes};
  const OperationTable table{.columns = {text}, .rows = {{text}}};
  for (const auto& answer : {OperationAnswer{text}, OperationAnswer{text, table}})
    demand(Stanza::from_xml("<message><c xmlns='c'>" + xml_of(answer) + "</c></message>") != nullptr);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  try_rights(bytes);
  try_request(bytes);
  try_form(bytes);
  if (size < 4096) try_answer(bytes);
  return 0;
}
