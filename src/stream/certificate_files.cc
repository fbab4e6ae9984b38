// SPDX-License-Identifier: Apache-2.0
#include "stream/certificate_files.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "stream/server_certificate.h"
#include "stream/stream_settings.h"

namespace jackdaw {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_files = 4000;  // of a directory

// The regular files of a folder, in order of name; links are followed.
std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (auto at = fs::directory_iterator{folder, error};
       !error && at != fs::directory_iterator{} && files.size() < most_files; at.increment(error))
    if (at->is_regular_file(error)) files.push_back(at->path());
  std::ranges::sort(files);
  return files;
}

std::vector<std::string> folders_of(const std::string& place) {
  std::vector<std::string> folders{place};
  std::error_code error;
  for (auto at = fs::directory_iterator{place, error};
       !error && at != fs::directory_iterator{} && folders.size() < most_files; at.increment(error))
    if (at->is_directory(error)) folders.push_back(at->path());
  return folders;
}

void add_look(std::string& look, const std::string& file) {
  struct stat is{};
  if (::stat(file.c_str(), &is) != 0) return;
  // Of the change, too: who may read a file changes nothing else.
  look += fmt::format("{}:{}:{}:{}.{}:{}.{}\n", file, is.st_ino, is.st_size, is.st_mtim.tv_sec, is.st_mtim.tv_nsec,
                      is.st_ctim.tv_sec, is.st_ctim.tv_nsec);
}

}  // namespace

CertificateDirectory::CertificateDirectory(const std::string& place) {
  for (const auto& folder : folders_of(place)) read_folder(folder);
}

void CertificateDirectory::read_folder(const std::string& folder) {
  std::vector<std::pair<std::string, PrivateKeyPtr>> keys;
  std::vector<Found> here;
  for (const auto& file : files_in(folder)) {
    auto pem = read_pem(file);
    if (!pem) continue;
    if (!pem->certificates.empty()) here.push_back({file, {}, std::move(pem->certificates.front())});
    if (pem->key) keys.emplace_back(file, std::move(pem->key));
  }
  for (auto& each : here) {
    const auto key = std::ranges::find_if(
        keys, [&](const auto& one) { return belong_together(each.certificate.get(), one.second.get()); });
    if (key == keys.end()) continue;
    each.key = key->first;
    found_.push_back(std::move(each));
  }
}

TlsFiles CertificateDirectory::find(const std::string& domain, TimePoint now) const {
  const Found* best = nullptr;
  const auto rank = [&](const Found& one) {
    const TimePoint until = time_of(X509_get0_notAfter(one.certificate.get()));
    const bool valid = time_of(X509_get0_notBefore(one.certificate.get())) <= now && now < until;
    // The longer chain of the same certificate: certbot has cert.pem beside fullchain.pem.
    std::error_code error;
    return std::tuple{valid, until, fs::file_size(one.file, error)};
  };
  for (const auto& one : found_)
    if (proves_domain(one.certificate.get(), domain, CommonName::ignored) && (!best || rank(one) > rank(*best)))
      best = &one;
  return best ? TlsFiles{best->file, best->key, domain} : TlsFiles{{}, {}, domain};
}

TlsFiles CertificateFiles::own_place(const std::string& domain) const {
  const std::string stem = data_directory_ + "/certs/" + domain;
  return {stem + ".pem", stem + ".key", domain};
}

const CertificateDirectory* CertificateFiles::directory_of(const std::string& domain) {
  const std::string place = settings_.value(tls_certificate, domain);
  std::error_code error;
  if (place.empty() || !fs::is_directory(place, error)) return nullptr;
  return &directories_.try_emplace(place, place).first->second;
}

TlsFiles CertificateFiles::of(const std::string& domain) {
  if (const auto* directory = directory_of(domain)) {
    auto found = directory->find(domain, now_);
    return found.certificate.empty() ? own_place(domain) : found;
  }
  TlsFiles files{settings_.value(tls_certificate, domain), settings_.value(tls_key, domain), domain};
  if (files.certificate.empty()) files.certificate = own_place(domain).certificate;
  if (files.key.empty()) files.key = own_place(domain).key;
  return files;
}

std::string CertificateFiles::searched_in_vain(const std::string& domain) {
  const auto* directory = directory_of(domain);
  return directory && directory->find(domain, now_).certificate.empty() ? settings_.value(tls_certificate, domain) : "";
}

std::string look_of_certificates(const Settings& settings, const std::vector<std::string>& domains,
                                 const std::string& data_directory) {
  std::set<std::string> places;
  for (const auto& domain : domains) {
    for (const auto& place : {settings.value(tls_certificate, domain), settings.value(tls_key, domain)})
      if (!place.empty()) places.insert(place);
    const TlsFiles own = CertificateFiles{settings, data_directory, {}}.own_place(domain);
    places.insert({own.certificate, own.key});
  }
  std::string look;
  std::error_code error;
  for (const auto& place : places) {
    if (!fs::is_directory(place, error)) {
      add_look(look, place);
      continue;
    }
    for (const auto& folder : folders_of(place))
      for (const auto& file : files_in(folder)) add_look(look, file);
  }
  return look;
}

}  // namespace jackdaw
