// Questions to the DNS: what the machine itself knows, options that are none, and the end.
// SPDX-License-Identifier: Apache-2.0
#include "net/resolver.h"

#include <gtest/gtest.h>

#include <future>

#include "net/test_cores.h"

namespace jackdaw {
namespace {

using namespace test;

// Nobody answers there.
const ResolverOptions silent{.servers = {"127.0.0.1@9"}, .trust_anchor = {}, .insecure = {}};

Task<void> ask_and_tell(Resolver& resolver, std::string name, Seconds patience, std::promise<DnsAnswer>& told) {
  told.set_value(co_await resolver.ask(std::move(name), RecordType::a, patience));
}

struct Asking {
  explicit Asking(const ResolverOptions& options) {
    core.on([&] { resolver = std::move(*Resolver::start(core.core, options)); });
  }
  ~Asking() { core.stop(); }
  std::future<DnsAnswer> ask(const std::string& name, Seconds patience = 20s) {
    core.core.post([this, name, patience] { spawn(ask_and_tell(*resolver, name, patience, told)); });
    return told.get_future();
  }
  std::promise<DnsAnswer> told;
  std::unique_ptr<Resolver> resolver;
  TestCore core;
};

TEST(Resolver, localhost_is_known_without_a_server) {
  Asking asking{silent};
  const DnsAnswer answer = asking.ask("localhost").get();
  EXPECT_EQ(answer.what, DnsAnswer::What::found) << answer.why;
  ASSERT_EQ(answer.records.size(), 1U);
  EXPECT_EQ(answer.records.front(), std::string("\x7f\0\0\x01", 4));
}

TEST(Resolver, patience_ends) {
  Asking asking{silent};
  const DnsAnswer answer = asking.ask("nowhere.lan", 1s).get();
  EXPECT_EQ(answer.what, DnsAnswer::What::failed);
  EXPECT_FALSE(answer.why.empty());
}

TEST(Resolver, at_the_end_everybody_is_told) {
  Asking asking{silent};
  auto waiting = asking.ask("nowhere.lan", 1h);
  asking.core.on([&] { asking.resolver->stop(); });
  EXPECT_EQ(waiting.get().what, DnsAnswer::What::failed);
}

TEST(Resolver, options_that_are_none_are_named) {
  TestCore core;
  core.on([&] {
    const auto server = Resolver::start(core.core, {.servers = {"nonsense"}, .trust_anchor = {}, .insecure = {}});
    ASSERT_FALSE(server.ok());
    EXPECT_NE(server.failure().what.find("dns.servers: nonsense: "), std::string::npos);
  });
}

}  // namespace
}  // namespace jackdaw
