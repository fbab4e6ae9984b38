// The settings of streams between servers, and of the DNS that finds them.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "settings/setting.h"

namespace jackdaw {

constexpr Setting<bool> s2s_enabled{
    .name = "s2s.enabled",
    .fallback = true,
    .reload = Reload::restart,
    .help = "Other servers are spoken with; off: addresses of other domains are not found, and servers are refused."};
constexpr Setting<std::string> s2s_unlisted{
    .name = "s2s.unlisted",
    .fallback = "encrypted",
    .choices = "verified,encrypted,wherever_possible,plain",
    .help =
        "How servers that s2s.secure_domains does not list are spoken with: \"verified\" wants a valid certificate, "
        "\"encrypted\" that or dialback over TLS; \"wherever_possible\" also goes on in clear, and \"plain\" never "
        "encrypts: who is on the way can then read and change everything."};
constexpr Setting<StringList> s2s_secure_domains{
    .name = "s2s.secure_domains",
    .help =
        "Domains that are spoken with only over TLS and with a valid certificate; \"*\" stands for one label or "
        "more, and \"!\" in front of a name for never using TLS with it."};
constexpr Setting<bool> s2s_accept_common_name{
    .name = "s2s.accept_common_name",
    .fallback = false,
    .help = "A certificate without alternative names may prove a domain by its common name (old certificates)."};
constexpr Setting<std::string> s2s_trusted{
    .name = "s2s.trusted_certificates",
    .help =
        "A file (PEM) or a directory of files with the certificates that prove other servers' ones; empty: those "
        "that the system trusts."};
constexpr Setting<bool> s2s_posh{
    .name = "s2s.posh",
    .fallback = false,
    .reload = Reload::restart,
    .help =
        "A certificate that proves nothing by itself is looked up at the domain's web server (POSH, RFC 7711) "
        "where the settings want a valid one; whoever connects to us then makes us ask a web server of its choice."};
constexpr Setting<bool> s2s_bidi{
    .name = "s2s.bidi",
    .fallback = true,
    .help = "A stream between servers carries stanzas both ways (XEP-0288) where the other server can do that too."};
constexpr Setting<StringList> s2s_routes{
    .name = "s2s.routes",
    .help =
        "Domains whose server is not looked up, each as \"example.org=host.example.org\" or with \":port\" behind; "
        "the host's name is accepted in the certificate too. Records of CommuniGate's Router are read as well: "
        "\"NoRelay:example.org = example.org@host._via\"."};
constexpr Setting<Seconds> s2s_idle_timeout{.name = "s2s.idle_timeout",
                                            .fallback = 10min,
                                            .min = 1s,
                                            .max = 24h,
                                            .help = "A stream to another server with nothing to send is closed."};
constexpr Setting<std::int64_t> s2s_max_stanza{
    .name = "s2s.max_stanza",
    .fallback = 512 * 1024,
    .min = 10'000,
    .max = 64 * 1024 * 1024,
    .unit = Unit::bytes,
    .help = "The largest stanza another server may send; a larger one ends its stream."};
constexpr Setting<std::int64_t> s2s_rate{.name = "s2s.rate",
                                         .fallback = 1024 * 1024,
                                         .min = 0,
                                         .max = 1024 * 1024 * 1024,
                                         .unit = Unit::bytes,
                                         .help = "Bytes a second that are read of one server's stream; 0: no limit."};
constexpr Setting<std::int64_t> s2s_queue_stanzas{
    .name = "s2s.queue_stanzas",
    .fallback = 10'000,
    .min = 1,
    .max = 10'000'000,
    .help = "So many stanzas of one domain may wait for another; further ones return to their senders."};
constexpr Setting<std::int64_t> s2s_queue_bytes{
    .name = "s2s.queue_bytes",
    .fallback = 4 * 1024 * 1024,
    .min = 64 * 1024,
    .max = 1024 * 1024 * 1024,
    .unit = Unit::bytes,
    .help = "So many bytes of one domain may wait for another; further stanzas return to their senders."};
constexpr Setting<Seconds> s2s_queue_age{
    .name = "s2s.queue_age",
    .fallback = 2min,
    .min = 1s,
    .max = 24h * 5,
    .help = "What another server has not taken after this time returns to its sender."};
constexpr Setting<std::int64_t> s2s_queues{.name = "s2s.queues",
                                           .fallback = 10'000,
                                           .min = 1,
                                           .max = 1'000'000,
                                           .help =
                                               "So many pairs of domains may have something waiting or a stream open "
                                               "on each core; stanzas to further ones return to their senders."};

constexpr Setting<StringList> dns_servers{.name = "dns.servers",
                                          .reload = Reload::restart,
                                          .help =
                                              "DNS servers to ask, as \"192.0.2.53\" or \"192.0.2.53@5353\"; empty: "
                                              "those of /etc/resolv.conf."};
constexpr Setting<std::string> dns_trust_anchor{
    .name = "dns.trust_anchor",
    .reload = Reload::restart,
    .help = "A file with the key that DNSSEC proofs must end in; empty: names are not proven."};
constexpr Setting<StringList> dns_insecure{
    .name = "dns.insecure", .reload = Reload::restart, .help = "Domains below which names need no DNSSEC proof."};

}  // namespace jackdaw
