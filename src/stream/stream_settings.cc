// SPDX-License-Identifier: Apache-2.0
#include "stream/stream_settings.h"

namespace jackdaw {

SettingRows stream_settings() {
  return rows(listen_client, listen_server, listen_tls, listen_channels, listen_channels_per_address,
              component_password, component_secrets, component_clear_from_afar, component_max_stanza, component_outbox,
              component_rate, tls_certificate, tls_key, auth_require_tls, auth_plain_without_tls, auth_external,
              auth_external_ca, auth_external_field, auth_iterations, account_refuse_lookalikes, registration_name_rest,
              c2s_idle, c2s_max_stanza, c2s_rate, c2s_burst, c2s_outbox, c2s_bind_conflict, c2s_max_resources,
              c2s_redirect, c2s_resume_time, c2s_resume_queue, c2s_login_time);
}

}  // namespace jackdaw
