#!/usr/bin/env python3
"""Who comes says in the stream header what it is, so every socket takes clients and servers (CommuniGate's checks C1 to
C3): Prosody and slixmpp at the port for clients, at that for servers, at the one with TLS at once, always encrypted.

    roles_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import sys
import unittest

from people import PATIENCE, Person
from province import OURS, Houses, enter_namespace

enter_namespace()
Houses.PROGRAM = sys.argv.pop(1)
# Where the DNS says that the server of each of our domains is, and at which port its user comes.
PORTS = {"montague.lan": (5222, 5269), "verona.lan": (5269, 5223), "mantua.lan": (5223, 5222)}
TLS_AT_ONCE = 5223


class Roles(Houses):
    DOMAINS = tuple(PORTS)
    SERVICES = tuple(f"{'tls ' if servers == TLS_AT_ONCE else ''}{domain}=xmpp.montague.lan:{servers}"
                     for domain, (servers, _) in PORTS.items())

    async def enter_at(self, jid, port):
        romeo = Person(jid)
        self.here.append(romeo)
        at_once = port == TLS_AT_ONCE
        romeo.connect((OURS, port), use_ssl=at_once, disable_starttls=at_once, force_starttls=not at_once)
        await asyncio.wait_for(romeo.started.wait(), PATIENCE)
        self.assertTrue(romeo.transport.get_extra_info("ssl_object"), "not encrypted")
        return romeo

    async def test_every_socket_takes_clients_and_servers(self):
        """All of them over TLS: nothing else is taken of a secure domain, nor by Prosody."""
        pem, key = self.province.certify("montague.lan", [f"DNS:{domain}" for domain in PORTS])
        self.serve(f"listen.tls={OURS}:{TLS_AT_ONCE}", "s2s.secure_domains=capulet.lan", f"tls.certificate={pem}",
                   f"tls.key={key}", f"s2s.trusted_certificates={self.province.authority}")
        self.start_prosody(s2s_secure_auth=True)
        juliet = await self.enter("juliet@capulet.lan/balcony")
        for domain, (_, clients) in PORTS.items():
            romeo = await self.enter_at(f"romeo@{domain}/garden", clients)
            # Hers first: her server opens a stream to the port that the DNS names, and to no other.
            await self.says(juliet, romeo, f"Art thou at {domain}?")
            await self.says(romeo, juliet, f"Ay, at {domain}")
            await self.until_logged("another server's domain is proven", **{"from": "capulet.lan", "to": domain})


if __name__ == "__main__":
    unittest.main(verbosity=1)
