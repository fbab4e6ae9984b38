// SPDX-License-Identifier: Apache-2.0
#include "stream/xml_stream.h"

#include <fmt/format.h>

#include "base/log_rules.h"
#include "stream/shown_xml.h"

namespace jackdaw {
XmlStream::XmlStream(std::unique_ptr<Transport> t, std::uint64_t n)
    : transport(std::move(t)),
      number(n),
      log_(fmt::format("XMPPI-{:06}", n), log_address_of(transport->address()).value_or(LogAddress{})) {}

void XmlStream::set_role(std::string_view tag) { log_ = Log{fmt::format("{}-{:06}", tag, number), log_.peer()}; }

void XmlStream::log_heard() const { log_.all("heard", {{"xml", shown_xml(reader.element())}}); }

void XmlStream::log_said(std::string_view bytes) const { log_.all("said", {{"xml", shown_raw(bytes)}}); }

Task<Heard> XmlStream::next(Shard& shard, Steady deadline) {
  using What = Heard::What;
  reader.resume(shard.reader_scratch());
  for (;;) {
    const auto event = reader.next();
    if (event == XmlReader::Event::header || event == XmlReader::Event::close) {
      reader.hold();
      co_return Heard{event == XmlReader::Event::header ? What::header : What::close};
    }
    if (event == XmlReader::Event::element) {
      if (log_.wants(LogLevel::all)) log_heard();
      Heard heard{What::element, OwnedElement{reader}};
      reader.hold();
      co_return heard;
    }
    if (event == XmlReader::Event::error) co_return Heard{What::error};
    const auto left = std::chrono::ceil<Seconds>(deadline - transport->core().now());
    if (left <= 0s) co_return Heard{What::silent};
    const Received received = co_await transport->read(left);
    if (received.why == Wake::closed) co_return Heard{What::closed};
    if (received.why == Wake::silent) co_return Heard{What::silent};
    if (received.why == Wake::interrupted) co_return Heard{What::interrupted};
    if (received.size > budget_) co_return Heard{What::too_much};
    budget_ -= received.size;
    reader.feed(shard.reader_scratch(), received.bytes, received.size);
  }
}

}  // namespace jackdaw
