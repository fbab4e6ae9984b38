// The settings of listeners, streams and authentication: rows beside the code they rule.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "base/bytes.h"
#include "router/provision.h"
#include "settings/setting.h"

namespace jackdaw {

constexpr Setting<StringList> listen_client{.name = "listen.client",
                                            .fallback = "127.0.0.1:5222,[::1]:5222",
                                            .help =
                                                "Addresses with STARTTLS, meant for clients; every role is accepted on "
                                                "each. \"*:5222\" opens it to the world; \"*:5222 allow 10.0.0.0/8 "
                                                "!10.1.0.0/16\" to some, \"deny\" to all others; \"10.0.0.1:5222 proxy "
                                                "allow 10.0.0.5\" takes from that proxy whom it stands for."};
constexpr Setting<StringList> listen_server{
    .name = "listen.server",
    .fallback = "127.0.0.1:5269,[::1]:5269",
    .help = "Addresses with STARTTLS, meant for servers; every role is accepted on each. As in listen.client."};
constexpr Setting<StringList> listen_tls{
    .name = "listen.tls",
    .fallback = "127.0.0.1:5223,[::1]:5223",
    .help = "Addresses with TLS from the first byte (XEP-0368); every role is accepted on each. As in listen.client."};
constexpr Setting<std::int64_t> listen_channels{
    .name = "listen.channels",
    .fallback = 1'000'000,
    .min = 0,
    .max = 10'000'000,
    .help = "So many connections may be open in all; a further one is refused. 0: the server listens nowhere."};
constexpr Setting<std::int64_t> listen_channels_per_address{
    .name = "listen.channels_per_address",
    .fallback = 1000,
    .min = 0,
    .max = 10'000'000,
    .help = "So many connections may be open from one address (IPv6: one /64); 0: no limit."};

constexpr Setting<std::int64_t> listen_channels_reserved{
    .name = "listen.channels_reserved",
    .fallback = 0,
    .min = 0,
    .max = 10'000'000,
    .help = "So many of listen.channels are kept for the addresses in listen.client_addresses."};
constexpr Setting<StringList> listen_client_addresses{
    .name = "listen.client_addresses",
    .help =
        "Where our own clients connect from, each as 192.0.2.1, 192.0.2.1-192.0.2.9 or 192.0.2.0/24, or with \"!\" "
        "in front to take it out of those before it."};

constexpr Setting<std::string> component_password{.name = "component.password",
                                                  .secrecy = Secrecy::secret,
                                                  .help =
                                                      "What components prove themselves with that have no secret of "
                                                      "their own; empty: only those in component.secrets."};
constexpr Setting<StringList> component_secrets{
    .name = "component.secrets",
    .secrecy = Secrecy::secret,
    .help = "Components with secrets of their own, each as \"irc.example.org=SECRET\"."};
constexpr Setting<bool> component_clear_from_afar{
    .name = "component.clear_from_afar",
    .fallback = false,
    .help = "Unsafe: components may connect from other machines without TLS too. From this machine they always may."};
constexpr Setting<std::int64_t> component_max_stanza{
    .name = "component.max_stanza",
    .fallback = 512 * 1024,
    .min = 10'000,
    .max = 64 * 1024 * 1024,
    .unit = Unit::bytes,
    .help = "The largest stanza a component may send; a larger one ends its stream."};
constexpr Setting<std::int64_t> component_outbox{
    .name = "component.outbox",
    .fallback = 8 * 1024 * 1024,
    .min = 64 * 1024,
    .max = 1024 * 1024 * 1024,
    .unit = Unit::bytes,
    .help = "So much may wait for a component that does not read; then its stream ends and the senders get errors."};
constexpr Setting<std::int64_t> component_rate{
    .name = "component.rate",
    .fallback = 0,
    .min = 0,
    .max = 1'000'000'000,
    .unit = Unit::bytes,
    .help = "So many bytes a second are read from a component; 0: no limit."};

constexpr Setting<std::string> tls_certificate{
    .name = "tls.certificate",
    .fallback = "",
    .scope = Scope::domain,
    .names_file = true,
    .help =
        "File with the certificate and its chain (PEM), or a directory in which those of all domains are found by "
        "name; empty: certs/DOMAIN.pem in the data directory."};
constexpr Setting<std::string> tls_key{
    .name = "tls.key",
    .fallback = "",
    .scope = Scope::domain,
    .names_file = true,
    .help =
        "File with the private key (PEM); empty: certs/DOMAIN.key in the data directory. Not used beside a directory "
        "of certificates, where keys are found."};
constexpr Setting<Seconds> tls_check_interval{
    .name = "tls.check_interval",
    .fallback = 1min,
    .min = 1s,
    .max = 24h,
    .help = "So often the server looks whether files of certificates have changed, and uses the new ones."};
constexpr Setting<Seconds> tls_expiry_warning{
    .name = "tls.expiry_warning",
    .fallback = 14 * 24h,
    .max = 366 * 24h,
    .help = "So long before a domain's certificate expires the log warns of it, once a day; 0: never."};

constexpr Setting<bool> auth_require_tls{
    .name = "auth.require_tls",
    .fallback = true,
    .scope = Scope::domain,
    .help = "Clients must encrypt before they log in. Turned off, passwords may be guessed from what SCRAM shows."};
constexpr Setting<bool> auth_plain_without_tls{
    .name = "auth.plain_without_tls",
    .fallback = false,
    .scope = Scope::domain,
    .help = "Unsafe: offer PLAIN without TLS too, which sends passwords in clear. For measurements on one machine."};
constexpr std::string_view auth_method_words =
    "EXTERNAL,SCRAM-SHA-512,SCRAM-SHA-256,SCRAM-SHA-1,GSSAPI,DIGEST-MD5,CRAM-MD5,PLAIN,LOGIN,ANONYMOUS";
constexpr Setting<StringList> auth_methods{
    .name = "auth.methods",
    .fallback = "EXTERNAL,SCRAM-SHA-512,SCRAM-SHA-256,SCRAM-SHA-1,PLAIN",
    .choices = auth_method_words,
    .scope = Scope::domain,
    .help =
        "The ways to log in that work. CRAM-MD5 and DIGEST-MD5 are weak and need auth.reversible_passwords; ANONYMOUS "
        "lets everybody in; EXTERNAL also needs auth.external."};
constexpr Setting<StringList> auth_hidden{
    .name = "auth.hidden",
    .fallback = "",
    .choices = auth_method_words,
    .scope = Scope::domain,
    .help = "Ways to log in that work and are not advertised: for clients that are told to use them."};
constexpr Setting<bool> auth_iq_auth{
    .name = "auth.iq_auth",
    .fallback = false,
    .scope = Scope::domain,
    .help =
        "Let very old clients log in without SASL (jabber:iq:auth, XEP-0078): with the password in clear where PLAIN "
        "may, with a digest where CRAM-MD5 is one of auth.methods."};
constexpr Setting<std::int64_t> auth_anonymous_per_address_hour{
    .name = "auth.anonymous_per_address_hour",
    .fallback = 60,
    .min = 0,
    .max = 1'000'000,
    .help = "So many ANONYMOUS log-ins of one address within an hour; 0: no limit."};
constexpr Setting<std::string> auth_gssapi_keytab{
    .name = "auth.gssapi_keytab",
    .fallback = "",
    .help = "File with the keys of xmpp/HOST for GSSAPI (Kerberos); empty: the system's keytab."};
constexpr Setting<std::string> auth_gssapi_realm{
    .name = "auth.gssapi_realm",
    .fallback = "",
    .scope = Scope::domain,
    .help = "The Kerberos realm whose principals are this domain's accounts; empty: the domain in capital letters."};
constexpr Setting<std::int64_t> auth_account_failures{
    .name = "auth.account_failures",
    .fallback = 10,
    .min = 0,
    .max = 1'000'000,
    .help =
        "So many failed log-ins of one account within auth.account_failures_time, and further ones are refused until "
        "it has passed; from addresses where the account has logged in they are not. 0: no such limit."};
constexpr Setting<Seconds> auth_account_failures_time{.name = "auth.account_failures_time",
                                                      .fallback = 1min,
                                                      .min = 1s,
                                                      .max = 24h,
                                                      .help = "The time in which auth.account_failures are counted."};
constexpr Setting<bool> auth_external{
    .name = "auth.external",
    .fallback = false,
    .scope = Scope::domain,
    .help = "Ask clients of this domain for a certificate and let it prove the account (SASL EXTERNAL)."};
constexpr Setting<std::string> auth_external_ca{
    .name = "auth.external_ca",
    .fallback = "",
    .scope = Scope::domain,
    .names_file = true,
    .help = "File with the certificates (PEM) that may sign clients' certificates; empty: the system's."};
constexpr Setting<std::string> auth_external_field{.name = "auth.external_field",
                                                   .fallback = "xmppaddr",
                                                   .choices = "xmppaddr,email,cn",
                                                   .scope = Scope::domain,
                                                   .help = "Where a client's certificate names the account."};

constexpr Setting<Seconds> c2s_idle{
    .name = "c2s.idle",
    .fallback = 10min,
    .min = 1s,
    .max = 24h,
    .help = "After this long without data the server asks the client; no answer within 60 seconds ends the stream."};
constexpr Setting<std::int64_t> c2s_max_stanza{
    .name = "c2s.max_stanza",
    .fallback = 256 * 1024,
    .min = 10'000,
    .max = 16 << 20,
    .unit = Unit::bytes,
    .help = "The largest stanza a client may send. A larger one closes its stream."};
constexpr Setting<std::int64_t> c2s_rate{
    .name = "c2s.rate",
    .fallback = 100 * 1024,
    .min = 0,
    .max = 1 << 30,
    .unit = Unit::bytes,
    .help = "Bytes a second a client may send on average; above it the server reads more slowly. 0: no limit."};
constexpr Setting<std::int64_t> c2s_burst{.name = "c2s.burst",
                                          .fallback = 1 << 20,
                                          .min = 10'000,
                                          .max = 1 << 30,
                                          .unit = Unit::bytes,
                                          .help = "Bytes a client may send at once before c2s.rate slows it down."};
constexpr Setting<std::int64_t> c2s_outbox{
    .name = "c2s.outbox",
    .fallback = 1 << 20,
    .min = 64 * 1024,
    .max = 256 << 20,
    .unit = Unit::bytes,
    .help = "Bytes that may wait for a client that does not read. More ends its stream; messages are kept for later."};
constexpr Setting<std::string> c2s_bind_conflict{.name = "c2s.bind_conflict",
                                                 .fallback = "replace",
                                                 .choices = "replace,refuse,rename",
                                                 .scope = Scope::domain,
                                                 .help =
                                                     "When a resource is bound that is connected already: end the old "
                                                     "one, refuse the new one, or give it another name."};
constexpr Setting<std::int64_t> c2s_max_resources{.name = "c2s.max_resources",
                                                  .fallback = 20,
                                                  .min = 1,
                                                  .max = 1000,
                                                  .scope = Scope::domain,
                                                  .help = "So many devices of one account may be connected."};
constexpr Setting<std::string> c2s_redirect{.name = "c2s.redirect",
                                            .fallback = "",
                                            .scope = Scope::domain,
                                            .help =
                                                "Send clients of this domain to another host (\"name\" or "
                                                "\"name:port\") before they log in; empty: serve them."};
constexpr Setting<Seconds> c2s_resume_time{
    .name = "c2s.resume_time",
    .fallback = 5min,
    .min = 0s,
    .max = 24h,
    .help = "How long a session with stream management waits for its client to come back (XEP-0198); 0: not at all."};
constexpr Setting<std::int64_t> c2s_resume_queue{.name = "c2s.resume_queue",
                                                 .fallback = 2000,
                                                 .min = 10,
                                                 .max = 1'000'000,
                                                 .help =
                                                     "So many stanzas may wait unacknowledged for a client; more ends "
                                                     "its session, and messages are kept for later."};
constexpr Setting<std::int64_t> c2s_resume_bytes{
    .name = "c2s.resume_bytes",
    .fallback = 4 << 20,
    .min = 256 * 1024,
    .max = 256 << 20,
    .unit = Unit::bytes,
    .help =
        "So many bytes, and two of the largest stanzas at least, may wait unacknowledged for a client; more ends its "
        "session, and messages are kept for later."};
constexpr Setting<Seconds> c2s_login_time{.name = "c2s.login_time",
                                          .fallback = 60s,
                                          .min = 5s,
                                          .max = 1h,
                                          .help = "A client that has not logged in after this long is disconnected."};

// All of them, and those of router/provision.h.
SettingRows stream_settings();

}  // namespace jackdaw
