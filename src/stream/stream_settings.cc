// SPDX-License-Identifier: Apache-2.0
#include "stream/stream_settings.h"

#include "router/reversible.h"
#include "stream/s2s_settings.h"

namespace jackdaw {

SettingRows stream_settings() {
  SettingRows all =
      rows(listen_client, listen_server, listen_tls, listen_channels, listen_channels_per_address,
           listen_channels_reserved, listen_client_addresses, component_password, component_secrets,
           component_clear_from_afar, component_max_stanza, component_outbox, component_rate, tls_certificate, tls_key,
           tls_check_interval, tls_expiry_warning, auth_require_tls, auth_methods, auth_hidden, auth_iq_auth,
           auth_anonymous_per_address_hour, auth_gssapi_keytab, auth_gssapi_realm, auth_account_failures,
           auth_account_failures_time, auth_reversible_passwords, auth_plain_without_tls, auth_external,
           auth_external_ca, auth_external_field, auth_iterations, account_refuse_lookalikes, registration_name_rest,
           c2s_idle, c2s_max_stanza, c2s_rate, c2s_burst, c2s_outbox, c2s_bind_conflict, c2s_max_resources,
           c2s_redirect, c2s_resume_time, c2s_resume_queue, c2s_resume_bytes, c2s_login_time);
  const SettingRows servers =
      rows(s2s_enabled, s2s_unlisted, s2s_secure_domains, s2s_accept_common_name, s2s_bidi, s2s_posh, s2s_trusted,
           s2s_routes, s2s_idle_timeout, s2s_max_stanza, s2s_rate, s2s_queue_stanzas, s2s_queue_bytes, s2s_queue_age,
           s2s_queues, dns_servers, dns_trust_anchor, dns_insecure);
  all.insert(all.end(), servers.begin(), servers.end());
  return all;
}

}  // namespace jackdaw
