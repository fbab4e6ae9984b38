// The domains' certificates: which they are, what is wrong with them and what to do.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "admin/operations.h"
#include "net/workers.h"
#include "router/shard.h"
#include "settings/printable.h"
#include "stream/certificate_files.h"
#include "stream/certificate_report.h"
#include "stream/s2s_settings.h"
#include "stream/stream_settings.h"

namespace jackdaw {
namespace {

struct Asked {
  std::shared_ptr<const Settings> settings;
  std::vector<std::string> domains;
  std::string data_directory;
  TimePoint now;
};

// On a worker: reads files.
std::vector<CertificateDescription> describe_all(const Asked& asked) {
  const auto trusted = load_trusted(asked.settings->value(s2s_trusted));
  CertificateFiles places{*asked.settings, asked.data_directory, asked.now};
  std::vector<CertificateDescription> all;
  all.reserve(asked.domains.size());
  for (const auto& domain : asked.domains)
    all.push_back(describe_certificate({.files = places.of(domain),
                                        .now = asked.now,
                                        .warning = asked.settings->value(tls_expiry_warning),
                                        .searched_in_vain = places.searched_in_vain(domain)},
                                       trusted ? *trusted : TrustedCertificates{}));
  return all;
}

Task<Result<std::vector<CertificateDescription>>> describe(OperationContext& context,
                                                           std::vector<std::string> domains) {
  const Shard& first = *context.server->shards.front();
  const Asked asked{first.settings_ref(), std::move(domains), context.server->data_directory,
                    context.server->clock->wall()};
  auto all = co_await context.server->workers->run("administrator", [&asked] { return describe_all(asked); });
  if (!all) co_return Failure{"the server is busy; try again"};
  for (auto& is : *all)
    if (const std::string shown = context.server->certificate_shown(is.files.domain);
        !shown.empty() && !is.fingerprint.empty() && shown != is.fingerprint)
      is.findings.push_back({"shown", Severity::note,
                             "the server still shows another one; it looks again each tls.check_interval, and at "
                             "`jackdaw reload`, which says what keeps it from using the new one"});
  co_return std::move(*all);
}

// What is bad, in a word each.
std::string problems_of(const CertificateDescription& is) {
  std::string problems;
  for (const auto& finding : is.findings)
    if (finding.severity == Severity::bad) problems += (problems.empty() ? "" : ", ") + finding.what;
  return problems.empty() ? "none" : problems;
}

std::int64_t days_left(const CertificateDescription& is, TimePoint now) {
  return is.chain.empty() ? 0 : std::chrono::floor<std::chrono::days>(is.until - now).count();
}

Task<OperationResult> list_certificates(OperationContext& context, OperationValues) {
  const auto all = co_await describe(context, context.server->shards.front()->domain_names());
  if (!all) co_return all.failure();
  OperationTable table{.columns = {"domain", "problems", "days_left", "expires", "issuer", "names", "file"}};
  for (const auto& is : *all)
    table.rows.push_back({is.files.domain, problems_of(is), days_left(is, context.server->clock->wall()),
                          is.chain.empty() ? std::string{} : to_datetime(is.until), is.issuer,
                          fmt::format("{}", fmt::join(is.names, " ")), is.files.certificate});
  co_return OperationAnswer{{}, std::move(table)};
}

Result<std::vector<std::string>> domains_from(OperationContext& context, const OperationValues& values) {
  Shard& first = *context.server->shards.front();
  const std::string text = values.one("domain");
  if (text.empty()) return first.domain_names();
  const auto name = prepare_domainpart(text);
  if (!name || !first.domain(*name)) return Failure{printable(text) + ": this domain is not served"};
  return std::vector<std::string>{*name};
}

Task<OperationResult> check_certificates(OperationContext& context, OperationValues values) {
  const auto domains = domains_from(context, values);
  if (!domains) co_return domains.failure();
  auto all = co_await describe(context, *domains);
  if (!all) co_return all.failure();
  const auto settings = context.server->shards.front()->settings_ref();
  OperationTable table{.columns = {"domain", "what", "verdict", "finding"}};
  for (auto& is : *all) {
    if (context.server->resolver && !values.has("no-dns"))
      for (auto& finding : co_await check_dns(*context.server->resolver, *settings, is))
        is.findings.push_back(std::move(finding));
    for (const auto& finding : is.findings)
      table.rows.push_back({is.files.domain, finding.what, std::string{name_of(finding.severity)}, finding.text});
  }
  co_return OperationAnswer{{}, std::move(table)};
}

}  // namespace

const Operations& cert_operations() {
  static const Operations rows{
      {.words = "cert list",
       .summary = "Lists the domains' certificates: their files, until when they are valid, what is wrong.",
       .right = Right::monitors,
       .run = list_certificates},
      {.words = "cert check",
       .arguments = {{"domain", ArgumentType::domain, "One domain; without it all of them.", Times::optional}},
       .flags = {{"no-dns", "Looks at the files alone."}},
       .summary = "Says what is wrong with certificates and what to do: file, key, name, dates, chain, DNS, DANE.",
       .right = Right::monitors,
       .concerns = {"domain"},
       .run = check_certificates},
  };
  return rows;
}

}  // namespace jackdaw
