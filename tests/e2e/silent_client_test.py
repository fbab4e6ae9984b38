#!/usr/bin/env python3
"""A client falls silent without its connection breaking: after c2s.idle it is asked, a minute later its stream is
ended, the administrator can see it, its contacts are told, and what was sent to it meanwhile waits for its next log-in.

    silent_client_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import re
import sys
import time
import unittest

from slixmpp import Message, Presence

from managed import Managed, bodies
from people import PATIENCE, Stage

Stage.PROGRAM = sys.argv.pop(1)
ROMEO, JULIET = "romeo@localhost/garden", "juliet@localhost/balcony"
ROSTER = "{jabber:iq:roster}query"
ANSWER_TIME = 60  # seconds


class SilentClient(Stage):
    # What the socket took, only stream management tells whether it was read. A session that may be resumed would stay.
    SETTINGS = ("c2s.idle=1s", "c2s.resume_time=0s", "log.level=problems")

    def stream_errors(self):
        """Condition to number, of those that were counted."""
        metrics = self.jackdaw.do("metrics")
        found = re.findall(r'^jackdaw_stream_errors_total\{condition="(.+?)"\} ([1-9]\d*)$', metrics, re.M)
        return {condition: int(number) for condition, number in found}

    async def lines(self, pattern):
        """Those of the log that fit, when it has one: it is written by and by."""
        until = time.monotonic() + PATIENCE
        while not (fits := [line for line in list(self.jackdaw.lines) if re.search(pattern, line)]):
            self.assertLess(time.monotonic(), until, f"{pattern!r} is not in the log")
            await asyncio.sleep(0.01)
        return fits

    async def talk_until_he_leaves(self, juliet):
        """Two messages a second to his account, a ping behind each: the messages. The befriending may bring a push."""
        texts, came, begin = [], [], time.monotonic()
        while not came:
            texts.append(f"Art thou there? {len(texts)}")
            juliet.send_message("romeo@localhost", texts[-1], mtype="chat")
            asked = time.monotonic()
            came = [one for one in await juliet.settle() if one.xml.find(ROSTER) is None]
            self.assertLess(time.monotonic() - asked, 5, "she is not served")
            self.assertLess(time.monotonic() - begin, ANSWER_TIME + PATIENCE, "he is still there")
            await asyncio.sleep(0.5)
        self.assertEqual([(type(one), one["from"], one["type"]) for one in came], [(Presence, ROMEO, "unavailable")])
        self.assertGreater(time.monotonic() - begin, ANSWER_TIME)
        return texts

    async def test_its_stream_ends_and_nothing_is_lost(self):
        romeo, juliet = Managed(ROMEO), await self.enter(JULIET)
        self.here.append(romeo)
        await romeo.come(self.port)
        await self.befriend(romeo, juliet)
        (number,) = (one["number"] for one in self.jackdaw.read("session", "list") if one["jid"] == ROMEO)
        before = self.stream_errors()

        romeo.transport.pause_reading()
        texts = await self.talk_until_he_leaves(juliet)

        after = {**before, "connection-timeout": before.get("connection-timeout", 0) + 1}
        self.assertEqual(self.stream_errors(), after)
        (line,) = await self.lines("stream ended")
        self.assertRegex(line, rf" 3 XMPPS-{number:06} stream ended condition=connection-timeout .*jid={ROMEO}")
        self.assertEqual([one["jid"] for one in self.jackdaw.read("session", "list")], [JULIET])

        texts.append("to one who is away")
        juliet.send_message("romeo@localhost", texts[-1], mtype="chat")
        self.assertEqual(await juliet.settle(), [])
        again = await self.enter("romeo@localhost/street")
        heard = [await again.expect(lambda stanza: isinstance(stanza, Message), "a message") for _ in texts]
        self.assertEqual(bodies(heard + await again.settle()), texts)
        await juliet.expect_presence("romeo@localhost/street")
        again.send_message(JULIET, "Lady, I am here")
        await juliet.expect_message("Lady, I am here")


if __name__ == "__main__":
    unittest.main(verbosity=1)
