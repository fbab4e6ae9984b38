// Any bytes sent to a whole server in each state of a stream. The first byte chooses the state, the rest is sent behind
// what leads there. The server answers with well-formed XML (expat says), closes soon after we hang up, and serves the
// next connection. Start reading at LLVMFuzzerTestOneInput().
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "fuzzed_server.h"

namespace jackdaw::fuzz {
namespace {

constexpr std::string_view header =
    "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams'>";

enum State {
  before_header,
  after_header,
  within_sasl,
  after_sasl,
  after_bind,
  with_stream_management,
  available,
  after_server_header,
  with_a_domain_unproven,
  states
};

constexpr std::string_view server_header =
    "<?xml version='1.0'?><stream:stream from='capulet.lan' to='localhost' version='1.0' xmlns='jabber:server' "
    "xmlns:db='jabber:server:dialback' xmlns:stream='http://etherx.jabber.org/streams'>";

constexpr std::string_view slowed_down = "temporary-auth-failure";  // inputs have guessed passwords before

// No DNS answers: no domain is ever proven.
void reach_as_server(Connection& connection, int state) {
  connection.say(server_header);
  connection.expect("</stream:features>");
  if (state == after_server_header) return;
  connection.say("<db:verify from='capulet.lan' to='localhost' id='1'>x</db:verify>");
  connection.expect("type='invalid'");
}

void reach(Connection& connection, int state) {
  if (state == before_header) return;
  if (state >= after_server_header) return reach_as_server(connection, state);
  connection.say(header);
  connection.expect("</stream:features>");
  if (state == after_header) return;
  if (state == within_sasl) {
    connection.say("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-256'>" +
                   to_base64("n,,n=juliet,r=fuzz") + "</auth>");
    connection.expect("</challenge>", slowed_down);
    return;
  }
  connection.say("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" +
                 to_base64(std::string_view{"\0romeo\0pencil", 13}) + "</auth>");
  if (!connection.expect("<success", slowed_down)) return;
  connection.say(header);
  connection.expect("</stream:features>");
  if (state == after_sasl) return;
  connection.say(
      "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>fuzz</resource></bind></iq>");
  connection.expect("</iq>");
  if (state == with_stream_management) {
    connection.say("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
    connection.expect("<enabled");
  }
  if (state == available) connection.say("<presence><priority>1</priority></presence>");
}

int connect_to_server() {
  static const FuzzedServer server{{"c2s.rate=0", "c2s.resume_time=1s", "auth.require_tls=false",
                                    "auth.plain_without_tls=true", "s2s.unlisted=plain", "dns.servers=127.0.0.1@9"}};
  return server.connect();
}

}  // namespace
}  // namespace jackdaw::fuzz

extern "C" int LLVMFuzzerInitialize(int* count, char*** words) {
  return jackdaw::fuzz::search_for_leaks_at_the_end(count, words);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace jackdaw::fuzz;
  if (size == 0 || size > 65'536) return 0;
  Connection connection{connect_to_server()};
  reach(connection, data[0] % states);
  connection.say({reinterpret_cast<const char*>(data) + 1, size - 1});
  require_well_formed(connection.hang_up());
  return 0;
}
