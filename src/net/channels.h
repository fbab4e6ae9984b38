// Channels: how many connections there may be, in all and from one address. Admission: one of them, while it lasts.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

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

// Shared by all listeners; any thread.
class Channels : public std::enable_shared_from_this<Channels> {
 public:
  // Changes the limits; connections that are there stay. 0: no limit for `per_address`.
  void limit(std::int64_t in_all, std::int64_t per_address);
  // Empty when a limit is reached.
  Admission admit(const std::string& host);
  std::int64_t count() const;

 private:
  friend class Admission;
  void leave(AddressCount& from);
  mutable std::mutex mutex_;
  std::int64_t in_all_ = 1'000'000, per_address_ = 0, count_ = 0;
  std::unordered_map<std::string, std::int64_t> by_address_;  // one entry an address with connections
};

}  // namespace jackdaw
