#!/usr/bin/env python3
"""Two slixmpp clients over TLS with SCRAM: subscription, presence, messages, offline delivery.

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import sys
import unittest

from people import PATIENCE, Person, Stage

Stage.PROGRAM = sys.argv.pop(1)


class TwoPeople(Stage):
    async def test_they_meet_and_talk(self):
        romeo = await self.enter("romeo@localhost/garden")
        juliet = await self.enter("juliet@localhost/balcony")

        # RFC 6121 §3.1: he asks, she approves, he sees her.
        romeo.send_presence_subscription(pto="juliet@localhost", ptype="subscribe")
        await juliet.expect_presence("romeo@localhost", "subscribe")
        juliet.send_presence_subscription(pto="romeo@localhost", ptype="subscribed")
        await romeo.expect_push("juliet@localhost", subscription="to")
        juliet.send_presence(pshow="away", pstatus="but a little")
        await romeo.expect_presence("juliet@localhost/balcony", fits=lambda p: p["show"] == "away")

        # RFC 6121 §5: messages both ways, in order.
        for number in range(50):
            romeo.send_message("juliet@localhost", f"Art thou there? {number} <&> \N{ROSE}")
        for number in range(50):
            got = await juliet.expect(lambda stanza: stanza.name == "message")
            self.assertEqual(got["body"], f"Art thou there? {number} <&> \N{ROSE}")
            self.assertEqual(got["from"], "romeo@localhost/garden")
        juliet.send_message("romeo@localhost/garden", "Ay me!")
        await romeo.expect_message("Ay me!")

        # XEP-0160: who is away finds it later, with its time.
        await juliet.go()
        await romeo.expect_presence("juliet@localhost", "unavailable")
        romeo.send_message("juliet@localhost", "Good night, good night")
        await romeo.settle()
        juliet = await self.enter("juliet@localhost/balcony")
        self.assertTrue((await juliet.expect_message("Good night, good night"))["delay"]["stamp"])

        # XEP-0030: the server says what it is.
        info = await romeo["xep_0030"].get_info(jid="localhost", timeout=PATIENCE)
        self.assertIn(("server", "im"), {(one[0], one[1]) for one in info["disco_info"]["identities"]})
        self.assertIn("urn:xmpp:ping", info["disco_info"]["features"])
        await romeo.go()
        await juliet.go()
        self.assertEqual(self.jackdaw.end(), 0)

    async def test_a_wrong_password(self):
        thief = Person("tybalt@localhost/dark", "wrong")
        self.here.append(thief)
        thief.connect(("127.0.0.1", self.port))
        await asyncio.wait_for(thief.failed.wait(), PATIENCE)


if __name__ == "__main__":
    unittest.main(verbosity=1)
