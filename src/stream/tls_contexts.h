// The TLS contexts of one core: one for each domain, chosen by the server name a client asks for.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/tls.h"
#include "settings/settings.h"

namespace jackdaw {

// Where a domain's certificate is, by its settings or by its place in the data directory.
TlsFiles tls_files_of(const Settings& settings, const std::string& domain, const std::string& data_directory);

class TlsContexts {
 public:
  // Failure: the first domain whose files cannot be used; nothing has changed then.
  static Result<std::shared_ptr<TlsContexts>> make(const Settings& settings, const std::vector<std::string>& domains,
                                                   const std::string& data_directory,
                                                   const std::shared_ptr<TlsTickets>& tickets);

  // For a stream to `domain`; the first domain's when it is empty or not ours. Null when there are no domains.
  SSL_CTX* of(std::string_view domain) const;
  const TlsChooser& chooser() const { return chooser_; }

 private:
  std::map<std::string, SslContextPtr, std::less<>> contexts_;
  std::string first_;
  TlsChooser chooser_;
};

}  // namespace jackdaw
