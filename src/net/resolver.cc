// SPDX-License-Identifier: Apache-2.0
#include "net/resolver.h"

#include <unbound.h>

#include <fstream>

#include "base/log.h"

namespace jackdaw {
namespace {

constexpr int internet = 1;  // the class IN
constexpr Seconds probe_patience = 20s, probe_again = 10min, probe_soon = 5s;

DnsAnswer read_answer(int error, const ub_result* result) {
  if (error != 0) return {.why = ub_strerror(error)};
  if (result->bogus)
    return {.bogus = true,
            .why = "DNSSEC: " + std::string(result->why_bogus ? result->why_bogus : "the proof is wrong")};
  // RFC 1035 §4.1.1: 0 is no error, 3 says that there is no such name.
  if (result->rcode != 0 && result->rcode != 3)
    return {.why = "the DNS server answered with code " + std::to_string(result->rcode)};
  DnsAnswer answer{.what = DnsAnswer::What::nothing, .secure = result->secure != 0};
  if (!result->havedata) return answer;
  answer.what = DnsAnswer::What::found;
  for (int i = 0; result->data[i]; ++i)
    answer.records.emplace_back(result->data[i], static_cast<std::size_t>(result->len[i]));
  return answer;
}

// The name that the first record of a trust anchor's file belongs to.
Result<std::string> name_in_anchor(const std::string& file) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const auto end = line.find_first_of(" \t");
    if (!line.empty() && line.front() != ';' && end != 0 && end != line.npos) return line.substr(0, end);
  }
  return Failure{"dns.trust_anchor: " + file + ": no record of a key (DNSKEY or DS) can be read in it"};
}

Failure option_failure(const std::string& name, const std::string& value, int error) {
  return {name + ": " + value + ": " + ub_strerror(error)};
}

}  // namespace

// A waiting asker; one of answer and clock tells it.
struct Resolver::Asked {
  Later<DnsAnswer> answer;
  bool told = false;
  CallTimer timer;
  void tell(DnsAnswer value) {
    if (!std::exchange(told, true)) answer.set_here(std::move(value));
  }
};

// What libunbound gives back with the answer.
struct Resolver::Question {
  Resolver* resolver;
  Core* asker;
  std::weak_ptr<Asked> asked;
};

Result<ub_ctx*> Resolver::make_context(const ResolverOptions& options, bool proving) {
  ub_ctx* context = ub_ctx_create();
  if (!context) return Failure{"dns: no memory for the resolver"};
  ub_ctx_async(context, 1);  // a thread, not a process
  ub_ctx_set_option(context, "do-not-query-localhost:", "no");
  // It would not ask a server for 15 minutes that has not answered for a while, and the network may be back long
  // before.
  ub_ctx_set_option(context, "infra-host-ttl:", "1");
  ub_ctx_hosts(context, nullptr);
  if (options.servers.empty()) ub_ctx_resolvconf(context, nullptr);
  Result<Done> good = Done{};
  for (const auto& server : options.servers)
    if (const int error = ub_ctx_set_fwd(context, server.c_str()))
      good = Failure{option_failure("dns.servers", server, error).what + "; allowed: an address, or ADDRESS@PORT"};
  if (proving)
    if (const int error = ub_ctx_add_ta_file(context, options.trust_anchor.c_str()))
      good = option_failure("dns.trust_anchor", options.trust_anchor, error);
  for (const auto& domain : options.insecure)
    if (const int error = ub_ctx_set_option(context, "domain-insecure:", domain.c_str()))
      good = option_failure("dns.insecure", domain, error);
  if (good) return context;
  ub_ctx_delete(context);
  return good.failure();
}

Result<Done> Resolver::check(const ResolverOptions& options) {
  const bool proving = !options.trust_anchor.empty();
  if (proving)
    if (const auto anchor = name_in_anchor(options.trust_anchor); !anchor) return anchor.failure();
  const auto context = make_context(options, proving);
  if (!context) return context.failure();
  ub_ctx_delete(*context);
  return Done{};
}

