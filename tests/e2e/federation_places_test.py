#!/usr/bin/env python3
"""Where a stream to another server leads by settings, and where one comes in: records of CommuniGate's Router (its
check C14), sockets with TLS at once (XEP-0368), addresses that are this server's own.

    federation_places_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import re
import signal
import subprocess
import sys
import unittest

from people import PATIENCE, Person
from province import HERE, LANE, OURS, THEIRS, THERE, Houses, Road, enter_namespace

enter_namespace()
Houses.PROGRAM = sys.argv.pop(1)
NOBODY = "127.0.1.9"
AT_ONCE = 5270


def connected(houses):
    """Where Jackdaw has connected to."""
    return {re.search(r" address=(\S+)", line)[1] for line in houses.logged("connection opened")}


class Router(Houses):
    """capulet.lan needs a valid certificate, and its address in the DNS is wrong."""

    ZONE = {**Houses.ZONE, "capulet.lan": NOBODY, "relay.lan": THEIRS}

    def serve(self, *settings):
        super().serve("s2s.secure_domains=capulet.lan", *self.be_certified(), *settings)

    async def test_the_stream_goes_to_the_host_of_a_record_whose_name_is_accepted(self):
        """And no other one but the domain's."""
        prosody = self.start_prosody(certificate=self.province.certify("relay.lan", ["DNS:verona.lan"]))
        self.serve("s2s.routes=NoRelay:capulet.lan = capulet.lan@relay.lan._via")
        self.assertEqual(self.jackdaw.do("route", "juliet@capulet.lan"),
                         "capulet.lan: another server; TLS: verified\n"
                         f"  relay.lan:5269, a static route: {THEIRS}\n")
        romeo, juliet = await self.enter_both()
        romeo.send_message(juliet.boundjid.full, "Art thou there?")
        await self.until_no_stream("its certificate is not accepted: it is not for capulet.lan")
        self.assertIn("it is not for capulet.lan", self.jackdaw.do("queue", "show", "capulet.lan"))
        self.assertEqual([s for s in await juliet.settle() if s["from"].domain == "montague.lan"], [])
        self.province.certify("relay.lan")
        prosody.process.send_signal(signal.SIGHUP)
        self.jackdaw.do("queue", "flush", "capulet.lan")
        await juliet.expect_message("Art thou there?")
        await self.until_logged("stream to another server", to="capulet.lan", security="TLSv1.3, verified")
        self.assertEqual(connected(self), {THEIRS})
        await self.talk(juliet, romeo)
        await self.until_logged("authenticated", domain="capulet.lan", mechanism="EXTERNAL")

    async def test_the_common_name_of_the_host_counts_only_when_asked(self):
        """CommuniGate's check C9: "correct CN of domain or of relay"; the certificate has no other name."""
        self.start_prosody(certificate=self.province.certify("relay.lan", []))
        self.serve("s2s.routes=NoRelay:capulet.lan = capulet.lan@relay.lan._via")
        romeo, juliet = await self.enter_both()
        romeo.send_message(juliet.boundjid.full, "Art thou there?")
        await self.until_no_stream("its certificate is not accepted")
        self.be_patient("1s")
        error = (await romeo.expect(lambda stanza: stanza["type"] == "error", "an error"))["error"]
        self.assertEqual(error["condition"], "remote-server-timeout")
        self.assertIn("its certificate is not accepted: it is not for capulet.lan", error["text"])
        self.be_patient("2m")
        self.assertEqual([s for s in await juliet.settle() if s["from"].domain == "montague.lan"], [])
        self.assertFalse(self.logged("stream to another server", security="TLSv1.3, verified"))
        self.jackdaw.do("setting", "set", "s2s.accept_common_name", "true")
        romeo.send_message(juliet.boundjid.full, "Art thou there?")

        def delivers():
            self.jackdaw.say("queue", "flush", "capulet.lan")  # without the pause behind a try that came to nothing
            return self.logged("stream to another server", to="capulet.lan", security="TLSv1.3, verified")
        await self.until(delivers, "no stream with a valid certificate")
        await juliet.expect_message("Art thou there?")
        self.assertEqual(connected(self), {THEIRS})

    async def test_a_record_may_name_a_port(self):
        self.start_prosody(port=15269, certificate=self.province.certify("relay.lan"))
        self.serve("s2s.routes=NoRelay:capulet.lan = capulet.lan@relay.lan:15269._via")
        self.assertIn(f"  relay.lan:15269, a static route: {THEIRS}\n", self.jackdaw.do("route", "juliet@capulet.lan"))
        await self.talk(*await self.enter_both())
        await self.until_logged("stream to another server", to="capulet.lan", security="TLSv1.3, verified")


