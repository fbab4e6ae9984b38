// sm_cuts: cuts connections at random moments, many thousand times, and counts: every message that was sent arrives at
// the resumed session, in order, and none twice (XEP-0198 §5). Several pairs at once; both ends are cut.
//
//   sm_cuts [CUTS [PAIRS]]
//
// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>

#include "client.h"
#include "world.h"

namespace {

using namespace jackdaw::talks;
using namespace std::chrono_literals;

constexpr std::string_view management = "urn:xmpp:sm:3";

// One end: a client whose connection is cut and whose session goes on.
class End {
 public:
  End(std::string name, Access access) : client_(name, std::move(access), 20s) {}

  std::string begin() {
    if (auto why = client_.connect(); !why.empty()) return why;
    if (auto why = client_.bind(); !why.empty()) return why;
    client_.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
    const StreamEvent* enabled = client_.front();
    if (!enabled || !enabled->node.is(management, "enabled")) return "stream management was not enabled";
    session_ = enabled->node.attribute("id");
    client_.pop();
    return {};
  }

  // After a cut; `handled` is what the server has of ours.
  std::string resume(std::uint32_t& handled) {
    if (auto why = client_.connect(); !why.empty()) return why;
    client_.send("<resume xmlns='urn:xmpp:sm:3' previd='" + session_ + "' h='" + std::to_string(received_) + "'/>");
    const StreamEvent* resumed = client_.front();
    if (!resumed) return "no answer to <resume/>";
    if (!resumed->node.is(management, "resumed")) return "not resumed: " + resumed->node.xml();
    handled = static_cast<std::uint32_t>(std::stoul(resumed->node.attribute("h")));
    client_.pop();
    return {};
  }

  // The next stanza; acknowledges when asked, if `acknowledges`. Null: nothing came in time.
  const Node* next(bool acknowledges, std::chrono::milliseconds patience) {
    const auto deadline = Client::Time::now() + patience;
    for (;;) {
      while (client_.waiting().empty())
        if (client_.is_closed() || (!client_.read_more(deadline) && Client::Time::now() >= deadline)) return nullptr;
      last_ = std::move(client_.waiting().front().node);
      client_.pop();
      if (last_.is(management, "r") && acknowledges)
        client_.send("<a xmlns='urn:xmpp:sm:3' h='" + std::to_string(received_) + "'/>");
      if (!last_.is_stanza()) continue;
      ++received_;
      return &last_;
    }
  }

  void send(std::string_view bytes) { client_.send(bytes); }
  void cut() { client_.cut(); }

 private:
  Client client_;
  std::string session_;
  std::uint32_t received_ = 0;
  Node last_;
};

// One sender and one receiver.
class Pair {
 public:
  Pair(World& world, int number)
      : random_(static_cast<unsigned>(number)),
        romeo_("romeo", access(world, "romeo", number)),
        juliet_("juliet", access(world, "juliet", number)) {
    to_ = "juliet" + std::to_string(number) + "@montague.example/x";
  }

  // Empty: all arrived.
  std::string run(int cuts) {
    if (auto why = romeo_.begin(); !why.empty()) return why;
    if (auto why = juliet_.begin(); !why.empty()) return why;
    while (cuts_ < cuts)
      if (auto why = round(); !why.empty()) return "after " + std::to_string(cuts_) + " cuts: " + why;
    while (arrived_ < sent_)
      if (auto why = take_one(20s); !why.empty()) return why;
    return juliet_.next(true, 300ms) ? "more arrived than was sent" : "";
  }
  int sent() const { return sent_; }
  int cuts() const { return cuts_; }

 private:
  static Access access(World& world, const std::string& name, int number) {
    Access made = world.access(0);
    made.localpart = name + std::to_string(number);
    made.domain = "montague.example";
    made.resource = "x";
    made.mechanism = "PLAIN";
    return made;
  }

  int upto(int most) { return std::uniform_int_distribution<int>{0, most}(random_); }
  std::string message(int number) const {
    return "<message to='" + to_ + "' type='chat' id='" + std::to_string(number) +
           "'><body>Wherefore art thou</body></message>";
  }

  std::string round() {
    for (int n = upto(4); n > 0; --n) romeo_.send(message(++sent_));
    if (upto(1)) {
      // In the middle of a message, which is sent again then.
      const std::string half = message(sent_ + 1);
      if (upto(1)) romeo_.send(half.substr(0, static_cast<std::size_t>(upto(static_cast<int>(half.size()) - 1))));
      romeo_.cut();
      if (auto why = resume_sender(); !why.empty()) return why;
    }
    for (int n = upto(4); n > 0 && arrived_ < sent_; --n)
      if (auto why = take_one(20s); !why.empty()) return why;
    if (!upto(3)) return {};
    juliet_.cut();
    ++cuts_;
    std::uint32_t ignored = 0;
    return juliet_.resume(ignored);
  }

  std::string resume_sender() {
    ++cuts_;
    std::uint32_t handled = 0;
    if (auto why = romeo_.resume(handled); !why.empty()) return why;
    if (handled > static_cast<std::uint32_t>(sent_)) return "the server counts more than was sent";
    for (int n = static_cast<int>(handled) + 1; n <= sent_; ++n) romeo_.send(message(n));
    return {};
  }

  std::string take_one(std::chrono::milliseconds patience) {
    const Node* got = juliet_.next(upto(2) > 0, patience);
    if (!got) return "message " + std::to_string(arrived_ + 1) + " is lost";
    if (got->attribute("id") != std::to_string(arrived_ + 1))
      return "instead of message " + std::to_string(arrived_ + 1) + " came " + got->xml();
    ++arrived_;
    return {};
  }

  std::mt19937 random_;
  End romeo_, juliet_;
  std::string to_;
  int sent_ = 0, arrived_ = 0, cuts_ = 0;
};

}  // namespace

int main(int count, char** words) {
  const int cuts = count > 1 ? std::atoi(words[1]) : 10'000;
  const int pairs = count > 2 ? std::atoi(words[2]) : 8;
  Talk talk{.domains = {"montague.example"}, .settings = {"auth.plain_without_tls=true", "auth.iterations=4096"}};
  std::string why;
  World world{talk, Mode{.cores = 2}, why};
  std::vector<std::unique_ptr<Pair>> all;
  for (int n = 0; n < pairs && why.empty(); ++n) {
    for (const char* name : {"romeo", "juliet"})
      why += world.create_account(name + std::to_string(n) + "@montague.example");
    all.push_back(std::make_unique<Pair>(world, n));
  }
  if (!why.empty()) return std::fprintf(stderr, "%s\n", why.c_str()), 1;
  std::vector<std::string> said(all.size());
  std::vector<std::thread> threads;
  threads.reserve(all.size());
  for (std::size_t n = 0; n < all.size(); ++n)
    threads.emplace_back([&, n] { said[n] = all[n]->run((cuts + pairs - 1) / pairs); });
  for (auto& thread : threads) thread.join();
  int failed = 0, sent = 0, done = 0;
  for (std::size_t n = 0; n < all.size(); ++n) {
    sent += all[n]->sent();
    done += all[n]->cuts();
    if (said[n].empty()) continue;
    ++failed;
    std::printf("FAILED pair %zu: %s\n", n, said[n].c_str());
  }
  std::printf("%d cuts, %d messages\n%d passed, %d failed\n", done, sent, pairs - failed, failed);
  return failed == 0 && done >= cuts ? 0 : 1;
}
