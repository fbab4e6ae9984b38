#!/usr/bin/env python3
"""Connections that break: slixmpp goes on with its session, or the session ends and nothing is lost (XEP-0198).

    resumption_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import datetime
import sys
import unittest
import xml.etree.ElementTree as ET

from slixmpp import Iq, Message, Presence

from managed import Managed, bodies
from people import PATIENCE, Person, Stage

Stage.PROGRAM = sys.argv.pop(1)
ROMEO, JULIET = "romeo@localhost/garden", "juliet@localhost/balcony"
GRACE = datetime.timedelta(milliseconds=500)  # stamps are rounded, and a core looks at the clock once a turn


class Silent(Person):
    """Answers no request."""

    def note(self, stanza):
        super().note(stanza)
        return None if isinstance(stanza, Iq) and stanza["type"] in ("get", "set") else stanza


def is_refusal(stanza):
    return stanza.xml.get("type") == "error"


def news(stanzas):
    """All but what the befriending brought: pushes of the roster."""
    return [stanza for stanza in stanzas if stanza.xml.find("{jabber:iq:roster}query") is None]


def leaves(stanzas):
    return [stanza for stanza in stanzas if isinstance(stanza, Presence) and stanza.xml.get("type") == "unavailable"]


def ask(person, mark, to):
    """Sends a request that no server answers itself."""
    request = person.make_iq(id=mark, ito=to, itype="get")
    request.append(ET.Element("{urn:rose}rose"))
    person.send(request)


class Meeting(Stage):
    """romeo and juliet see each other; romeo manages his stream."""

    async def asyncSetUp(self):
        self.romeo = await self.arrive(Managed(ROMEO))
        self.juliet = await self.enter(JULIET)
        await self.befriend(self.romeo, self.juliet)

    async def arrive(self, person):
        self.here.append(person)
        await person.come(self.port)
        return person

    async def tell(self, sender, to, *texts):
        """The server has them all, and refuses none: what else the sender heard."""
        for text in texts:
            sender.send_message(to, text, mtype="chat")
        heard = await sender.settle()
        self.assertEqual([stanza for stanza in heard if is_refusal(stanza)], [])
        return heard

    async def hear_all(self, person, count):
        """So many messages, and no more."""
        heard = [await person.expect(lambda stanza: isinstance(stanza, Message), "a message") for _ in range(count)]
        return bodies(heard + await person.settle())


class Resumed(Meeting):
    """XEP-0198 §5."""

    async def test_what_was_sent_meanwhile_comes_once(self):
        """Read and acknowledged, read, lost on the way, sent while nobody was connected: in order, each once."""
        await self.tell(self.juliet, ROMEO, "1", "2")
        self.assertEqual(await self.hear_all(self.romeo, 2), ["1", "2"])
        self.romeo.acknowledge_nothing()
        await self.tell(self.juliet, ROMEO, "3", "4")
        self.assertEqual(await self.hear_all(self.romeo, 2), ["3", "4"])
        self.romeo.transport.pause_reading()
        await self.tell(self.juliet, "romeo@localhost", "5", "6")
        await self.romeo.cut()
        await self.tell(self.juliet, ROMEO, "7")
        await self.tell(self.juliet, "romeo@localhost", "8")
        self.assertTrue(await self.romeo.return_to(self.port))
        self.assertEqual(await self.hear_all(self.romeo, 4), ["5", "6", "7", "8"])
        self.assertEqual(leaves(await self.juliet.settle()), [])

    async def test_what_had_arrived_is_not_doubled(self):
        """§5: `h` of <resumed/> tells the client what the server has; the rest it sends again."""
        for text in ("1", "2", "3"):
            self.romeo.send_message(JULIET, text)
        self.assertEqual(await self.hear_all(self.juliet, 3), ["1", "2", "3"])
        self.assertEqual(self.romeo.acknowledged, [])
        self.romeo.unheard = True
        for text in ("4", "5"):
            self.romeo.send_message(JULIET, text)
        await self.romeo.waiting_queue.join()
        await self.romeo.cut()
        self.assertTrue(await self.romeo.return_to(self.port))
        self.assertEqual(await self.hear_all(self.juliet, 2), ["4", "5"])
        self.romeo.management.request_ack()
        await self.romeo.settle()
        self.assertEqual(self.romeo.acknowledged, ["1", "2", "3", "4", "5"])

    async def test_nobody_sees_it(self):
        """Contacts see no leave and no return, requests wait; roster, presence and resource are as before."""
        session = self.romeo.management.sm_id
        for _ in range(3):
            await self.romeo.cut()
            self.juliet.send_presence(pshow="away", pto=ROMEO)
            ask(self.juliet, "q", ROMEO)
            self.assertEqual(news(await self.juliet.settle()), [])
            self.assertTrue(await self.romeo.return_to(self.port))
            await self.romeo.expect_presence(JULIET, fits=lambda presence: presence["show"] == "away")
            answer = await self.juliet.expect(lambda stanza: news([stanza]), "an answer")
            self.assertEqual((answer["id"], answer["from"]), ("q", ROMEO))
        self.assertEqual((self.romeo.boundjid.full, self.romeo.management.sm_id), (ROMEO, session))
        self.assertEqual(news(await self.juliet.settle()), [])
        await self.tell(self.juliet, "romeo@localhost", "still there?")
        await self.romeo.expect_message("still there?")

    async def test_the_server_has_not_noticed(self):
        """The older connection gets <conflict/>; the newer one goes on with the session."""
        again = Managed(ROMEO)
        self.here.append(again)
        self.romeo.acknowledge_nothing()
        again.take_over(self.romeo)
        errors = asyncio.Queue()
        self.romeo.add_event_handler("stream_error", errors.put_nowait)
        self.assertTrue(await again.return_to(self.port))
        self.assertEqual((await asyncio.wait_for(errors.get(), PATIENCE))["condition"], "conflict")
        await asyncio.wait_for(self.romeo.gone.wait(), PATIENCE)
        await self.tell(self.juliet, "romeo@localhost", "1")
        self.assertEqual(await self.hear_all(again, 1), ["1"])
        self.assertEqual(leaves(await self.juliet.settle()), [])

    async def test_acknowledgements(self):
        """§4: messages for who is there, for who is away, and refused ones all count, once, in order."""
        places = [JULIET, "tybalt@localhost", "nobody@localhost", "localhost"]
        for place in places:
            self.romeo.send_message(place, place, mtype="chat")
        await self.romeo.settle()
        self.romeo.management.request_ack()
        await self.romeo.settle()
        self.assertEqual(self.romeo.acknowledged, places)

    async def test_kept_messages_come_once(self):
        """XEP-0160 §2: those that a client got and did not acknowledge before its connection broke."""
        await self.romeo.go()
        await self.tell(self.juliet, "romeo@localhost", "1", "2")
        self.romeo = Managed(ROMEO)
        self.romeo.acknowledge_nothing()
        await self.arrive(self.romeo)
        self.assertEqual(await self.hear_all(self.romeo, 2), ["1", "2"])
        await self.romeo.cut()
        await self.tell(self.juliet, "romeo@localhost", "3")
        self.assertTrue(await self.romeo.return_to(self.port))
        self.assertEqual(await self.hear_all(self.romeo, 1), ["3"])
        self.romeo.acknowledge_all()
        await self.romeo.settle()
        await self.romeo.go()
        await self.tell(self.juliet, "romeo@localhost", "4")
        self.assertEqual(await self.hear_all(await self.arrive(Managed(ROMEO)), 1), ["4"])


class NotResumed(Meeting):
    """XEP-0198 §5: the client binds anew."""

    async def test_a_wrong_id(self):
        """<item-not-found/>; what the former session did not get comes to the new one."""
        await self.romeo.cut()
        await self.tell(self.juliet, ROMEO, "1")
        self.romeo.management.sm_id = "wrong"
        self.assertFalse(await self.romeo.return_to(self.port))
        self.assertEqual(await self.romeo.failure(), "item-not-found")
        self.assertEqual(self.romeo.boundjid.full, ROMEO)
        self.romeo.send_presence()
        self.assertEqual(await self.hear_all(self.romeo, 1), ["1"])

    async def test_a_stolen_id(self):
        """Another account gets nothing by it, and its owner loses nothing."""
        await self.romeo.cut()
        await self.tell(self.juliet, ROMEO, "for romeo only")
        tybalt = Managed("tybalt@localhost/dark")
        self.here.append(tybalt)
        tybalt.take_over(self.romeo)
        self.assertFalse(await tybalt.return_to(self.port))
        self.assertEqual(await tybalt.failure(), "item-not-found")
        self.assertEqual(tybalt.boundjid.full, "tybalt@localhost/dark")
        self.assertEqual(bodies(await tybalt.settle()), [])
        self.assertTrue(await self.romeo.return_to(self.port))
        self.assertEqual(await self.hear_all(self.romeo, 1), ["for romeo only"])

    async def test_a_session_that_was_closed(self):
        """§7: who says good-bye is gone at once; what was not acknowledged goes to another device."""
        phone = await self.enter("romeo@localhost/phone")
        self.romeo.acknowledge_nothing()
        await self.tell(self.juliet, ROMEO, "1", "2")
        self.assertEqual(await self.hear_all(self.romeo, 2), ["1", "2"])
        await self.romeo.go()
        await self.juliet.expect_presence(ROMEO, "unavailable")
        self.assertEqual(await self.hear_all(phone, 2), ["1", "2"])
        self.romeo.started.clear()
        self.assertFalse(await self.romeo.return_to(self.port))
        self.assertEqual(await self.romeo.failure(), "item-not-found")

    async def test_the_same_resource_logs_in(self):
        """RFC 6120 §7.7.2.2: the older session is replaced; the newer one gets what that did not acknowledge."""
        self.romeo.acknowledge_nothing()
        await self.tell(self.juliet, ROMEO, "1", "2")
        self.assertEqual(await self.hear_all(self.romeo, 2), ["1", "2"])
        again = await self.arrive(Managed(ROMEO))
        await asyncio.wait_for(self.romeo.gone.wait(), PATIENCE)
        self.assertEqual(await self.hear_all(again, 2), ["1", "2"])


class Late(Meeting):
    """c2s.resume_time is over."""

    SETTINGS = ("c2s.resume_time=1s",)

    async def test_the_session_is_gone(self):
        """XEP-0198 §4: unacknowledged messages are kept, requests refused, contacts told (RFC 6121 §4.5.3)."""
        self.romeo.acknowledge_nothing()
        before = datetime.datetime.now(datetime.timezone.utc)
        await self.tell(self.juliet, ROMEO, "1")
        self.assertEqual(await self.hear_all(self.romeo, 1), ["1"])
        after = datetime.datetime.now(datetime.timezone.utc)
        self.romeo.transport.pause_reading()
        ask(self.juliet, "q", ROMEO)
        heard = await self.tell(self.juliet, "romeo@localhost", "2")
        await self.romeo.cut()
        while len(leaves(heard)) == 0 or not any(stanza["id"] == "q" for stanza in heard):
            heard.append(await asyncio.wait_for(self.juliet.heard.get(), PATIENCE))
        refused = [stanza["error"]["condition"] for stanza in heard if is_refusal(stanza)]
        self.assertEqual(refused, ["service-unavailable"])
        self.assertEqual(leaves(heard)[0]["from"], ROMEO)
        self.assertFalse(await self.romeo.return_to(self.port))
        self.assertEqual(await self.romeo.failure(), "item-not-found")
        self.romeo.send_presence()
        await self.juliet.expect_presence(ROMEO)
        first = await self.romeo.expect_message("1")
        self.assertTrue(before - GRACE <= first["delay"]["stamp"] <= after + GRACE, f"not when it was first delivered: {first}")
        self.assertEqual(await self.hear_all(self.romeo, 1), ["2"])


class NotOffered(Meeting):
    """Sessions wait for nobody: only acknowledgements are left (XEP-0198 §3)."""

    SETTINGS = ("c2s.resume_time=0s",)

    async def test_the_session_ends_with_its_connection(self):
        self.assertIsNone(self.romeo.management.sm_id)
        self.romeo.acknowledge_nothing()
        await self.tell(self.juliet, ROMEO, "1")
        self.assertEqual(await self.hear_all(self.romeo, 1), ["1"])
        await self.romeo.cut()
        await self.juliet.expect_presence(ROMEO, "unavailable")
        await self.tell(self.juliet, "romeo@localhost", "2")
        self.assertEqual(await self.hear_all(await self.arrive(Managed(ROMEO)), 2), ["1", "2"])


class TooMuch(Meeting):
    """More waits for an absent client than c2s.resume_queue allows: its session waits no longer."""

    SETTINGS = ("c2s.resume_queue=10",)

    async def test_everything_comes_at_the_next_log_in(self):
        await self.romeo.cut()
        texts = [str(number) for number in range(15)]
        for text in texts:
            self.juliet.send_message("romeo@localhost", text, mtype="chat")
        await self.juliet.expect_presence(ROMEO, "unavailable")
        self.assertEqual(await self.hear_all(await self.enter(ROMEO), len(texts)), texts)
        self.assertFalse(await self.romeo.return_to(self.port))
        self.assertEqual(await self.romeo.failure(), "item-not-found")


class Unread(Stage):
    """A client without stream management that does not read: too much waits for it, and the server ends its stream."""

    SETTINGS = ("c2s.rate=0", "c2s.outbox=64KiB")

    async def fill(self, romeo):
        """Messages and requests for juliet by turns until romeo sees her leave: what was sent, and what came back."""
        texts, back = [], []
        while not leaves(back):
            texts.append(f"{len(texts)} " + "alas " * 20000)
            romeo.send_message("juliet@localhost", texts[-1], mtype="chat")
            ask(romeo, f"q{len(texts) - 1}", JULIET)
            back += await romeo.settle()
        return texts, back + await romeo.settle()

    async def test_what_was_not_written_is_not_lost(self):
        """RFC 6121 §8.5.2.2.1, §8.5.3.2.3: messages wait for the next log-in, requests get an error: each once."""
        romeo, juliet = await self.enter(ROMEO), Silent(JULIET)
        self.here.append(juliet)
        await juliet.come(self.port)
        await self.befriend(romeo, juliet)
        juliet.transport.pause_reading()
        texts, back = await self.fill(romeo)
        juliet.transport.resume_reading()
        await asyncio.wait_for(juliet.gone.wait(), PATIENCE)
        heard = [juliet.heard.get_nowait() for _ in range(juliet.heard.qsize())]
        rest = len(texts) - len(bodies(heard))
        self.assertGreater(rest, 0)
        again = await self.enter(JULIET)
        kept = bodies([await again.expect(lambda stanza: isinstance(stanza, Message)) for _ in range(rest)])
        self.assertEqual(bodies(heard) + kept + bodies(await again.settle()), texts)
        asked = [stanza["id"] for stanza in heard if stanza.xml.find("{urn:rose}rose") is not None]
        refused = [stanza["id"] for stanza in back if is_refusal(stanza)]
        self.assertEqual(asked + refused, [f"q{number}" for number in range(len(texts))])


class LateManagement(Stage):
    """A client that does not read, and says <enable/> when things wait for it already."""

    SETTINGS = ("c2s.rate=0", "c2s.outbox=16MiB")

    def session(self):
        (found,) = self.jackdaw.read("session", "list", "--account", "juliet@localhost")
        return found

    async def test_what_was_not_written_before_it_is_not_lost(self):
        """Its connection breaks before it hears the answer: nothing that waited was counted, and all of it comes."""
        await self.break_off(("last",))

    async def test_nor_what_was_too_much_behind_it(self):
        """More comes than may wait unacknowledged: the server ends the stream."""
        self.jackdaw.do("setting", "set", "c2s.resume_queue", "10")
        await self.break_off((*(f"more {number}" for number in range(20)), "last"))

    async def break_off(self, behind):
        """`behind`: what is said to her behind <enable/>."""
        romeo, juliet = await self.enter(ROMEO), await self.enter(JULIET)
        juliet.transport.pause_reading()
        texts = []
        while (waiting := self.session()["queued"]) < 5:
            texts.append(f"{len(texts)} " + "alas " * 20000)
            romeo.send_message("juliet@localhost", texts[-1], mtype="chat")
            await romeo.settle()
        juliet.send_raw("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
        while not self.session()["resumable"]:
            await asyncio.sleep(0.05)
        for text in behind:
            texts.append(text)
            romeo.send_message("juliet@localhost", text, mtype="chat")
        await romeo.settle()
        juliet.abort()
        await asyncio.wait_for(juliet.gone.wait(), PATIENCE)
        again = await self.enter(JULIET)
        kept = []
        while "last" not in kept:
            kept += bodies([await again.expect(lambda stanza: isinstance(stanza, Message))])
        self.assertGreaterEqual(len(kept), waiting + len(behind))
        self.assertEqual(kept, texts[-len(kept):])


if __name__ == "__main__":
    unittest.main(verbosity=1)
