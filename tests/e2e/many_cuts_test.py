#!/usr/bin/env python3
"""Two people write to each other; their connections are cut at random moments, and they resume their sessions each
time: every message comes, in order, once (XEP-0198 §5).

    many_cuts_test.py PROGRAM    with the variable SEED: the same cuts, though not at the same instants

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import os
import random
import sys
import unittest

from slixmpp import Message
from slixmpp.plugins.xep_0198.stanza import Resume

from managed import Managed, bodies
from people import PATIENCE, Stage

Stage.PROGRAM = sys.argv.pop(1)
SEED = int(os.environ.get("SEED", random.randrange(10**6)))
CUTS = 100


class Speaker(Managed):
    """Says numbers to the other, also while it is not connected: those go out when it is back."""

    def __init__(self, jid, other):
        super().__init__(jid)
        self.other, self.said, self.later, self.cuts = other, [], [], 0
        self.add_event_handler("session_resumed", self.catch_up)

    # slixmpp 1.8 sends what it was given while it had no stream before what it sends again (_handle_resumed), but
    # counts it behind (_handle_outgoing); and what it takes from waiting_queue after the connection broke it loses.
    def send(self, data, use_filters=True):
        if isinstance(data, Message) and use_filters and not self.started.is_set():
            self.later.append(data)
        else:
            super().send(data, use_filters)

    def catch_up(self, _):
        for message in self.later:
            super().send(message)
        self.later.clear()

    def recall(self, stanza):
        if isinstance(stanza, Resume):
            self.event("asked_to_resume")
        return super().recall(stanza)

    def say(self, count):
        for _ in range(count):
            self.said.append(str(len(self.said)))
            self.send_message(self.other, self.said[-1], mtype="chat")

    async def talk(self, chance):
        while True:
            self.say(chance.randrange(4))
            if self.started.is_set() and chance.random() < 0.1:
                self.management.request_ack()
            await asyncio.sleep(chance.uniform(0, 0.06))

    async def cut(self):
        """Everything has been sent, the last of it has perhaps not arrived."""
        await self.waiting_queue.join()
        assert not self.gone.is_set(), f"the server closed the connection: {self.disconnect_reason}"
        self.started.clear()
        self.cuts += 1
        await super().cut()

    async def break_off(self, chance):
        """First, perhaps, what it sends or what is sent to it is lost on the way; or both."""
        self.unheard = chance.random() < 0.4
        if chance.random() < 0.4:
            self.transport.pause_reading()
        await asyncio.sleep(chance.choice((0, 0, 0.001, 0.02, 0.05)))
        self.say(chance.randrange(4))
        await self.cut()

    async def come_back(self, port, chance):
        """At the first try, or after one that was cut too; XEP-0198 §5."""
        await asyncio.sleep(chance.choice((0, 0, 0.01, 0.1)))
        if chance.random() < 0.4:
            self.connect(("127.0.0.1", port), disable_starttls=False, force_starttls=True)
            await self.wait_until(chance.choice(("tls_success", "auth_success", "asked_to_resume")), PATIENCE)
            for _ in range(chance.randrange(10)):  # a turn may be shorter than what a clock can wait
                await asyncio.sleep(0)
            await self.cut()
        return await self.return_to(port)


class ManyCuts(Stage):
    ACCOUNTS = ("romeo@localhost", "juliet@localhost")

    async def asyncSetUp(self):
        self.chance = random.Random(SEED)
        names = "romeo@localhost/garden", "juliet@localhost/balcony"
        self.romeo, self.juliet = (Speaker(*pair) for pair in (names, names[::-1]))
        for speaker in (self.romeo, self.juliet):
            self.here.append(speaker)
            await speaker.come(self.port)

    async def cut_and_return(self, speaker):
        chance = random.Random(self.chance.random())
        await speaker.break_off(chance)
        self.assertTrue(await speaker.come_back(self.port, chance), f"{speaker.boundjid} was not resumed")

    async def cut_many_times(self):
        pairs = (self.romeo,), (self.juliet,), (self.romeo, self.juliet)
        while self.romeo.cuts + self.juliet.cuts < CUTS:
            await asyncio.sleep(self.chance.uniform(0, 0.1))
            await asyncio.gather(*map(self.cut_and_return, self.chance.choice(pairs)))

    async def hear_all(self, listener, speaker):
        """What came to the listener until the last that was said, and what more there is."""
        heard = []
        while speaker.said[-1] not in bodies(heard[-1:]):
            heard.append(await listener.expect(lambda stanza: isinstance(stanza, Message), "a message"))
        return bodies(heard + await listener.settle())

    async def acknowledged(self, speaker):
        speaker.management.request_ack()
        await speaker.settle()
        return speaker.acknowledged

    async def test_every_message_comes_once(self):
        with self.subTest(seed=SEED):
            speakers = self.romeo, self.juliet
            talks = [asyncio.create_task(one.talk(random.Random(self.chance.random()))) for one in speakers]
            try:
                await self.cut_many_times()
            finally:
                for talk in talks:
                    talk.cancel()
            for speaker, listener in (speakers, speakers[::-1]):
                speaker.say(1)
                self.assertEqual(await self.hear_all(listener, speaker), speaker.said)
            for speaker in speakers:
                self.assertEqual(await self.acknowledged(speaker), speaker.said)
            self.assertGreater(min(len(one.said) for one in speakers), CUTS)


if __name__ == "__main__":
    unittest.main(verbosity=1)
