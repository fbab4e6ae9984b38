// SPDX-License-Identifier: Apache-2.0
#include "stream/listeners.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "base/bytes.h"
#include "settings/printable.h"
#include "stanza/errors.h"
#include "stream/stream_counters.h"
#include "stream/stream_settings.h"

namespace jackdaw {
namespace {

std::string name_of(const SocketAddress& address, TlsMode mode) {
  return address.text() + (mode == TlsMode::at_once ? " tls" : " starttls");
}

TlsMode other_mode(TlsMode mode) { return mode == TlsMode::at_once ? TlsMode::starttls : TlsMode::at_once; }

SocketAddress bound_address(int descriptor) {
  SocketAddress bound;
  bound.size = sizeof bound.storage;
  getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound.storage), &bound.size);
  return bound;
}

std::uint16_t port_of(const Listening& listening) {
  const auto address = parse_address(listening.address);
  return address ? address->front().port() : std::uint16_t{0};
}

// RFC 6120 §4.9.1.2: an error before the stream is there comes behind our own header. Whoever it is, client or server,
// has not said so yet.
std::string last_words() {
  const StreamError error{StreamCondition::resource_constraint, "Too many connections; try again later."};
  count_stream_error(error.condition);
  return "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
         "id='" +
         random_token(16) + "' version='1.0' xml:lang='en'>" + error.xml() + "</stream:stream>";
}

Failure no_words(std::string_view words, std::string_view why) {
  return {"'" + printable(words) + "': " + std::string{why} +
          "; allowed behind an address: \"allow LIST\", \"deny LIST\", \"proxy allow LIST\""};
}

// The first word, taken off.
std::string_view take_word(std::string_view& words) {
  const auto word = words.substr(0, words.find(' '));
  words.remove_prefix(word.size());
  words.remove_prefix(std::min(words.find_first_not_of(' '), words.size()));
  return word;
}

Result<Entrance> parse_entrance(const std::string_view words, TlsMode mode) {
  Entrance entrance{.mode = mode, .last_words = last_words};
  if (words.empty()) return entrance;
  auto rest = words;
  auto word = take_word(rest);
  if (word == "proxy") {
    entrance.proxied = true;
    word = take_word(rest);
  }
  if (word == "deny" && entrance.proxied) return no_words(words, "proxies must be named with \"allow\"");
  if (word != "allow" && word != "deny")
    return no_words(words, entrance.proxied ? "no proxy may speak here for others" : "not understood");
  entrance.rule = word == "allow" ? Entrance::Rule::allow : Entrance::Rule::deny;
  auto list = AddressList::parse(rest);
  if (!list) return list.failure();
  // A proxy is believed whatever it says, so somebody must have said which ones.
  if (list->empty()) return no_words(words, "the list is empty");
  entrance.list = std::move(*list);
  return entrance;
}

constexpr std::pair<const Setting<StringList>*, TlsMode> lists[] = {
    {&listen_client, TlsMode::starttls}, {&listen_server, TlsMode::starttls}, {&listen_tls, TlsMode::at_once}};

}  // namespace

Listeners::Address::~Address() {
  for (const int descriptor : sockets)
    if (descriptor >= 0) ::close(descriptor);
}

Listeners::Listeners(std::size_t cores, std::shared_ptr<Channels> channels, Accept accept)
    : channels_(std::move(channels)), accept_(std::move(accept)), by_core_(cores) {}

struct Listeners::Entry {
  std::string_view setting;
  std::vector<SocketAddress> addresses;
  std::string words;  // behind the address
  std::shared_ptr<const Entrance> entrance;

  static Result<Entry> parse(std::string_view setting, TlsMode mode, std::string_view text);
};

Result<Listeners::Entry> Listeners::Entry::parse(std::string_view setting, TlsMode mode, std::string_view text) {
  const auto end = std::min(text.find(' '), text.size());
  auto addresses = parse_address(text.substr(0, end));
  if (!addresses) return addresses.failure();
  auto words = text.substr(end);
  words.remove_prefix(std::min(words.find_first_not_of(' '), words.size()));
  auto entrance = parse_entrance(words, mode);
  if (!entrance) return Failure{std::string{text.substr(0, end)} + ": " + entrance.failure().what};
  for (const auto& address : *addresses)
    if (address.port() == 0 && !is_loopback(address.host()))
      return Failure{
          std::string{text.substr(0, end)} +
          ": port 0 lets the system choose, on loopback addresses only; to close a socket take its entry out"};
  return Entry{setting, std::move(*addresses), std::string{words},
               std::make_shared<const Entrance>(std::move(*entrance))};
}

Result<Done> Listeners::check(const Settings& settings) {
  for (const auto& [setting, mode] : lists)
    for (const auto& text : settings.value(*setting))
      if (const auto entry = Entry::parse(setting->name, mode, text); !entry)
        return Failure{std::string(setting->name) + ": " + entry.failure().what};
  return Done{};
}

