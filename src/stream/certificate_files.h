// Where each domain's certificate and key are: files of the settings, a directory that is searched, or the data
// directory.
//
// Reads files: never on a core that runs.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <string>
#include <vector>

#include "net/pem.h"
#include "net/tls.h"
#include "settings/settings.h"

namespace jackdaw {

// The certificates of a directory and of the directories right in it, with the keys that stand beside them.
class CertificateDirectory {
 public:
  explicit CertificateDirectory(const std::string& place);

  // Of those whose names prove the domain and whose key is there: one that is valid at `now` before others, and the one
  // that is valid longest. Empty paths: there is none.
  TlsFiles find(const std::string& domain, TimePoint now) const;

 private:
  struct Found {
    std::string file, key;
    CertificatePtr certificate;
  };
  void read_folder(const std::string& folder);
  std::vector<Found> found_;
};

class CertificateFiles {
 public:
  CertificateFiles(const Settings& settings, std::string data_directory, TimePoint now)
      : settings_(settings), data_directory_(std::move(data_directory)), now_(now) {}

  TlsFiles of(const std::string& domain);
  // In the data directory, where the server itself makes one.
  TlsFiles own_place(const std::string& domain) const;
  // The directory that holds no certificate for the domain; empty: all is well.
  std::string searched_in_vain(const std::string& domain);

 private:
  const CertificateDirectory* directory_of(const std::string& domain);
  const Settings& settings_;
  const std::string data_directory_;
  const TimePoint now_;
  std::map<std::string, CertificateDirectory> directories_;
};

// Names, sizes and times of all files that the certificates of these domains may come from: it changes when one does.
std::string look_of_certificates(const Settings& settings, const std::vector<std::string>& domains,
                                 const std::string& data_directory);

}  // namespace jackdaw
