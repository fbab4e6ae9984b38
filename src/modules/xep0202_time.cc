// XEP-0202: Entity Time. Says what time it is on the server.
// SPDX-License-Identifier: Apache-2.0
#include "router/module.h"

namespace jackdaw {
namespace {

constexpr Name time_element{"urn:xmpp:time", "time"};

class EntityTime {
 public:
  explicit EntityTime(Domain& domain) : domain_(domain) {}

  // XEP-0202 §5: an offset from UTC would tell where the machine is; the server lives in UTC.
  Task<Reply> tell(IqRequest) {
    co_return Reply::wrap(time_element, "<tzo>+00:00</tzo><utc>" + to_datetime(domain_.now()) + "</utc>");
  }

 private:
  Domain& domain_;
};

void setup(Domain& domain) {
  auto& entity_time = domain.keep<EntityTime>(domain);
  domain.feature(time_element.ns);
  domain.on_iq({Type::get, {To::domain}, time_element}, [&](IqRequest iq) { return entity_time.tell(std::move(iq)); });
}

}  // namespace

extern const Module xep0202_time{
    .name = "time",
    .summary = "Says what time it is on the server.",
    .implements = {{.xep = 202, .version = "2.0"}},
    .setup = setup,
};

}  // namespace jackdaw
