// XEP-0334: Message Processing Hints. Says that the server heeds them; whoever stores or copies messages asks
// has_hint() in router/hints.h.
// SPDX-License-Identifier: Apache-2.0
#include "router/hints.h"
#include "router/module.h"

namespace jackdaw {
namespace {

void setup(Domain& domain) { domain.feature(hints_ns); }

}  // namespace

extern const Module xep0334_hints{
    .name = "hints",
    .summary = "Lets senders say which messages are not to be stored or copied.",
    .implements = {{.xep = 334, .version = "1.0.0"}},
    .setup = setup,
};

}  // namespace jackdaw
