// Resolver: questions to the DNS, answered from a cache or by the servers of the settings. libunbound does the work, on
// a thread of its own.
//
// One for the process. Any core may ask; the answer comes back to it. Start reading at Resolver::ask().
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "net/core.h"

struct ub_ctx;
struct ub_result;

namespace jackdaw {

// Numbers of RFC 1035 §3.2.2, RFC 3596, RFC 2782, RFC 6698, RFC 4034.
enum class RecordType { a = 1, aaaa = 28, srv = 33, dnskey = 48, tlsa = 52 };

struct DnsAnswer {
  // nothing: there is no such name, or it has no such records. failed: nobody knows at present.
  enum class What { found, nothing, failed } what = What::failed;
  bool secure = false;               // proven by DNSSEC up to the trust anchor
  bool bogus = false;                // failed, as its proof is wrong or missing
  std::vector<std::string> records;  // the data of each, as in a DNS message; names in it are not compressed
  std::string why = {};              // of a failure
};

struct ResolverOptions {
  std::vector<std::string> servers;   // "192.0.2.53" or "192.0.2.53@5353"; none: those of /etc/resolv.conf
  std::string trust_anchor;           // a file in the form of a zone; empty: nothing is proven
  std::vector<std::string> insecure;  // domains below which nothing needs to be proven
};

class Resolver final : private Watched {
 public:
  // `core` takes the answers in; before it runs, or on its thread. Failure: which option, and why.
  static Result<std::unique_ptr<Resolver>> start(Core& core, const ResolverOptions& options);
  ~Resolver();
  // Whether one could start. Failure: which option, and why. Any thread.
  static Result<Done> check(const ResolverOptions& options);

  // Asks for the keys of the trust anchor's name, now and every ten minutes: DNS servers that strip the proofs (RFC
  // 9364) must not break names, so nothing is proven then, with a warning in the log. A DNS that
  // is silent says nothing of that: what held goes on, and before the first answer everything must be proven. The first
  // core, on its thread.
  Task<void> watch_proofs();

  // Any core. `name` is in its ASCII form (A-labels). At most `patience` passes.
  Task<DnsAnswer> ask(std::string name, RecordType type, Seconds patience);
  // The core that takes answers in, on its thread: from now on every question fails at once.
  void stop();

 private:
  struct Asked;
  struct Question;
  explicit Resolver(Core& core) : core_(core) {}
  static Result<ub_ctx*> make_context(const ResolverOptions& options, bool proving);
  Task<DnsAnswer> ask_in(ub_ctx* context, std::string name, RecordType type, Seconds patience);
  static void answered(void* question, int error, ub_result* result);
  void ready(std::uint32_t events) override;
  void unwatch();
  bool is_stopped();
  bool take(Question* question);

  static constexpr std::size_t most_questions = 10'000;  // more at one time are not asked

  Core& core_;
  ub_ctx* context_ = nullptr;          // proves nothing
  ub_ctx* proving_ = nullptr;          // null without a trust anchor
  std::string anchor_;                 // whose keys that is
  std::atomic<bool> stripped_{false};  // the DNS servers take the proofs away
  bool told_proven_ = false;
  CallTimer proofs_timer_;
  bool watched_ = false;
  std::mutex mutex_;  // guards what follows
  std::unordered_set<Question*> open_;
  bool stopped_ = false;
};

}  // namespace jackdaw
