// The administrator's socket: who may use it, and how it answers good, wrong and endless requests.
// SPDX-License-Identifier: Apache-2.0
#include "admin/admin_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "admin/ask_server.h"
#include "admin/local_address.h"
#include "store/store_test_tools.h"

namespace jackdaw {
namespace {

Task<OperationResult> echo(OperationContext&, OperationValues values) {
  if (values.has("bug")) throw Bug("on purpose");
  co_return OperationAnswer{values.one("word") + '\n'};
}
const Operation echo_row{.words = "echo",
                         .arguments = {{"word", ArgumentType::text, "What is said."}},
                         .summary = "Says it again.",
                         .right = Right::nothing,
                         .run = echo};

// A core with a socket, in a thread of its own.
class AdminSocketTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto descriptor = open_admin_socket(directory_.path());
    ASSERT_TRUE(descriptor) << descriptor.failure().what;
    thread_ = std::thread([this] { core_.run(); });
    core_.post([this, fd = *descriptor] {
      auto context = std::make_shared<OperationContext>(OperationContext{.operations = &operations_});
      socket_ = std::make_unique<AdminSocket>(core_, fd, admin_socket_file(directory_.path()), std::move(context));
    });
  }
  void TearDown() override {
    core_.post([this] {
      socket_.reset();
      // Who has been answered may not have been seen to hang up yet.
      for (auto* transport : core_.transports()) transport->break_off();
      core_.later([this] { core_.later([this] { core_.stop(); }); });
    });
    thread_.join();
  }

  std::optional<OperationResult> ask(std::string operation, std::vector<std::pair<std::string, std::string>> values) {
    OperationRequest request{std::move(operation), {}};
    for (auto& [name, text] : values) request.values.add(name, text);
    return ask_server(directory_.path(), request);
  }
  // What the server says to these bytes, up to the connection's end.
  std::string raw(const std::string& bytes) {
    const LocalAddress address{admin_socket_file(directory_.path())};
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT_EQ(::connect(descriptor, address.get(), address.size()), 0);
    for (std::size_t at = 0; at < bytes.size();) {
      const ssize_t n = ::send(descriptor, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
      if (n <= 0) break;
      at += static_cast<std::size_t>(n);
    }
    ::shutdown(descriptor, SHUT_WR);
    std::string answer;
    char room[1000];
    for (ssize_t n; (n = ::recv(descriptor, room, sizeof room, 0)) > 0;)
      answer.append(room, static_cast<std::size_t>(n));
    ::close(descriptor);
    return answer;
  }

  TestDirectory directory_;
  std::vector<const Operation*> operations_{&echo_row};
  Core core_{0};
  std::thread thread_;
  std::unique_ptr<AdminSocket> socket_;
};

TEST_F(AdminSocketTest, IsForItsUserAlone) {
  struct stat is{};
  ASSERT_EQ(::stat(admin_socket_file(directory_.path()).c_str(), &is), 0);
  EXPECT_EQ(is.st_mode & 07777, 0600u);
  EXPECT_TRUE(S_ISSOCK(is.st_mode));
}

TEST(AdminRights, RootAndTheServersOwnUser) {
  EXPECT_TRUE(may_administer(0, 500));
  EXPECT_TRUE(may_administer(500, 500));
  EXPECT_FALSE(may_administer(501, 500));
  EXPECT_FALSE(may_administer(500, 0));
}

TEST_F(AdminSocketTest, Answers) {
  const auto answer = ask("echo", {{"word", "hear ye"}});
  ASSERT_TRUE(answer && *answer);
  EXPECT_EQ((*answer)->text, "hear ye\n");
}

TEST_F(AdminSocketTest, LongAnswersComeWhole) {
  const std::string word(60'000, 'x');
  const auto answer = ask("echo", {{"word", word}});
  ASSERT_TRUE(answer && *answer);
  EXPECT_EQ((*answer)->text, word + '\n');
}

TEST_F(AdminSocketTest, RefusesWhatItDoesNotKnow) {
  for (const auto& answer : {ask("fly", {}), ask("echo", {}), ask("echo", {{"word", "x"}, {"bug", ""}})}) {
    ASSERT_TRUE(answer);
    EXPECT_FALSE(*answer);
  }
}

TEST_F(AdminSocketTest, RefusesWhatIsNoRequest) {
  EXPECT_NE(raw("{}\n").find("refused"), std::string::npos);
  EXPECT_EQ(raw("no line"), "");
  EXPECT_EQ(raw(""), "");
  EXPECT_EQ(raw(std::string(2 * longest_request, 'x')), "");
  EXPECT_TRUE(ask("echo", {{"word", "still there"}}));
}

TEST_F(AdminSocketTest, LongPathsWork) {
  const std::string deep = directory_.file(std::string(150, 'd'));
  ASSERT_EQ(::mkdir(deep.c_str(), 0700), 0);
  const auto descriptor = open_admin_socket(deep);
  ASSERT_TRUE(descriptor) << descriptor.failure().what;
  const LocalAddress address{admin_socket_file(deep)};
  const int client = ::socket(AF_UNIX, SOCK_STREAM, 0);
  EXPECT_EQ(::connect(client, address.get(), address.size()), 0);
  ::close(client);
  ::close(*descriptor);
}

TEST(AskServer, NobodyThere) {
  const TestDirectory directory;
  EXPECT_FALSE(ask_server(directory.path(), {"echo", {}}));
  // What a server that died left behind.
  ::close(*open_admin_socket(directory.path()));
  EXPECT_FALSE(ask_server(directory.path(), {"echo", {}}));
}

}  // namespace
}  // namespace jackdaw
