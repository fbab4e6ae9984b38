#!/usr/bin/env python3
"""The network between two servers is lost and comes back; certificates expire and are renewed while the servers run.

    federation_network_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import signal
import sys
import time
import unittest

from people import heard_until_now
from province import HERE, LANE, THERE, Houses, Road, enter_namespace

enter_namespace()
Houses.PROGRAM = sys.argv.pop(1)
ROMEO, JULIET = "romeo@montague.lan", "juliet@capulet.lan"
MANY = 20
SOON = 30  # seconds from the return of the network to the first delivery
UNTIL_LOST = 120  # seconds in which a silent peer is known to be dead


class Loss(Houses):
    """capulet.lan is at the other end of a road that can be cut."""

    MODULES = ()
    DOMAINS = ("montague.lan", "verona.lan")
    ZONE = {"xmpp.montague.lan": HERE, "capulet.lan": THERE}
    SERVICES = ("montague.lan=xmpp.montague.lan:5269", "verona.lan=xmpp.montague.lan:5269")
    DOORS = {"capulet.lan": LANE}

    def setUp(self):
        super().setUp()
        self.road = Road(self.province)
        self.addCleanup(self.road.close)
        within = self.road.there.within
        self.province.run_dns("dns-there", THERE, within)
        self.start_prosody(modules=self.MODULES, within=within)

    def start_prosody(self, **how):
        return self.province.start_prosody("capulet.lan", THERE, ["juliet"], door=LANE, **how)

    def be_certified(self):
        pem, key = self.province.certify("montague.lan", [f"DNS:{domain}" for domain in self.DOMAINS])
        return f"tls.certificate={pem}", f"tls.key={key}", f"s2s.trusted_certificates={self.province.authority}"

    def serve(self, *settings):
        super().serve(f"listen.server={HERE}:5269", *self.be_certified(), *settings)
        self.be_patient("1h")

    async def cut(self):
        """When nothing is under way any more."""
        def are_empty():
            return not any(queue["stanzas"] for queue in self.jackdaw.read("queue", "list"))
        await self.until(are_empty, "something waits for an acknowledgement")
        self.road.cut()

    @staticmethod
    def send_many(speaker):
        bodies = [f"Art thou there {number}?" for number in range(MANY)]
        for body in bodies:
            speaker.send_message(JULIET, body)
        return bodies

    async def are_stored(self, count):
        """So many messages wait for the other server, on the disk."""
        await self.until(lambda: self.metric("jackdaw_s2s_stanzas_stored") >= count, "not stored")

    async def expect_after_return(self, juliet, bodies, *speakers):
        """The network returns. All that each speaker has said arrives, in order and once, the first of it soon."""
        self.road.mend()
        returned = time.monotonic()
        said = {speaker.boundjid.bare: [] for speaker in speakers}
        while sum(map(len, said.values())) < len(bodies) * len(speakers):
            message = await juliet.expect(lambda s: s["from"].bare in said and s["body"], "a message")
            if not any(said.values()):
                passed = time.monotonic() - returned
                print(f"{self.id()}: {passed:.1f} s from the return to the first delivery", flush=True)
                self.assertLess(passed, SOON)
            said[message["from"].bare].append(message["body"])
        for speaker in speakers:
            self.assertEqual(said[speaker.boundjid.bare], bodies)
            self.assertEqual([s for s in await heard_until_now(juliet, speaker) if s["body"]], [])


class OneWayEach(Loss):
    """Each server opens a stream to the other, and acknowledges what comes on the other's."""

    MODULES = ("smacks",)

    async def test_a_long_loss_of_the_dns_too(self):
        """The stream of one domain is found to be dead; the other domain never had one. The DNS, which does not answer,
        is asked for many more."""
        self.serve(f"dns.servers={THERE}")
        romeo, juliet = await self.enter_both()
        namesake = await self.enter("romeo@verona.lan/square")
        await self.talk(romeo, juliet)
        await self.cut()
        bodies = self.send_many(romeo)
        self.send_many(namesake)
        for number in range(MANY):
            romeo.send_message(f"house{number}.lan", "A plague o' both your houses!")
        await self.until_logged("stream to another server lost", UNTIL_LOST, to="capulet.lan")
        self.assertTrue(self.logged("no stream to another server", **{"from": "verona.lan"}))
        await self.expect_after_return(juliet, bodies, romeo, namesake)
        await self.until_it_arrives(juliet, romeo)  # its server finds its own stream dead only when it writes
        await self.talk(romeo, juliet)


