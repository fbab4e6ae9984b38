#!/usr/bin/env python3
"""Streams to another server: one of each pair of domains, order, the end of idle ones (CommuniGate's checks C6 and C7),
and of those to a domain that is deleted.

    federation_streams_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import sys
import unittest

from people import PASSWORD
from province import Houses, enter_namespace

enter_namespace()
Houses.PROGRAM = sys.argv.pop(1)
MANY = 200
CLOSED = ("remote-server-not-found", "remote-server-timeout")  # what Prosody makes of a refusal


class Streams(Houses):
    DOMAINS = ("montague.lan", "verona.lan")
    SERVICES = tuple(f"{domain}=xmpp.montague.lan:5269" for domain in DOMAINS)

    async def test_two_domains_have_streams_of_their_own_and_each_keeps_order(self):
        self.start_prosody()
        self.serve()
        romeo, juliet = await self.enter_both()
        prince = await self.enter("romeo@verona.lan/palace")
        wanted = {speaker.boundjid.full: [f"{speaker.boundjid.domain} {number}" for number in range(MANY)]
                  for speaker in (romeo, prince)}
        for number in range(MANY):
            for speaker in (romeo, prince):
                speaker.send_message(juliet.boundjid.full, wanted[speaker.boundjid.full][number])
        came = {sender: [] for sender in wanted}
        while came != wanted:
            message = await juliet.expect(lambda stanza: stanza["from"].full in came, f"one of {wanted}, after {came}")
            bodies = came[message["from"].full]
            bodies.append(message["body"])
            self.assertEqual(bodies, wanted[message["from"].full][:len(bodies)])
        for domain in self.DOMAINS:
            lines = self.logged("stream to another server", **{"from": domain, "to": "capulet.lan"})
            self.assertEqual(len(lines), 1, lines)
        self.assertEqual(self.metric("jackdaw_s2s_streams_out"), 2)
        self.assertGreaterEqual(self.metric("jackdaw_s2s_stanzas_sent"), 2 * MANY)

    async def test_what_comes_of_many_keeps_order(self):
        self.start_prosody()
        self.serve()
        romeo, juliet = await self.enter_both()
        wanted = [f"capulet.lan {number}" for number in range(MANY)]
        for body in wanted:
            juliet.send_message(romeo.boundjid.full, body)
        came = [await romeo.expect(lambda stanza: stanza["from"] == juliet.boundjid.full) for _ in wanted]
        self.assertEqual([message["body"] for message in came], wanted)

    async def test_an_idle_stream_is_closed_and_the_next_message_opens_another(self):
        prosody = self.start_prosody()
        self.serve("s2s.idle_timeout=1s")
        romeo, juliet = await self.enter_both()
        for times in (1, 2):
            await self.says(romeo, juliet, f"Good night {times}")
            await self.until(lambda: len(self.logged("stream to another server closed", to="capulet.lan")) == times,
                             "the stream is not closed")
            self.assertEqual(len(self.logged("stream to another server", **{"from": "montague.lan"})), times)
        await self.until(lambda: self.metric("jackdaw_s2s_streams_out") == 0, "a stream is open")
        self.assertEqual(self.logged("stream to another server lost"), [])
        closed = "Sending[s2sin]: </stream:stream>"  # of a proven stream, in answer to ours
        await self.until(lambda: prosody.log.read_text(errors="replace").count(closed) == 2, "not closed cleanly")

    def add_mantua(self):
        """At run time."""
        self.jackdaw.do("domain", "add", "mantua.lan")
        self.jackdaw.do("user", "add", "romeo@mantua.lan", "--reuse", "--password-stdin", password=PASSWORD)

    async def test_a_domain_is_deleted_while_another_server_has_a_stream_to_it(self):
        """RFC 6120 §4.9.3.5: the next stanza for it ends that stream. The streams to other domains go on."""
        self.province.stop_dns()
        self.province.services.append("mantua.lan=xmpp.montague.lan:5269")
        self.province.start_dns()
        prosody = self.start_prosody()
        self.serve()
        self.add_mantua()
        romeo, juliet = await self.enter_both()
        exile = await self.enter("romeo@mantua.lan/street")
        for person in (romeo, exile):
            await self.talk(juliet, person)
        await exile.go()
        self.jackdaw.do("user", "delete", "romeo@mantua.lan")
        self.jackdaw.do("domain", "delete", "mantua.lan")
        await self.talk(juliet, romeo)

        juliet.send_message("romeo@mantua.lan", "Art thou there?")
        await self.until_logged("stream ended", condition="host-gone")
        said = "stream capulet.lan->mantua.lan closed: host-gone"  # its user hears nothing, though
        await self.until(lambda: said in prosody.log.read_text(errors="replace"), "it does not hear of it")
        # A new one is not even opened.
        self.assertIn(await self.returned(juliet, "romeo@mantua.lan"), CLOSED)
        await self.talk(juliet, romeo)
        self.assertEqual(len(self.logged("another server's domain is proven", to="montague.lan")), 1)
        self.assertEqual(len(self.logged("stream to another server", **{"from": "montague.lan"})), 1)
        self.assertEqual(len(self.logged("stream ended")), 2)  # host-gone, host-unknown

        # When it is back, nothing of that time comes; what is said then does.
        self.add_mantua()
        exile = await self.enter("romeo@mantua.lan/street")
        juliet.send_message(exile.boundjid.full, "Art thou there again?")
        self.assertEqual((await exile.expect(lambda s: s["body"]))["body"], "Art thou there again?")


if __name__ == "__main__":
    unittest.main(verbosity=1)
