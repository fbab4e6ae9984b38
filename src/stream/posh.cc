// SPDX-License-Identifier: Apache-2.0
#include "stream/posh.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/bytes.h"
#include "base/log.h"
#include "net/https.h"
#include "net/workers.h"
#include "stanza/jid.h"
#include "stream/find_server.h"
#include "stream/s2s_settings.h"
#include "stream/stream_shard.h"

namespace jackdaw {
namespace {

namespace json = boost::json;

constexpr std::string_view usual_path = "/.well-known/posh/xmpp-server.json";  // RFC 7711 §3
constexpr std::uint16_t https_port = 443;
constexpr Seconds longest_life{24 * 3600}, shortest_life{60};
constexpr std::size_t most_digests = 100, most_kept = 1000;

const Log& posh_log() {
  static const Log made{"POSH"};
  return made;
}

void add_digest(const json::object& fingerprint, std::string_view name, std::vector<std::string>& digests) {
  const json::value* value = fingerprint.if_contains(name);
  const auto bytes = value && value->is_string() ? from_base64(value->get_string()) : std::nullopt;
  if (bytes && digests.size() < most_digests) digests.push_back(*bytes);
}

// "https://host/path"; no port, no user.
bool read_url(std::string_view url, PoshFile& file) {
  constexpr std::string_view scheme = "https://";
  if (!url.starts_with(scheme)) return false;
  url.remove_prefix(scheme.size());
  const auto slash = url.find('/');
  const auto host = prepare_domainpart(url.substr(0, slash));
  const auto path = slash == url.npos ? std::string_view{} : url.substr(slash);
  const bool is_plain = std::ranges::all_of(path, [](unsigned char c) { return c > ' ' && c < 0x7f; });
  if (!host || path.empty() || !is_plain || host->find(':') != host->npos) return false;
  file.host = *host;
  file.path = std::string(path);
  return true;
}

std::string digest_of(const X509* certificate, const EVP_MD* hash) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (X509_digest(certificate, hash, digest, &size) != 1) return {};
  return {reinterpret_cast<const char*>(digest), size};
}

Task<Result<PoshFile>> fetch_file(StreamShard& here, std::string host, std::string path, std::string share) {
  const ServerPlace place{.host = ascii_form(host), .port = https_port};
  auto found = co_await addresses_of(*here.resolver, place);
  if (found.addresses.empty()) co_return Failure{host + ": no web server"};
  HttpsRequest request{.host = place.host,
                       .path = std::move(path),
                       .addresses = std::move(found.addresses),
                       .trusted = here.tls->trusted()};
  const auto fetched = co_await here.fetchers->run(share, [request] { return fetch_over_https(request); });
  if (!fetched) co_return Failure{host + ": too many files are being fetched"};
  if (!*fetched) co_return fetched->failure();
  co_return read_posh_file(**fetched);
}

// The file that counts: RFC 7711 §3.2 has one that leads to another, which may not lead on.
Task<Result<PoshFile>> find_file(StreamShard& here, std::string domain, std::string share) {
  auto file = co_await fetch_file(here, domain, std::string(usual_path), share);
  if (!file || file->host.empty()) co_return file;
  const Seconds first = file->expires;
  file = co_await fetch_file(here, file->host, file->path, share);
  if (file && !file->host.empty()) co_return Failure{domain + ": its file leads to one that leads on"};
  if (file) file->expires = std::min(file->expires, first);
  co_return file;
}

}  // namespace

Result<PoshFile> read_posh_file(std::string_view text) {
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  if (error || !value.is_object()) return Failure{"no JSON object"};
  const json::object& object = value.get_object();
  PoshFile file;
  const json::value* expires = object.if_contains("expires");
  if (!expires || !expires->is_int64() || expires->get_int64() < 0) return Failure{"it does not say when it expires"};
  file.expires = Seconds{std::min<std::int64_t>(expires->get_int64(), longest_life.count())};
  if (const json::value* url = object.if_contains("url")) {
    if (!url->is_string() || !read_url(url->get_string(), file)) return Failure{"its url is none of HTTPS"};
    return file;
  }
  const json::value* fingerprints = object.if_contains("fingerprints");
  if (!fingerprints || !fingerprints->is_array()) return Failure{"it has neither fingerprints nor a url"};
  for (const json::value& each : fingerprints->get_array()) {
    if (!each.is_object()) return Failure{"a fingerprint is no object"};
    add_digest(each.get_object(), "sha-256", file.sha256);
    add_digest(each.get_object(), "sha-512", file.sha512);
  }
  return file;
}

bool posh_file_fits(const PoshFile& file, const X509* certificate) {
  const auto has = [&](const std::vector<std::string>& digests, const EVP_MD* hash) {
    const std::string own = digest_of(certificate, hash);
    return !own.empty() && std::ranges::find(digests, own) != digests.end();
  };
  return has(file.sha512, EVP_sha512()) || has(file.sha256, EVP_sha256());
}

Task<bool> posh_proves(StreamShard& here, const SSL* ssl, std::string domain, std::string share) {
  X509* certificate = ssl ? SSL_get0_peer_certificate(ssl) : nullptr;
  if (!here.fetchers || !certificate) co_return false;
  const Steady now = here.shard.core().now();
  const auto kept = here.posh_files.find(domain);
  if (kept != here.posh_files.end() && now < kept->second.until)
    co_return posh_file_fits(kept->second.file, certificate);
  // The stream keeps its certificate while we wait; a file that could not be had is not asked for at once again.
  auto file = co_await find_file(here, domain, share);
  if (!file) posh_log().info("no file proves certificates", {{"domain", domain}, {"why", file.failure().what}});
  KeptPoshFile fresh{file ? std::move(*file) : PoshFile{}, {}};
  fresh.until = here.shard.core().now() + std::max(fresh.file.expires, shortest_life);
  const bool fits = posh_file_fits(fresh.file, certificate);
  if (here.posh_files.size() >= most_kept) here.posh_files.clear();
  here.posh_files[domain] = std::move(fresh);
  co_return fits;
}

}  // namespace jackdaw
