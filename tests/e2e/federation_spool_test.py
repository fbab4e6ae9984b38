#!/usr/bin/env python3
"""Messages to a server that is down: acknowledged when they are on the disk, sent on after a crash, returned when too
old.

    federation_spool_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import signal
import sys
import unittest

from managed import Managed
from people import PATIENCE, Person
from province import Houses, enter_namespace

enter_namespace()
Houses.PROGRAM = sys.argv.pop(1)
JULIET = "juliet@capulet.lan"
MANY = 20


class Sender(Managed):
    """At an address of its server's."""

    async def come(self, port, presence=True, address="127.0.0.1"):
        await Person.come(self, port, presence, address)
        await asyncio.wait_for(self.enabled.get(), PATIENCE)


class Spool(Houses):
    async def send_acknowledged(self, romeo, bodies):
        """capulet.lan is down and the server has taken them over."""
        for body in bodies:
            romeo.send_message(JULIET, body)

        def are_acknowledged():
            romeo.management.request_ack()
            return set(bodies) <= set(romeo.acknowledged)
        await self.until(are_acknowledged, "not acknowledged")

    async def expect_all(self, juliet, bodies):
        """All, in order, each once."""
        came = [(await juliet.expect(lambda s: s["from"].bare == "romeo@montague.lan" and s["body"]))["body"]
                for _ in bodies]
        self.assertEqual(came, bodies)
        self.assertEqual([s for s in await juliet.settle() if s["from"].domain == "montague.lan"], [])

    async def test_messages_are_on_the_disk_before_they_are_acknowledged(self):
        """kill -9 right after it; capulet.lan comes back before we do."""
        self.serve("s2s.queue_age=1h")
        romeo = await self.enter("romeo@montague.lan/garden", Sender)
        bodies = [f"Art thou there {number}?" for number in range(MANY)]
        await self.send_acknowledged(romeo, bodies)
        self.jackdaw.end(signal.SIGKILL)
        self.start_prosody()
        juliet = await self.enter("juliet@capulet.lan/balcony")
        self.serve("s2s.queue_age=1h")
        await self.expect_all(juliet, bodies)

    async def test_they_wait_until_the_other_server_is_back(self):
        """Twice kill -9, then we are there first. What was sent after the crash comes behind."""
        self.serve("s2s.queue_age=1h")
        romeo = await self.enter("romeo@montague.lan/garden", Sender)
        await self.send_acknowledged(romeo, ["Good night", "good night!"])
        for _ in range(2):
            self.jackdaw.end(signal.SIGKILL)
            self.serve("s2s.queue_age=1h")
        romeo = await self.enter("romeo@montague.lan/garden", Sender)
        await self.send_acknowledged(romeo, ["Parting is such sweet sorrow"])
        self.start_prosody()
        juliet = await self.enter("juliet@capulet.lan/balcony")
        await self.expect_all(juliet, ["Good night", "good night!", "Parting is such sweet sorrow"])

    async def test_what_has_arrived_is_not_sent_again(self):
        self.serve("s2s.queue_age=1h")
        romeo = await self.enter("romeo@montague.lan/garden", Sender)
        await self.send_acknowledged(romeo, ["Good night", "good night!"])
        self.start_prosody()
        juliet = await self.enter("juliet@capulet.lan/balcony")
        await self.expect_all(juliet, ["Good night", "good night!"])
        await romeo.settle()
        await self.until(lambda: self.metric("jackdaw_s2s_stanzas_sent") >= 2, "not counted as sent")
        await asyncio.sleep(2)  # what is sent is forgotten within a second
        self.jackdaw.end(signal.SIGKILL)
        self.serve("s2s.queue_age=1h")
        romeo = await self.enter("romeo@montague.lan/garden")
        await self.says(romeo, juliet, "A thousand times good night")
        self.assertEqual(self.metric("jackdaw_s2s_stanzas_sent"), 1)

    async def test_an_orderly_end_keeps_them_too(self):
        """Also those that nobody has acknowledged yet."""
        self.serve("s2s.queue_age=1h")
        romeo = await self.enter("romeo@montague.lan/garden")
        bodies = [f"Art thou there {number}?" for number in range(MANY)]
        for body in bodies:
            romeo.send_message(JULIET, body)
        await romeo.settle()
        self.assertEqual(self.jackdaw.end(), 0)
        self.start_prosody()
        juliet = await self.enter("juliet@capulet.lan/balcony")
        self.serve("s2s.queue_age=1h")
        await self.expect_all(juliet, bodies)

    async def test_what_waits_too_long_returns(self):
        self.serve("s2s.queue_age=3s")
        romeo = await self.enter("romeo@montague.lan/garden", Sender)
        await self.send_acknowledged(romeo, ["Good night"])
        error = await romeo.expect(lambda s: s["type"] == "error", "an error")
        self.assertEqual((error["from"], error["error"]["condition"]), (JULIET, "remote-server-timeout"))
        self.jackdaw.do("setting", "set", "roster.max_items", "999")  # stored behind the end of what has returned
        self.jackdaw.end(signal.SIGKILL)
        self.start_prosody()
        juliet = await self.enter("juliet@capulet.lan/balcony")
        self.serve("s2s.queue_age=1h")
        romeo = await self.enter("romeo@montague.lan/garden")
        await self.says(romeo, juliet, "A thousand times good night")
        self.assertEqual(self.metric("jackdaw_s2s_stanzas_sent"), 1)

    async def test_what_waits_too_long_returns_after_a_crash_too(self):
        self.serve("s2s.queue_age=1h")
        romeo = await self.enter("romeo@montague.lan/garden", Sender)
        await self.send_acknowledged(romeo, ["Good night"])
        self.jackdaw.end(signal.SIGKILL)
        self.serve("s2s.queue_age=5s")
        romeo = await self.enter("romeo@montague.lan/garden")
        error = await romeo.expect(lambda s: s["type"] == "error", "an error")
        self.assertEqual((error["from"], error["error"]["condition"]), (JULIET, "remote-server-timeout"))


if __name__ == "__main__":
    unittest.main(verbosity=1)