Result<Listeners::Plan> Listeners::prepare(const Settings& settings) const {
  Plan plan;
  for (const auto& [setting, mode] : lists)
    for (const auto& text : settings.value(*setting)) {
      const auto wrong = [&](const Failure& why) { return Failure{std::string(setting->name) + ": " + why.what}; };
      const auto entry = Entry::parse(setting->name, mode, text);
      if (!entry) return wrong(entry.failure());
      // No channels: the addresses must be right all the same, but nobody listens.
      if (settings.value(listen_channels) == 0) continue;
      const auto planned = plan_entry(*entry, plan);
      // A machine without IPv6 is no reason not to serve: the default names both loopback addresses.
      const bool by_default = settings.describe(*settings.table().find(setting->name)).origin == Origin::fallback;
      if (!planned && !(by_default && text.front() == '[')) return wrong(planned.failure());
    }
  return plan;
}

// "*:5222" is two addresses; one of them is enough.
Result<Done> Listeners::plan_entry(const Entry& entry, Plan& plan) const {
  bool opened = false;
  Result<Done> last = Done{};
  for (const auto& address : entry.addresses) opened |= (last = plan_address(address, entry, plan)).ok();
  return opened ? Result<Done>{Done{}} : last;
}

Result<Done> Listeners::plan_address(SocketAddress address, const Entry& entry, Plan& plan) const {
  const TlsMode mode = entry.entrance->mode;
  Address planned;
  planned.name = name_of(address, mode);
  planned.entrance = entry.entrance;
  // Where the system chooses the port there may be several of the same text.
  if (address.port() == 0)
    planned.name += " #" + std::to_string(std::ranges::count_if(plan, [&](const Address& other) {
                      return other.name.starts_with(planned.name + " #");
                    }));
  const auto names_it = [&](const Address& other) {
    return other.name == planned.name || other.name == name_of(address, other_mode(mode));
  };
  if (address.port() != 0 && std::ranges::any_of(plan, names_it))
    return Failure{address.text() + ": this address is named twice"};
  const auto there = now_.find(planned.name);
  planned.listening = {address.text(), mode, std::string{entry.setting}, entry.words};
  if (there != now_.end())
    planned.listening.address = there->second.address;
  else if (auto opened = open_sockets(address, planned, plan); !opened)
    return opened;
  plan.push_back(std::move(planned));
  return Done{};
}

// One socket a core; the address that they got. A port that is ours already, on another address or with the other
// mode, is shared with ourselves.
Result<Done> Listeners::open_sockets(SocketAddress address, Address& planned, const Plan& plan) const {
  const bool ours = uses_port(address.port()) || std::ranges::any_of(plan, [&](const Address& other) {
                      return port_of(other.listening) == address.port();
                    });
  for (std::size_t i = 0; i < by_core_.size(); ++i) {
    const auto first = i == 0 && !ours ? Listener::First::yes : Listener::First::no;
    const auto descriptor = Listener::open_socket(address, first);
    if (!descriptor) return descriptor.failure();
    planned.sockets.push_back(*descriptor);
    address.set_port(bound_address(*descriptor).port());
  }
  planned.listening.address = bound_address(planned.sockets.front()).text();
  return Done{};
}

bool Listeners::uses_port(std::uint16_t port) const {
  return std::ranges::any_of(now_, [&](const auto& each) { return port_of(each.second) == port; });
}

void Listeners::apply(Plan& plan, std::size_t i, Core& core) {
  std::erase_if(by_core_[i], [&](const auto& each) {
    return std::ranges::none_of(plan, [&](const Address& a) { return a.name == each.first; });
  });
  for (auto& address : plan) {
    auto& listener = by_core_[i][address.name];
    if (address.sockets.empty()) {
      listener->change(address.entrance);
      continue;
    }
    listener = std::make_unique<Listener>(
        core, std::exchange(address.sockets[i], -1), address.entrance, channels_,
        [this, i](std::unique_ptr<Transport> transport, TlsMode mode) { accept_(i, std::move(transport), mode); });
  }
}

void Listeners::settle(const Plan& plan) {
  std::lock_guard lock(mutex_);
  now_.clear();
  addresses_.clear();
  for (const auto& address : plan) {
    now_.emplace(address.name, address.listening);
    addresses_.push_back(address.listening);
  }
}

Result<ChannelLimits> channel_limits(const Settings& settings) {
  std::string clients;
  for (const auto& entry : settings.value(listen_client_addresses)) clients += entry + '\n';
  auto list = AddressList::parse(clients);
  if (!list) return Failure{std::string(listen_client_addresses.name) + ": " + list.failure().what};
  const auto reserved = settings.value(listen_channels_reserved), all = settings.value(listen_channels);
  if (reserved > 0 && list->empty())
    return Failure{std::string(listen_channels_reserved.name) + ": nobody is named in " +
                   std::string(listen_client_addresses.name) + ", for whom channels could be kept"};
  if (reserved > 0 && all > 0 && reserved > all)
    return Failure{std::string(listen_channels_reserved.name) + ": is more than " + std::string(listen_channels.name)};
  return ChannelLimits{.in_all = settings.value(listen_channels),
                       .per_address = settings.value(listen_channels_per_address),
                       .reserved = settings.value(listen_channels_reserved),
                       .clients = std::move(*list)};
}

std::vector<Listening> Listeners::addresses() const {
  std::lock_guard lock(mutex_);
  return addresses_;
}

}  // namespace jackdaw
