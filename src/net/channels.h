// Channels: how many connections there may be, in all and from one address. Admission: one of them, while it lasts.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/time.h"
#include "net/address_list.h"

namespace jackdaw {

// From whom: an address group and how many connections it has. Its place does not change while there are any.
using AddressCount = std::pair<const std::string, std::int64_t>;

class Channels;

// Counts a connection while it lasts; what the listener gave and gets back.
class Admission {
 public:
  Admission() = default;
  Admission(std::nullptr_t) {}
  Admission(std::shared_ptr<Channels> channels, AddressCount& from) : channels_(std::move(channels)), from_(&from) {}
  Admission(Admission&& other) noexcept : channels_(std::move(other.channels_)), from_(other.from_) {}
  Admission& operator=(Admission&&) = delete;
  ~Admission() { reset(); }
  explicit operator bool() const { return channels_ != nullptr; }
  void reset();

 private:
  std::shared_ptr<Channels> channels_;
  AddressCount* from_ = nullptr;
};

struct ChannelLimits {
  std::int64_t in_all = 1'000'000;
  std::int64_t per_address = 0;  // 0: no limit
  std::int64_t reserved = 0;     // of those in all: only for `clients`
  AddressList clients = {};
};

// Shared by all listeners; any thread.
class Channels : public std::enable_shared_from_this<Channels> {
 public:
  // Changes the limits; connections that are there stay.
  void limit(ChannelLimits limits);
  // Empty when a limit is reached.
  Admission admit(const std::string& host);
  std::int64_t count() const;
  // Whether the log is to say that accepting pauses: once a minute, whichever listener comes first.
  bool pause_is_news(Steady now);

 private:
  friend class Admission;
  void leave(AddressCount& from);
  mutable std::mutex mutex_;
  ChannelLimits limits_;
  std::int64_t count_ = 0;
  std::optional<Steady> pause_told_;
  std::unordered_map<std::string, std::int64_t> by_address_;  // one entry an address with connections
};

}  // namespace jackdaw
