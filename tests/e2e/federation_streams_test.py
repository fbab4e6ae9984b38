#!/usr/bin/env python3
"""Streams to another server: one of each pair of domains, order, the end of idle ones (CommuniGate's checks C6 and C7).

    federation_streams_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import sys
import unittest

from province import Houses, enter_namespace

enter_namespace()
Houses.PROGRAM = sys.argv.pop(1)
MANY = 200


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


if __name__ == "__main__":
    unittest.main(verbosity=1)
