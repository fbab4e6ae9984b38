// XEP-0115: Entity Capabilities. Tells clients what the server can do before they ask. The disco module answers who
// asks what a hash stands for.
// SPDX-License-Identifier: Apache-2.0
#include "router/disco_answer.h"
#include "router/module.h"

namespace jackdaw {
namespace {

constexpr std::string_view caps_ns = "http://jabber.org/protocol/caps";

// XEP-0115 §6.3: in the stream features.
std::string own_caps(Domain& domain) {
  std::string out = "<c xmlns='" + std::string(caps_ns) + "' hash='sha-1' node='" + std::string(caps_node) + "' ver='";
  return out + verification_string(disco_info_of(domain, To::domain)) + "'/>";
}

void setup(Domain& domain) {
  domain.feature(caps_ns);
  domain.on_stream_feature({StreamFeature::When::after_authentication, own_caps});
}

}  // namespace

extern const Module xep0115_caps{
    .name = "caps",
    .summary = "Tells clients what the server can do before they ask.",
    .implements = {{.xep = 115, .version = "1.6.0"}},
    .setup = setup,
};

}  // namespace jackdaw
