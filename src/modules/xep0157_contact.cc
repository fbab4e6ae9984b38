// XEP-0157: Contact Addresses for XMPP Services. Says in the domain's disco#info whom to write to.
// SPDX-License-Identifier: Apache-2.0
#include "router/module.h"

namespace jackdaw {
namespace {

constexpr Setting<StringList> contact_abuse{
    .name = "contact.abuse",
    .fallback = "",
    .scope = Scope::domain,
    .help =
        "URIs for reports of abuse, as in \"mailto:abuse@example.org,xmpp:abuse@example.org\"; shown to everybody."};
constexpr Setting<StringList> contact_admin{.name = "contact.admin",
                                            .fallback = "",
                                            .scope = Scope::domain,
                                            .help = "URIs of the administrators; shown to everybody."};
constexpr Setting<StringList> contact_feedback{.name = "contact.feedback",
                                               .fallback = "",
                                               .scope = Scope::domain,
                                               .help = "URIs for what users want to say; shown to everybody."};
constexpr Setting<StringList> contact_sales{.name = "contact.sales",
                                            .fallback = "",
                                            .scope = Scope::domain,
                                            .help = "URIs of who sells the service; shown to everybody."};
constexpr Setting<StringList> contact_security{.name = "contact.security",
                                               .fallback = "",
                                               .scope = Scope::domain,
                                               .help = "URIs for reports of security problems; shown to everybody."};
constexpr Setting<StringList> contact_status{.name = "contact.status",
                                             .fallback = "",
                                             .scope = Scope::domain,
                                             .help = "URIs that say whether the service works; shown to everybody."};
constexpr Setting<StringList> contact_support{.name = "contact.support",
                                              .fallback = "",
                                              .scope = Scope::domain,
                                              .help = "URIs for questions; shown to everybody."};

// XEP-0157 §3: fields without an address are left out.
DiscoForm addresses(Domain& domain) {
  DiscoForm form{.type = "http://jabber.org/network/serverinfo"};
  const auto add = [&](std::string_view name, const Setting<StringList>& setting) {
    if (auto list = domain.value(setting); !list.empty()) form.fields.push_back({std::string(name), std::move(list)});
  };
  add("abuse-addresses", contact_abuse);
  add("admin-addresses", contact_admin);
  add("feedback-addresses", contact_feedback);
  add("sales-addresses", contact_sales);
  add("security-addresses", contact_security);
  add("status-addresses", contact_status);
  add("support-addresses", contact_support);
  return form;
}

void setup(Domain& domain) { domain.disco_form(addresses); }

}  // namespace

extern const Module xep0157_contact{
    .name = "contact",
    .summary = "Says whom to write to about the service.",
    .implements = {{.xep = 157, .version = "1.1.1"}},
    .settings = rows(contact_abuse, contact_admin, contact_feedback, contact_sales, contact_security, contact_status,
                     contact_support),
    .setup = setup,
};

}  // namespace jackdaw
