// SPDX-License-Identifier: Apache-2.0
#include "stream/stream_modules.h"

namespace jackdaw {
namespace {

const Module streams{
    .name = "streams",
    .summary = "Streams, TLS from the first byte, log-in and binding (RFC 6120, RFC 7590).",
    .implements = {{.xep = 170, .version = "1.0"},
                   {.xep = 178, .version = "1.2", .status = Status::partial, .note = "Clients only."},
                   {.xep = 368, .version = "1.1.0", .status = Status::partial, .note = "Connections that come in."},
                   {.xep = 440, .version = "1.0.0"},
                   {.xep = 478, .version = "0.2.0"}},
};

const Module stream_management{
    .name = "stream-management",
    .summary = "Acknowledges stanzas and resumes sessions whose connection was lost.",
    .implements = {{.xep = 198, .version = "1.6.3", .status = Status::partial, .note = "Clients only; no `location`."}},
};

const Module components{
    .name = "components",
    .summary = "Lets external components answer for domains of their own.",
    .implements = {{.xep = 114, .version = "1.6", .status = Status::partial, .note = "jabber:component:accept."}},
};

}  // namespace

const std::vector<const Module*> stream_modules = {&streams, &stream_management, &components};

}  // namespace jackdaw
