// Any bytes as the data of an SRV or TLSA record, and as rows of s2s.routes and s2s.secure_domains: no crash; places in
// order are those that were read, and a row that is refused is told in one printable line. And as a file that proves
// certificates: it has digests or leads elsewhere.
// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <string_view>

#include "settings/merge.h"
#include "stream/find_server.h"
#include "stream/posh.h"
#include "stream/s2s_policy.h"
#include "stream/stream_settings.h"

namespace {

using namespace jackdaw;

void demand(bool holds) {
  if (!holds) std::abort();
}

// The input as several records, divided at its 0xff bytes.
void order_records(std::string_view bytes) {
  std::vector<SrvRecord> records;
  std::size_t named = 0;
  for (std::size_t at = 0; at <= bytes.size();) {
    const auto end = std::min(bytes.find('\xff', at), bytes.size());
    if (auto record = read_srv(bytes.substr(at, end - at), end % 2 == 0)) {
      demand(record->place.host.size() <= bytes.size());
      named += record->place.host.empty() ? 0 : 1;
      records.push_back(std::move(*record));
    }
    at = end + 1;
  }
  if (const auto tlsa = read_tlsa(bytes)) demand(tlsa->data.size() + 3 == bytes.size() && !tlsa->data.empty());
  std::mt19937_64 chance{bytes.size()};
  demand(in_order(std::move(records), chance).size() == named);
}

void check_rows(std::string_view bytes, const char* setting) {
  static const SettingTable table{{stream_settings()}};
  const auto settings = merge(table, {.command_line = {setting + std::string(bytes)}});
  if (!settings) return;
  const auto checked = check_s2s_settings(**settings);
  if (!checked)
    for (const unsigned char c : checked.failure().what) demand(c >= 0x20 && c != 0x7f);
  tls_policy(**settings, "a.capulet.lan");
  static_route(**settings, "capulet.lan");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  order_records(bytes);
  if (const auto file = read_posh_file(bytes))
    demand(file->host.empty() || (file->path.starts_with('/') && file->sha256.empty() && file->sha512.empty()));
  check_rows(bytes, "s2s.routes=");
  check_rows(bytes, "s2s.secure_domains=");
  return 0;
}
