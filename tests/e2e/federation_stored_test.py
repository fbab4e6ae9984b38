#!/usr/bin/env python3
"""What waits for another server when ours ends and starts again: messages alone are stored, they keep their age, and
none is forgotten in the store, whatever the settings are then. Who is at the other server is there all the time; the
way to it is a relay that a test opens.

    federation_stored_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import signal
import sys
import time
import unittest

from people import BODY
from province import BETWEEN, OURS, THEIRS, Houses, Relay, enter_namespace

enter_namespace()
Houses.PROGRAM = sys.argv.pop(1)
JULIET = "juliet@capulet.lan/balcony"
AWAY = 5  # seconds
LARGE = "O " * 100_000  # sixty are more than the system takes at once for a connection


class Restarts(Houses):
    DOMAINS = ("montague.lan", "verona.lan")
    ZONE = {**Houses.ZONE, "capulet.lan": BETWEEN, "verona.lan": OURS, "padua.lan": BETWEEN}

    async def begin(self, *settings):
        self.start_prosody()
        self.juliet = await self.enter(JULIET)
        self.serve(*settings)
        self.jackdaw.do("setting", "set", "s2s.queue_age", "1h")
        return await self.enter_ours()

    async def enter_ours(self):
        return await self.enter("romeo@montague.lan/garden"), await self.enter("romeo@verona.lan/palace")

    async def restart(self, *settings, how=signal.SIGKILL):
        """Ours ends and starts again; who was here comes again."""
        await self.end(how)
        self.serve(*settings)
        return await self.enter_ours()

    async def end(self, how=signal.SIGKILL):
        self.assertEqual(await asyncio.to_thread(self.jackdaw.end, how), -how if how == signal.SIGKILL else 0)

    async def open_way(self):
        """From now on capulet.lan can be reached, until that is closed."""
        way = Relay(BETWEEN, THEIRS)
        await way.start()
        self.addAsyncCleanup(way.close)
        return way

    def stored(self):
        return self.metric("jackdaw_s2s_stanzas_stored")

    async def until_stored(self, count):
        await self.until(lambda: self.stored() == count, f"not {count} are stored")

    def queues(self):
        """By source: what waits for capulet.lan."""
        queues = self.jackdaw.read("queue", "list")
        return {queue["source"]: queue for queue in queues if queue["target"] == "capulet.lan"}

    def waiting(self):
        return {source: queue["stanzas"] for source, queue in self.queues().items()}

    async def heard_until(self, last, *speakers):
        """All that juliet hears of each until it has said `last`: the body of a message, or else the kind."""
        said = {speaker.boundjid.full: [] for speaker in speakers}
        for speaker in speakers:
            self.send(speaker, last)
        while not all(last in each for each in said.values()):
            stanza = await self.juliet.expect(lambda s: s["from"].full in said, f"not all has come, but {said}")
            said[stanza["from"].full].append(stanza.xml.findtext(BODY) or stanza.name)
        return list(said.values())

    async def error_of(self, speaker, message):
        """What comes back for it."""
        error = await speaker.expect(lambda s: s["type"] == "error" and s["id"] == message["id"], f"error of {message}")
        self.assertEqual(error["from"], message["to"])
        return error["error"]["condition"]

    @staticmethod
    def send(speaker, body):
        message = speaker.make_message(JULIET, body)
        message.send()
        return message

    async def test_presence_and_iq_are_not_stored(self):
        """Killed, and ended in order; with the message before them, and what is said later, all is there."""
        romeo, prince = await self.begin()
        for how in (signal.SIGKILL, signal.SIGTERM):
            before = self.stored()
            self.send(romeo, f"first {how}")
            romeo.send_presence(pto=JULIET, pstatus="lost")
            romeo.send_raw(f"<iq type='get' id='lost' to='{JULIET}'><ping xmlns='urn:xmpp:ping'/></iq>")
            romeo.send_raw(f"<iq type='result' id='lost' to='{JULIET}'/>")
            self.send(prince, f"second {how}")
            await self.until_stored(before + 2)
            self.assertEqual(self.waiting(), {"montague.lan": 4, "verona.lan": 1})
            await self.end(how)
            way = await self.open_way()
            self.serve()
            romeo, prince = await self.enter_ours()
            self.assertEqual(await self.heard_until(f"third {how}", romeo, prince),
                             [[f"first {how}", f"third {how}"], [f"second {how}", f"third {how}"]])
            await way.close()
            await self.until(lambda: all(q["state"] == "closed" for q in self.queues().values()), "streams are open")

    async def test_what_is_stored_keeps_its_age(self):
        """As if the server had not been away. What is younger than that stays when it returns."""
        romeo, _ = await self.begin()
        first = self.send(romeo, "first")
        await self.until_stored(1)
        stored = time.monotonic()
        await self.end()
        await self.until(lambda: time.monotonic() > stored + AWAY, "no time passes")
        self.serve()
        self.assertGreaterEqual(self.queues()["montague.lan"]["oldest_seconds"], AWAY)
        romeo, _ = await self.enter_ours()
        self.send(romeo, "second")
        await self.until(lambda: self.waiting() == {"montague.lan": 2}, "it does not wait")
        self.jackdaw.do("setting", "set", "s2s.queue_age", f"{AWAY}s")
        self.assertEqual(await self.error_of(romeo, first), "remote-server-timeout")
        self.assertEqual(self.waiting(), {"montague.lan": 1})
        self.jackdaw.do("setting", "set", "s2s.queue_age", "1h")
        await self.open_way()
        self.jackdaw.do("queue", "flush", "capulet.lan")
        self.assertEqual(await self.heard_until("third", romeo), [["second", "third"]])

    async def test_more_than_there_is_room_for_now_drains(self):
        """Stored while the queue had more room: each once and in order, and then the queue takes what comes."""
        romeo, _ = await self.begin("c2s.rate=0", "s2s.queue_bytes=67108864")
        for number in range(60):
            self.send(romeo, f"{number} {LARGE}")
        await self.until_stored(60)
        romeo, _ = await self.restart("s2s.queue_bytes=65536")
        self.assertEqual(self.waiting(), {"montague.lan": 60})
        self.assertEqual(await self.returned(romeo, JULIET), "resource-constraint")
        await self.open_way()
        self.jackdaw.do("queue", "flush", "capulet.lan")
        await self.until(lambda: self.waiting() == {"montague.lan": 0}, "they do not drain")
        (heard,) = await self.heard_until("last", romeo)
        self.assertEqual([body.split()[0] for body in heard], [*(str(number) for number in range(60)), "last"])

    async def test_nothing_is_forgotten_in_the_store(self):
        """With room for fewer queues than it has something for; then without other servers at all."""
        romeo, prince = await self.begin()
        messages = [self.send(speaker, "first") for speaker in (romeo, prince)]
        await self.until_stored(2)
        romeo, prince = await self.restart("server.cores=1", "s2s.queues=1")
        self.assertEqual(self.waiting(), {"montague.lan": 1, "verona.lan": 1})
        self.assertEqual(await self.returned(romeo, "kate@padua.lan"), "resource-constraint")
        speakers = await self.restart("s2s.enabled=false", f"s2s.queue_age={AWAY}s")
        for speaker, message in zip(speakers, messages):
            self.assertEqual(await self.error_of(speaker, message), "remote-server-not-found")
        await self.open_way()
        speakers = await self.restart(how=signal.SIGTERM)
        self.assertEqual(await self.heard_until("second", *speakers), [["second"], ["second"]])


if __name__ == "__main__":
    unittest.main(verbosity=1)