class AtOnce(Houses):
    """Each server has one socket for the other, and it begins with TLS."""

    ZONE = {**Houses.ZONE, "xmpp.capulet.lan": THEIRS}
    SERVICES = tuple(f"tls {name}.lan=xmpp.{name}.lan:{AT_ONCE}" for name in ("montague", "capulet"))

    def start_prosody(self, certificate, **how):
        pem, key = certificate
        of_port = f'{{ certificate = "{pem}", key = "{key}", cafile = "{self.province.authority}" }}'
        super().start_prosody(certificate=certificate, port=15269, s2s_direct_tls_ports=f"{{ {AT_ONCE} }}", ssl=of_port,
                              **how)

    def serve(self, *settings):
        super().serve("listen.server=", f"listen.tls={OURS}:{AT_ONCE}", *settings)
        self.assertEqual(self.jackdaw.do("route", "capulet.lan").splitlines()[1:],
                         [f"  xmpp.capulet.lan:{AT_ONCE} (TLS at once): {THEIRS}"])

    async def test_certificates_prove_both(self):
        """A client comes in by the same socket."""
        self.start_prosody(self.province.certify("capulet.lan"), s2s_secure_auth=True)
        self.serve("s2s.secure_domains=capulet.lan", *self.be_certified())
        romeo, juliet = await self.enter_both()
        await self.talk(romeo, juliet)
        await self.until_logged("stream to another server", to="capulet.lan", security="TLSv1.3, verified")
        await self.until_logged("authenticated", domain="capulet.lan", mechanism="EXTERNAL")
        client = Person("romeo@montague.lan/orchard")
        self.here.append(client)
        client.connect((OURS, AT_ONCE), use_ssl=True)
        await asyncio.wait_for(client.started.wait(), PATIENCE)
        await self.talk(client, juliet)

    async def test_dialback_proves_both(self):
        """Each asks back by such a socket too."""
        self.start_prosody(self.province.certify("capulet.lan", signed=False))
        self.serve()
        await self.talk(*await self.enter_both())
        await self.until_logged("stream to another server", to="capulet.lan", security="TLSv1.3")
        await self.until_logged("another server's domain is proven", **{"from": "capulet.lan", "to": "montague.lan"})
        self.assertFalse(self.logged("authenticated", mechanism="EXTERNAL"))


class Wildcard(Houses):
    """Jackdaw listens on all addresses, Prosody on the same port of another machine."""

    OWN = {"tybalt.lan": NOBODY,               # not even configured: all of 127.0.0.0/8 is
           "paris.lan": Road.LANE_HERE,        # of a device
           "mercutio.lan": "fd00::9",
           "balthasar.lan": "::1",
           "abram.lan": f"::ffff:{NOBODY}",
           "gregory.lan": "0.0.0.0",           # the system takes it for this machine
           "benvolio.lan": f"{HERE},fd00::9"}  # several
    ZONE = {"xmpp.montague.lan": HERE, "xmpp.capulet.lan": THERE, "own.capulet.lan": NOBODY, **OWN}
    SERVICES = ("montague.lan=xmpp.montague.lan:5269",
                "capulet.lan=own.capulet.lan:5269,10", "capulet.lan=xmpp.capulet.lan:5269,20",  # priorities
                f"tls sampson.lan=own.capulet.lan:{AT_ONCE}")
    DOORS = {"capulet.lan": LANE}

    def start_prosody(self, **how):
        """There; we get an address more."""
        road = Road(self.province)
        self.addCleanup(road.close)
        subprocess.run(["ip", "address", "add", "fd00::9/128", "dev", "lo", "nodad"], check=True)
        self.addCleanup(subprocess.run, ["ip", "address", "del", "fd00::9/128", "dev", "lo"], check=True)
        within = road.there.within
        self.province.run_dns("dns-there", THERE, within)
        return self.province.start_prosody("capulet.lan", THERE, ["juliet"], door=LANE, within=within, **how)

    async def test_our_own_addresses_are_refused_and_the_others_tried(self):
        self.start_prosody()
        self.serve("listen.server=*:5269", f"listen.tls=*:{AT_ONCE}", f"s2s.routes=escalus.lan={Road.LANE_HERE}")
        romeo, juliet = await self.enter_both()
        ours = [*self.OWN, "sampson.lan", "escalus.lan"]
        for domain in ours:
            self.assertIn("(this server itself, which is not tried)", self.jackdaw.do("route", domain), domain)
            self.assertEqual(await self.returned(romeo, f"nurse@{domain}"), "remote-server-not-found", domain)
            self.assertEqual(self.logged("connection opened", domain=domain), [])
        await self.says(romeo, juliet, "Art thou there?")
        await self.until_logged("stream to another server", to="capulet.lan", security="TLSv1.3")
        self.assertEqual(connected(self), {THERE})

    async def test_who_comes_in_as_a_domain_at_our_own_address_is_not_proven(self):
        """Dialback would ask us about it."""
        self.serve("listen.server=*:5269", "s2s.unlisted=wherever_possible")
        reader, writer = await asyncio.open_connection(OURS, 5269)
        writer.write(b"<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' "
                     b"xmlns:db='jabber:server:dialback' from='tybalt.lan' to='montague.lan' version='1.0'>"
                     b"<db:result from='tybalt.lan' to='montague.lan'>1e701f120f66824b57303384e83b51fe</db:result>")
        said = await asyncio.wait_for(reader.readuntil(b"</db:result>"), PATIENCE)
        writer.close()
        self.assertRegex(said, b"<db:result .*to='tybalt.lan' type='error'.*<remote-server-not-found ")
        await self.until_logged("a domain is not proven", **{"from": "tybalt.lan"})
        self.assertEqual(self.logged("connection opened"), [])


if __name__ == "__main__":
    unittest.main(verbosity=1)
