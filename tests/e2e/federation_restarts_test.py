#!/usr/bin/env python3
"""ejabberd ends and starts again, in order and killed, while our users go on: presence, messages and requests work
again both ways, and what was said to it meanwhile arrives once.

    federation_restarts_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import signal
import sys
import unittest

from conversations import JULIET, ROMEO, Conversations
from people import PATIENCE
from peers import READY, start_ejabberd
from province import THEIRS, Houses, enter_namespace

enter_namespace()
Houses.PROGRAM = sys.argv.pop(1)
MANY = 20


class Restarts(Houses):
    says_again = Conversations.says_again
    enter_for_what_waits = Conversations.enter_for_what_waits

    async def end(self, juliet, how):
        """Everybody knows of its end."""
        self.peer.end(how)
        await asyncio.wait_for(juliet.gone.wait(), PATIENCE)

        def is_closed():
            return all(row["state"] != "open" for row in self.jackdaw.read("queue", "list"))
        await self.until(is_closed, "the stream to ejabberd is still open")

    async def start_again(self, romeo):
        """It has started all that it serves, and has taken what waited here: it has answered an iq behind that. Until
        then nobody logs in there: what comes in this moment it would lose, or deliver out of order."""
        said = self.peer.said.read_text().count(READY)
        self.peer.start()
        await self.until(lambda: self.peer.said.read_text().count(READY) > said, "ejabberd has not started")
        await romeo["xep_0199"].send_ping("capulet.lan", timeout=PATIENCE)

    async def expect_what_waited(self, juliet, bodies, status):
        """What she was told while her server was away, and how it is with him now."""
        seen, came = False, []
        while not seen or len(came) < len(bodies):
            stanza = await juliet.expect(lambda s: s["from"].bare == ROMEO, f"presence {status!r} and messages")
            if stanza.name == "message":
                came.append(stanza["body"])
            else:
                seen = seen or stanza["status"] == status
        self.assertEqual(came, bodies)

    async def all_works(self, romeo, juliet):
        """Messages, presence and requests both ways."""
        for one, other in ((romeo, juliet), (juliet, romeo)):
            await self.says_again(one, other, f"Art thou there, {other.boundjid.user}?")
            one.send_presence(pshow="away", pstatus="Anon, good nurse!")
            seen = await other.expect_presence(one.boundjid.full, fits=lambda p: p["show"] == "away")
            self.assertEqual(seen["status"], "Anon, good nurse!")
            answer = await one["xep_0199"].send_ping(other.boundjid.full, timeout=PATIENCE)
            self.assertEqual(answer["from"], other.boundjid.full)
            one.send_presence()
            await other.expect_presence(one.boundjid.full)

    async def test_ejabberd_starts_again(self):
        self.peer = start_ejabberd(self.province, "capulet.lan", THEIRS, ["juliet"])
        self.serve(*self.be_certified(), "s2s.queue_age=1h")
        romeo, juliet = await self.enter_both()
        await self.befriend(romeo, juliet)
        await self.all_works(romeo, juliet)
        for how in (signal.SIGTERM, signal.SIGKILL):
            await self.end(juliet, how)
            bodies = [f"Where art thou? {how.name} {number}" for number in range(MANY)]
            for body in bodies:
                romeo.send_message(JULIET, body, mtype="chat")
            romeo.send_presence(pshow="dnd", pstatus=how.name)
            await romeo.settle()
            await self.start_again(romeo)
            juliet = await self.enter_for_what_waits("juliet@capulet.lan/balcony")
            await self.expect_what_waited(juliet, bodies, how.name)
            await romeo.expect_presence(juliet.boundjid.full)
            await self.all_works(romeo, juliet)
            self.assertEqual([s for s in await juliet.settle() if s.name == "message"], [])


if __name__ == "__main__":
    unittest.main(verbosity=1)
