// XEP-0092: Software Version. Says what software the server is.
// SPDX-License-Identifier: Apache-2.0
#include <sys/utsname.h>

#include "base/version.h"
#include "router/module.h"

namespace jackdaw {
namespace {

constexpr Name query{"jabber:iq:version", "query"};

// XEP-0092 §5: there must be a way not to tell.
constexpr Setting<bool> version_show_os{
    .name = "version.show_os",
    .fallback = false,
    .scope = Scope::domain,
    .help = "Name the operating system too when somebody asks for the server's version."};

std::string operating_system() {
  utsname name{};
  if (uname(&name) != 0) return {};
  return std::string(name.sysname) + ' ' + name.release;
}

class Version {
 public:
  explicit Version(Domain& domain) : domain_(domain) {}

  Task<Reply> tell(IqRequest) {
    std::string inside = "<name>Jackdaw</name><version>" + std::string(program_version) + "</version>";
    if (domain_.value(version_show_os)) inside += "<os>" + escaped(operating_system()) + "</os>";
    co_return Reply::wrap(query, inside);
  }

 private:
  Domain& domain_;
};

void setup(Domain& domain) {
  auto& version = domain.keep<Version>(domain);
  domain.feature(query.ns);
  domain.on_iq({Type::get, {To::domain}, query}, [&](IqRequest iq) { return version.tell(std::move(iq)); });
}

}  // namespace

extern const Module xep0092_version{
    .name = "version",
    .summary = "Says what software the server is.",
    .implements = {{.xep = 92, .version = "1.1"}},
    .settings = rows(version_show_os),
    .setup = setup,
};

}  // namespace jackdaw
