#!/usr/bin/env python3
"""Streams between servers that carry stanzas both ways (XEP-0288), with Prosody's mod_s2s_bidi on the other end.

    federation_bidi_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import signal
import sys
import unittest

from people import heard_until_now
from province import BETWEEN, Houses, enter_namespace
from signed_zone import SignedZone

enter_namespace()
Houses.PROGRAM = sys.argv.pop(1)
MANY = 50


class Bidi(Houses):
    MODULES = ("s2s_bidi",)

    async def begin(self, *settings):
        """Both servers, and somebody at each."""
        self.prosody = self.start_prosody(modules=list(self.MODULES))
        self.serve(*self.be_certified(), *settings)
        return await self.enter_both()

    def opened(self):
        """The connections to the other server."""
        return self.logged("connection opened")

    def proven(self):
        """The streams of the other server."""
        return self.logged("another server's domain is proven")

    async def converse(self, one, other):
        """Many messages at once each way, each in order."""
        for speaker, listener, word in ((one, other, "Ay"), (other, one, "No")):
            for number in range(MANY):
                speaker.send_message(listener.boundjid.full, f"{word} {number}")
        for listener, word in ((other, "Ay"), (one, "No")):
            bodies = [(await listener.expect(lambda s: s["body"]))["body"] for _ in range(MANY)]
            self.assertEqual(bodies, [f"{word} {number}" for number in range(MANY)])


class OneStream(Bidi):
    async def test_that_we_have_opened(self):
        romeo, juliet = await self.begin()
        await self.says(romeo, juliet, "Art thou there?")
        await self.until_logged("stream to another server", to="capulet.lan", both_ways="yes")
        await self.converse(romeo, juliet)
        self.assertEqual((len(self.opened()), len(self.proven())), (1, 0))

    async def test_that_the_other_has_opened(self):
        romeo, juliet = await self.begin()
        await self.says(juliet, romeo, "Art thou there?")
        await self.converse(romeo, juliet)
        self.assertEqual((len(self.opened()), len(self.proven())), (0, 1))
        row, = self.jackdaw.read("queue", "list")
        self.assertEqual((row["source"], row["target"], row["state"]), ("montague.lan", "capulet.lan", "open"))

    async def test_proven_by_dialback(self):
        """Neither has a certificate that the other trusts."""
        self.prosody = self.start_prosody(modules=list(self.MODULES),
                                          certificate=self.province.certify("capulet.lan", signed=False))
        self.serve()
        romeo, juliet = await self.enter_both()
        await self.says(juliet, romeo, "Art thou there?")
        await self.converse(romeo, juliet)
        self.assertEqual(len(self.proven()), 1)
        # A question about the key of the other's is asked on a stream of its own.
        self.assertEqual(len(self.logged("stream to another server", both_ways="yes")), 1)

    async def test_is_closed_when_nothing_goes_either_way(self):
        romeo, juliet = await self.begin("s2s.idle_timeout=2s")
        await self.talk(romeo, juliet)
        await self.until_logged("stream to another server closed", to="capulet.lan")
        await self.talk(romeo, juliet)
        self.assertEqual(len(self.logged("stream to another server lost")), 0)

    async def test_what_waits_for_who_cannot_be_reached_goes_out_when_it_comes(self):
        """Nobody is where the DNS says that its server is; it opens a stream itself. What follows stays behind."""
        self.province.stop_dns()
        self.province.zone["capulet.lan"] = BETWEEN
        self.province.start_dns()
        romeo, juliet = await self.begin()
        bodies = [f"Art thou there {number}?" for number in range(2 * MANY)]
        for body in bodies[:MANY]:
            romeo.send_message(juliet.boundjid.full, body)
        await self.until_logged("no stream to another server", to="capulet.lan")
        await self.until(lambda: self.metric("jackdaw_s2s_stanzas_stored") == MANY, "not stored")
        row, = self.jackdaw.read("queue", "list")
        self.assertEqual((row["state"], row["stanzas"]), ("waiting", MANY))
        await self.says(juliet, romeo, "Here am I")
        for body in bodies[MANY:]:
            romeo.send_message(juliet.boundjid.full, body)
        came = [(await juliet.expect(lambda s: s["body"]))["body"] for _ in bodies]
        self.assertEqual(came, bodies)
        self.assertEqual([s for s in await heard_until_now(juliet, romeo) if s["body"]], [])
        self.assertEqual((len(self.opened()), len(self.proven())), (0, 1))

    async def test_presence_and_requests_take_it_too(self):
        romeo, juliet = await self.begin()
        await self.befriend(romeo, juliet)
        for asks, answers in ((romeo, juliet), (juliet, romeo)):
            answer = await asks["xep_0199"].send_ping(answers.boundjid.full)
            self.assertEqual(answer["type"], "result")
        self.assertEqual((len(self.opened()), len(self.proven())), (1, 0))


class Acknowledged(OneStream):
    """The same with stream management on both ends, which counts each way by itself."""
    MODULES = ("s2s_bidi", "smacks")

    async def test_what_a_dying_server_had_not_taken_is_sent_again(self):
        romeo, juliet = await self.begin()
        await self.says(juliet, romeo, "Art thou there?")
        await self.says(romeo, juliet, "Ay")
        juliet.abort()
        self.prosody.process.send_signal(signal.SIGSTOP)
        bodies = [f"Art thou there {number}?" for number in range(MANY)]
        for body in bodies:
            romeo.send_message("juliet@capulet.lan", body)
        await romeo.settle()
        self.prosody.process.kill()
        self.prosody.process.wait()
        self.prosody.start()
        juliet = await self.enter("juliet@capulet.lan/orchard")
        came = [(await juliet.expect(lambda s: s["from"].bare == "romeo@montague.lan" and s["body"]))["body"]
                for _ in bodies]
        self.assertEqual(came, bodies)


class TwoStreams(Bidi):
    async def test_where_the_setting_is_off(self):
        romeo, juliet = await self.begin("s2s.bidi=false")
        await self.talk(romeo, juliet)
        await self.converse(romeo, juliet)
        self.assertEqual((len(self.opened()), len(self.proven())), (1, 1))

    async def test_where_the_other_has_not_proven_itself_as_we_want_it(self):
        """It trusts us; we want a certificate of it that we do not trust, and it is not listened to."""
        self.prosody = self.start_prosody(modules=list(self.MODULES))
        pem, key = self.province.certify("montague.lan")
        self.serve(f"tls.certificate={pem}", f"tls.key={key}", "s2s.secure_domains=capulet.lan", "s2s.queue_age=2s")
        romeo, juliet = await self.enter_both()
        self.assertEqual(await self.returned(romeo, juliet.boundjid.full), "remote-server-timeout")
        await self.returned(juliet, romeo.boundjid.full)
        self.assertEqual(len(self.proven()), 0)
        self.assertEqual(self.metric("jackdaw_s2s_stanzas_sent"), 0)


class Anchored(Bidi):
    """With dns.trust_anchor a stream of ours would have to fit the other server's TLSA records, if it has any."""

    async def begin_with(self, *, record):
        """She speaks first, on a stream both ways of her server's, whose certificate we trust in any case."""
        zone, certificate = SignedZone(self.province), self.province.certify("capulet.lan")
        if record:
            zone.tlsa(certificate[0], "capulet.lan")
        self.prosody = self.start_prosody(modules=list(self.MODULES), certificate=certificate)
        zone.serve()
        self.serve(*self.be_certified(), f"dns.trust_anchor={zone.anchor}", "dns.servers=127.0.0.53")
        romeo, juliet = await self.enter_both()
        await self.says(juliet, romeo, "Art thou there?")
        await self.until_logged("authenticated", domain="capulet.lan", mechanism="EXTERNAL")
        self.assertIn("Requesting bidirectional stream", self.prosody.log.read_text())
        await self.converse(romeo, juliet)

    async def test_a_stream_that_no_record_proves_is_not_taken(self):
        await self.begin_with(record=False)
        self.assertEqual((len(self.opened()), len(self.proven())), (1, 1))

    async def test_one_that_a_record_proves_is(self):
        await self.begin_with(record=True)
        self.assertEqual((len(self.opened()), len(self.proven())), (0, 1))


if __name__ == "__main__":
    unittest.main(verbosity=1)