class BothWays(Loss):
    """What goes either way takes one stream."""

    MODULES = ("s2s_bidi", "smacks")

    async def test_a_short_loss(self):
        """Shorter than it takes to find a stream dead: it goes on."""
        self.serve()
        romeo, juliet = await self.enter_both()
        await self.talk(romeo, juliet)
        await self.cut()
        bodies = self.send_many(romeo)
        await self.are_stored(MANY)
        await self.expect_after_return(juliet, bodies, romeo)
        await self.talk(juliet, romeo)
        self.assertEqual(self.logged("stream to another server lost"), [])

    async def test_a_loss_before_there_is_a_stream(self):
        """To connect takes too long: a message returns, later ones wait."""
        self.serve()
        romeo, juliet = await self.enter_both()
        self.road.cut()
        self.be_patient("3s")
        self.assertEqual(await self.returned(romeo, JULIET), "remote-server-timeout")
        self.be_patient("1h")
        bodies = self.send_many(romeo)
        await self.until_logged("no stream to another server", to="capulet.lan")
        await self.expect_after_return(juliet, bodies, romeo)
        await self.talk(juliet, romeo)

    async def test_presence_that_changes_meanwhile(self):
        """Who is there sees it when the network is back, and so does who enters then."""
        self.serve()
        romeo, juliet = await self.enter_both()
        await self.befriend(romeo, juliet)
        leaving = await self.enter("romeo@montague.lan/orchard")
        await juliet.expect_presence(leaving.boundjid.full)
        await self.cut()
        romeo.send_presence(pshow="away")
        juliet.send_presence(pshow="dnd")
        await leaving.go()
        self.road.mend()
        await juliet.expect_presence(leaving.boundjid.full, "unavailable")
        await romeo.expect_presence(juliet.boundjid.full, fits=lambda p: p["show"] == "dnd")
        for who, sees, show in ((JULIET, romeo, "away"), (ROMEO, juliet, "dnd")):
            name = who + "/wall"
            enters = await self.enter(name)
            came = await enters.expect_presence(sees.boundjid.full)
            self.assertEqual(came["show"], show)
            await sees.expect_presence(name)
            there = await heard_until_now(enters, sees)
            self.assertEqual([s for s in there if s["from"] == leaving.boundjid.full and s["type"] == "available"], [])
        await self.talk(romeo, juliet)


class Certificates(Houses):
    """Certificates that expire and are renewed; each server insists on a valid one of the other."""

    def start_prosody(self, **how):
        return super().start_prosody(s2s_secure_auth=True, **how)

    def serve(self, *settings):
        trusted = f"s2s.trusted_certificates={self.province.authority}"
        super().serve("s2s.secure_domains=capulet.lan", trusted, *settings)
        self.be_patient("1h")

    async def try_in_vain(self, romeo, juliet):
        """Neither reaches the other: hers returns, his waits."""
        self.assertEqual(await self.returned(juliet, romeo.boundjid.full), "remote-server-timeout")
        romeo.send_message(juliet.boundjid.full, "Good night")
        await self.until_no_stream("has expired")

    async def hear_each_other(self, romeo, juliet):
        await juliet.expect_message("Good night")
        await self.until_it_arrives(juliet, romeo)

    async def test_ours_has_expired(self):
        """The new one counts from a reload on."""
        self.start_prosody()
        pem, key = self.province.certify("montague.lan", days=-1)
        self.serve(f"tls.certificate={pem}", f"tls.key={key}")
        romeo, juliet = await self.enter_both()
        await self.try_in_vain(romeo, juliet)
        self.province.certify("montague.lan")
        self.jackdaw.do("reload")
        await self.hear_each_other(romeo, juliet)

    async def test_theirs_expires(self):
        """All was well. Their server shows the old one after a restart, a new one when it has been told to read its
        files again; ours is told nothing."""
        prosody = self.start_prosody()
        pem, key = self.province.certify("montague.lan")
        self.serve(f"tls.certificate={pem}", f"tls.key={key}")
        romeo, juliet = await self.enter_both()
        await self.talk(romeo, juliet)
        self.province.certify("capulet.lan", days=-1)
        await self.talk(romeo, juliet)
        await juliet.go()
        prosody.end()
        prosody.start()
        juliet = await self.enter("juliet@capulet.lan/orchard")
        await self.try_in_vain(romeo, juliet)
        self.province.certify("capulet.lan")
        prosody.process.send_signal(signal.SIGHUP)
        await self.hear_each_other(romeo, juliet)

    async def test_theirs_expires_while_they_talk(self):
        """RFC 6120 §13.7.2.3: the streams that it proves end with it, with a reset; a new one opens them again."""
        pem, key = self.province.certify("montague.lan")
        prosody = self.start_prosody(certificate=self.province.certify("capulet.lan", seconds=30))
        self.serve(f"tls.certificate={pem}", f"tls.key={key}")
        romeo, juliet = await self.enter_both()
        await self.talk(romeo, juliet)
        await self.until_logged("stream to another server lost", why="its certificate has expired")
        await self.until_logged("stream ended", condition="reset")
        romeo.send_message(juliet.boundjid.full, "Good night")
        await self.until_no_stream("has expired")
        self.province.certify("capulet.lan")
        prosody.process.send_signal(signal.SIGHUP)
        await self.hear_each_other(romeo, juliet)


if __name__ == "__main__":
    unittest.main(verbosity=1)
