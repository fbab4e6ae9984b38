// SPDX-License-Identifier: Apache-2.0
#include "net/https.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cstring>

namespace jackdaw {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Socket = boost::asio::ip::tcp::socket;

asio::ip::tcp::endpoint endpoint_of(const SocketAddress& address) {
  asio::ip::tcp::endpoint made;
  std::memcpy(made.data(), &address.storage, address.size);
  made.resize(address.size);
  return made;
}

asio::ssl::context make_context(const HttpsRequest& request) {
  asio::ssl::context context{asio::ssl::context::tls_client};
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  SSL_CTX_set1_cert_store(context.native_handle(), request.trusted.get());
  context.set_verify_mode(asio::ssl::verify_peer);
  context.set_verify_callback(asio::ssl::host_name_verification(request.host));
  return context;
}

// Failures are exceptions in here (boost::system::system_error).
asio::awaitable<std::string> fetch(const HttpsRequest& request, asio::ssl::context& context) {
  auto executor = co_await asio::this_coro::executor;
  asio::ssl::stream<Socket> stream{executor, context};
  std::vector<asio::ip::tcp::endpoint> endpoints;
  endpoints.reserve(request.addresses.size());
  for (const auto& address : request.addresses) endpoints.push_back(endpoint_of(address));
  co_await asio::async_connect(stream.next_layer(), endpoints, asio::use_awaitable);
  say_server_name(stream.native_handle(), request.host);
  co_await stream.async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
  http::request<http::empty_body> asked{http::verb::get, request.path, 11};
  asked.set(http::field::host, request.host);
  asked.set(http::field::connection, "close");
  co_await http::async_write(stream, asked, asio::use_awaitable);
  boost::beast::flat_buffer buffer{request.most_bytes};
  http::response_parser<http::string_body> answer;
  answer.header_limit(8192);
  answer.body_limit(request.most_bytes);
  co_await http::async_read(stream, buffer, answer, asio::use_awaitable);
  if (answer.get().result() != http::status::ok)
    throw std::runtime_error("the answer is " + std::to_string(answer.get().result_int()));
  co_return std::move(answer.get().body());
}

}  // namespace

Result<std::string> fetch_over_https(HttpsRequest request) {
  const std::string url = "https://" + request.host + request.path;
  Result<std::string> outcome = Failure{url + ": no answer in time"};
  try {
    asio::ssl::context context = make_context(request);
    asio::io_context io{1};
    asio::co_spawn(io, fetch(request, context), [&](const std::exception_ptr& error, std::string body) {
      try {
        if (error) std::rethrow_exception(error);
        outcome = std::move(body);
      } catch (const std::exception& why) {
        outcome = Failure{url + ": " + why.what()};
      }
    });
    io.run_for(request.patience);
  } catch (const std::exception& why) {
    outcome = Failure{url + ": " + why.what()};
  }
  return outcome;
}

}  // namespace jackdaw
