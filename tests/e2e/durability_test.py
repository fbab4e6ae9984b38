#!/usr/bin/env python3
"""slixmpp, while the program is killed with SIGKILL again and again: what was acknowledged is there afterwards, once.

    durability_test.py PROGRAM    with the variable SEED: the same times to live, though not to the same instant

Messages to somebody who is away count by <a/> (XEP-0198 §4), changes of the roster by their result (RFC 6121 §2.3.2).
SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import itertools
import os
import random
import signal
import sys
import unittest

from slixmpp import Iq, Message

from managed import Managed, bodies
from people import PATIENCE, Stage

Stage.PROGRAM = sys.argv.pop(1)
SEED = int(os.environ.get("SEED", random.randrange(10**6)))
KILLS = 6
NURSE = "nurse@localhost"


class Writer(Managed):
    """Writes to the nurse and into the own roster until the server is gone; knows what has been answered for."""

    def __init__(self, jid, numbers):
        super().__init__(jid)
        self.numbers, self.sent = numbers, []

    def send_raw(self, data):
        if self.transport:  # else the server is gone
            super().send_raw(data)

    async def write(self, chance):
        while not self.gone.is_set():
            for number in itertools.islice(self.numbers, chance.randint(1, 20)):
                self.sent.append(f"message {number}")
                self.send_message(NURSE, self.sent[-1], mtype="chat")
            self.management.request_ack()
            self.add_contact(f"c{next(self.numbers)}@localhost")
            await self.waiting_queue.join()
            await asyncio.sleep(chance.uniform(0, 0.02))

    def add_contact(self, jid):
        request = self.make_iq_set()
        request["id"] = jid
        request["roster"]["items"] = {jid: {"name": jid}}
        self.send(request)

    def contacts(self):
        """Those whose result came."""
        heard = [self.heard.get_nowait() for _ in range(self.heard.qsize())]
        assert not [one for one in heard if one["type"] == "error"], heard
        return [one["id"] for one in heard if isinstance(one, Iq) and one["type"] == "result" and one["id"][0] == "c"]


class Durability(Stage):
    SETTINGS = ("offline.max_messages=1000000", "offline.max_bytes=1000000000", "roster.max_items=100000", "c2s.rate=0",
                "c2s.outbox=268435456")
    ACCOUNTS = ("romeo@localhost", NURSE)

    async def write_until_killed(self, romeo, chance):
        self.here.append(romeo)
        await romeo.come(self.port)
        writing = asyncio.create_task(romeo.write(random.Random(chance.random())))
        await asyncio.sleep(chance.uniform(0.2, 1))
        await asyncio.to_thread(self.jackdaw.end, signal.SIGKILL)
        await asyncio.wait_for(writing, PATIENCE)
        self.start()

    def start(self):
        self.port = self.jackdaw.start(*itertools.chain.from_iterable(("--set", setting) for setting in self.SETTINGS))

    async def everything_for(self, nurse):
        """Her messages: behind each batch the server asks whether it came (XEP-0199 §4.1) before it sends more."""
        heard, quiet = [], 0
        while quiet < 3:
            came = [one for one in await nurse.settle() if isinstance(one, Message)]
            heard += came
            quiet = 0 if came else quiet + 1
            await asyncio.sleep(0.05)
        return heard

    async def test_what_was_answered_for_is_there(self):
        with self.subTest(seed=SEED):
            chance, numbers = random.Random(SEED), itertools.count()
            sent, sure, contacts = [], [], []
            for _ in range(KILLS):
                romeo = Writer("romeo@localhost/garden", numbers)
                await self.write_until_killed(romeo, chance)
                sent += romeo.sent
                sure += romeo.acknowledged
                contacts += romeo.contacts()
            self.check_messages(await self.everything_for(await self.enter(NURSE)), sent, sure)
            self.assertGreater(len(contacts), KILLS)
            romeo = await self.enter("romeo@localhost/reader")
            self.assertEqual(set(contacts) - set(romeo.client_roster), set())

    def check_messages(self, heard, sent, sure):
        there = bodies(heard)
        self.assertGreater(len(sure), KILLS)
        self.assertEqual(sorted(set(sure) - set(there)), [], f"lost, of {len(sure)}")
        self.assertEqual(there, [text for text in sent if text in set(there)], "not once, in order")
        ids = set()
        for message in heard:
            marks = [mark for mark in message.xml.iter("{urn:xmpp:sid:0}stanza-id") if mark.get("by") == NURSE]
            self.assertEqual(len(marks), 1, str(message))
            ids.add(marks[0].get("id"))
        self.assertEqual(len(ids), len(heard), "two have the same stanza-id")


if __name__ == "__main__":
    unittest.main(verbosity=1)
