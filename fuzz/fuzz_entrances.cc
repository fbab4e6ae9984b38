// Any bytes as the header of a proxy, as a list of addresses, and as an address to listen on: no crash; a header is
// read alike however it is cut, and what is refused is told in one printable line. SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <string_view>

#include "net/address.h"
#include "net/address_list.h"
#include "net/proxy_header.h"
#include "settings/merge.h"
#include "stream/listeners.h"
#include "stream/stream_settings.h"

namespace {

using namespace jackdaw;

void demand(bool holds) {
  if (!holds) std::abort();
}

void demand_one_line(const Failure& why) {
  for (const unsigned char c : why.what) demand(c >= 0x20 && c != 0x7f);
}

// Where the whole is a header, every beginning of it is incomplete; what is wrong does not become right.
void read_header(std::string_view bytes) {
  const auto whole = read_proxy_header(bytes);
  const bool complete = whole.state == ProxyHeader::State::complete;
  demand(!complete || (whole.size > 0 && whole.size <= bytes.size() && whole.size <= longest_proxy_header));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto part = read_proxy_header(bytes.substr(0, i));
    if (complete) demand(part.state == (i < whole.size ? ProxyHeader::State::incomplete : whole.state));
    if (part.state == ProxyHeader::State::wrong) demand(whole.state == ProxyHeader::State::wrong);
    if (part.state == ProxyHeader::State::complete) demand(complete && part.host == whole.host);
  }
}

void read_list(std::string_view bytes) {
  const auto list = AddressList::parse(bytes);
  if (!list) return;
  for (const auto* host : {"192.0.2.1", "::1", "2001:db8::1", "10.1.0.1"}) list->contains(host);
}

// The addresses must not be opened: no channels, no sockets.
void read_setting(std::string_view bytes) {
  static const SettingTable table{{stream_settings()}};
  static const Listeners listeners{1, nullptr, {}};
  for (const auto* name : {"listen.client=", "listen.client_addresses="}) {
    const auto settings = merge(table, {.command_line = {"listen.channels=0", name + std::string(bytes)}});
    if (!settings) continue;
    if (const auto plan = listeners.prepare(**settings); !plan) demand_one_line(plan.failure());
    if (const auto limits = channel_limits(**settings); !limits) demand_one_line(limits.failure());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 2048) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  read_header(bytes);
  read_list(bytes);
  read_setting(bytes);
  return 0;
}
