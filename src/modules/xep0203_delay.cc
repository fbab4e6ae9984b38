// XEP-0203: Delayed Delivery. Says that stanzas kept for later carry the time of their arrival; whoever keeps them
// (the offline module) writes it.
// SPDX-License-Identifier: Apache-2.0
#include "router/module.h"

namespace jackdaw {
namespace {

void setup(Domain& domain) { domain.feature("urn:xmpp:delay"); }

}  // namespace

extern const Module xep0203_delay{
    .name = "delay",
    .summary = "Marks stanzas that were kept with the time of their arrival.",
    .implements = {{.xep = 203, .version = "2.0"}},
    .setup = setup,
};

}  // namespace jackdaw
