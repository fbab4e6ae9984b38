// SPDX-License-Identifier: Apache-2.0
#include "stream/stream_modules.h"

namespace jackdaw {
namespace {

const Module streams{
    .name = "streams",
    .summary = "Streams, TLS from the first byte, log-in and binding (RFC 6120, RFC 7590).",
    .implements = {{.xep = 170, .version = "1.0"},
                   {.xep = 178, .version = "1.2"},
                   {.xep = 368, .version = "1.1.0"},
                   {.xep = 440, .version = "1.0.0"},
                   {.xep = 478, .version = "0.2.0"}},
};

const Module stream_management{
    .name = "stream-management",
    .summary = "Acknowledges stanzas and resumes sessions whose connection was lost.",
    .implements =
        {{.xep = 198, .version = "1.6.3", .status = Status::partial, .note = "No `location`; servers do not resume."}},
};

const Module components{
    .name = "components",
    .summary = "Lets external components answer for domains of their own.",
    .implements = {{.xep = 114, .version = "1.6", .status = Status::partial, .note = "jabber:component:accept."}},
};

const Module servers{
    .name = "servers",
    .summary =
        "Speaks with other servers: finds them, proves domains by certificates or dialback, and queues for them.",
    .implements = {{.xep = 185, .version = "1.0"},
                   {.xep = 220, .version = "1.1.1"},
                   {.xep = 288,
                    .version = "1.0.1",
                    .status = Status::partial,
                    .note = "One pair of domains is sent to on a stream that the peer has opened."}},
};

}  // namespace

const std::vector<const Module*> stream_modules = {&streams, &stream_management, &components, &servers};

}  // namespace jackdaw