Result<std::unique_ptr<Resolver>> Resolver::start(Core& core, const ResolverOptions& options) {
  std::unique_ptr<Resolver> made{new Resolver(core)};
  if (!options.trust_anchor.empty()) {
    const auto anchor = name_in_anchor(options.trust_anchor);
    if (!anchor) return anchor.failure();
    made->anchor_ = *anchor;
    const auto proving = make_context(options, true);
    if (!proving) return proving.failure();
    made->proving_ = *proving;
  }
  const auto context = make_context(options, false);
  if (!context) return context.failure();
  made->context_ = *context;
  for (ub_ctx* each : {made->context_, made->proving_})
    if (each) core.watch(ub_fd(each), *made);
  made->watched_ = true;
  return made;
}

// Cores do not run any more, or stop() was called.
Resolver::~Resolver() {
  unwatch();
  for (ub_ctx* each : {context_, proving_})
    if (each) ub_ctx_delete(each);  // its thread ends; no answer comes behind it
  for (Question* question : open_) delete question;
}

void Resolver::unwatch() {
  if (!std::exchange(watched_, false)) return;
  for (ub_ctx* each : {context_, proving_})
    if (each) core_.unwatch(ub_fd(each), *this);
}

void Resolver::ready(std::uint32_t) {
  for (ub_ctx* each : {context_, proving_})
    if (each) ub_process(each);
}

Task<void> Resolver::watch_proofs() {
  static const Log log{"DNS"};
  if (!proving_) co_return;
  const DnsAnswer answer = co_await ask_in(proving_, anchor_, RecordType::dnskey, probe_patience);
  if (is_stopped()) co_return;
  const bool is_answer = answer.what != DnsAnswer::What::failed || answer.bogus;
  if (is_answer) stripped_ = !answer.secure;
  if (is_answer && answer.secure && !std::exchange(told_proven_, true))
    log.major("names are proven by DNSSEC", {{"anchor", anchor_}});
  // Each time, as long as it is so.
  if (stripped_) {
    told_proven_ = false;
    log.major("the DNS servers give no DNSSEC proofs: names are not proven, and DANE is off",
              {{"anchor", anchor_}, {"why", answer.why}});
  }
  proofs_timer_.call(core_.timers(), is_answer ? probe_again : probe_soon, [this] { spawn(watch_proofs()); });
}

bool Resolver::is_stopped() {
  std::lock_guard lock(mutex_);
  return stopped_;
}

bool Resolver::take(Question* question) {
  std::lock_guard lock(mutex_);
  return open_.erase(question) == 1;
}

void Resolver::answered(void* data, int error, ub_result* result) {
  auto* open = static_cast<Question*>(data);
  if (open->resolver->take(open)) {
    const std::unique_ptr<Question> question{open};
    question->asker->post([asked = question->asked, answer = read_answer(error, result)]() mutable {
      if (const auto waiting = asked.lock()) waiting->tell(std::move(answer));
    });
  }
  ub_resolve_free(result);
}

void Resolver::stop() {
  std::lock_guard lock(mutex_);
  stopped_ = true;
  proofs_timer_.cancel();
  unwatch();
  for (Question* question : open_)
    question->asker->post([asked = question->asked] {
      if (const auto waiting = asked.lock()) waiting->tell({.why = "the server is going down"});
    });
}

Task<DnsAnswer> Resolver::ask(std::string name, RecordType type, Seconds patience) {
  return ask_in(proving_ && !stripped_ ? proving_ : context_, std::move(name), type, patience);
}

Task<DnsAnswer> Resolver::ask_in(ub_ctx* context, std::string name, RecordType type, Seconds patience) {
  Core& here = *Core::here();
  const auto asked = std::make_shared<Asked>();
  auto question = std::make_unique<Question>(Question{this, &here, asked});
  {
    std::lock_guard lock(mutex_);
    if (stopped_) co_return DnsAnswer{.why = "the server is going down"};
    if (open_.size() >= most_questions) co_return DnsAnswer{.why = "too many questions wait for the DNS"};
    open_.insert(question.get());
  }
  Question* const open = question.release();
  if (const int error =
          ub_resolve_async(context, name.c_str(), static_cast<int>(type), internet, open, answered, nullptr)) {
    if (take(open)) delete open;
    co_return DnsAnswer{.why = ub_strerror(error)};
  }
  asked->timer.call(here.timers(), patience, [waiting = asked.get()] { waiting->tell({.why = "the DNS is silent"}); });
  co_return co_await asked->answer;
}

}  // namespace jackdaw
