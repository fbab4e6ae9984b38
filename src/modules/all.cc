// Every module of the server: those of RFC 6121 first, then the extensions by number. Adding one is a line in each
// list.
// SPDX-License-Identifier: Apache-2.0
#include "modules/all.h"

namespace jackdaw {

extern const Module roster, presence, subscription, session_request, strangers;
extern const Module xep0012_last;
extern const Module xep0030_disco;
extern const Module xep0049_private;
extern const Module xep0054_vcard;
extern const Module xep0077_register;
extern const Module xep0092_version;
extern const Module xep0115_caps;
extern const Module xep0157_contact;
extern const Module xep0160_offline;
extern const Module xep0199_ping;
extern const Module xep0202_time;
extern const Module xep0203_delay;
extern const Module xep0334_hints;
extern const Module xep0355_delegation;
extern const Module xep0356_privilege;

const std::vector<const Module*> all_modules = {
    &roster,          &presence,      &subscription,       &session_request,  // RFC 6121
    &strangers,       &xep0012_last,  &xep0030_disco,      &xep0049_private,   &xep0054_vcard, &xep0077_register,
    &xep0092_version, &xep0115_caps,  &xep0157_contact,    &xep0160_offline,   &xep0199_ping,  &xep0202_time,
    &xep0203_delay,   &xep0334_hints, &xep0355_delegation, &xep0356_privilege,
};

}  // namespace jackdaw
