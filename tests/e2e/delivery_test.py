#!/usr/bin/env python3
"""Where messages and requests go, as users of slixmpp see it: addresses, kept messages, replies (RFC 6121 §8).

    delivery_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import sys
import unittest
import xml.etree.ElementTree as ET

from slixmpp import Iq, Message

from people import PATIENCE, Person, Stage

Stage.PROGRAM = sys.argv.pop(1)
KINDS = ("normal", "chat", "headline", "groupchat", "error")
UNAVAILABLE = "service-unavailable"
BARE, NOWHERE = "juliet@localhost", "juliet@localhost/nowhere"
HINTS, STATES = "urn:xmpp:hints", "http://jabber.org/protocol/chatstates"
FORGED, FORGED_BY = "{urn:xmpp:sid:0}stanza-id", {"id": "forged", "by": BARE}
MARK = "That is all"
PING, VERSION, LAST = "{urn:xmpp:ping}ping", "{jabber:iq:version}query", "{jabber:iq:last}query"
INFO, ROSE = "{http://jabber.org/protocol/disco#info}query", "{urn:rose}rose"


class Fainting(Person):
    """Loses its connection the moment it has heard `lasts` messages, with no answer to what comes behind them."""

    def __init__(self, jid, lasts):
        super().__init__(jid)
        self.lasts = lasts

    def note(self, stanza):
        super().note(stanza)
        if isinstance(stanza, Message):
            self.lasts -= 1
            if self.lasts == 0:
                self.abort()
        return stanza


class Silent(Person):
    """Answers no request, not even a ping."""

    def note(self, stanza):
        super().note(stanza)
        return None if isinstance(stanza, Iq) and stanza["type"] in ("get", "set") else stanza


def is_refusal(stanza):
    return stanza.xml.get("type") == "error" and stanza.xml.find("{jabber:client}error") is not None


def refusals(stanzas):
    return {stanza["id"]: stanza["error"]["condition"] for stanza in stanzas if is_refusal(stanza)}


def bodies(stanzas):
    return [stanza["body"] for stanza in stanzas if isinstance(stanza, Message) and not is_refusal(stanza)]


def signs(message):
    """A kept message's text, and what the server wrote on it: its id (XEP-0359), since when it is kept (XEP-0203)."""
    (ours,) = message.xml.findall("{urn:xmpp:sid:0}stanza-id")
    (delay,) = message.xml.findall("{urn:xmpp:delay}delay")
    assert ours.get("by") == BARE and delay.get("from") == "localhost", message
    return message["body"], ours.get("id"), delay.get("stamp")


class Mail(Stage):
    """romeo writes, juliet's devices hear."""

    async def asyncSetUp(self):
        self.romeo = await self.enter("romeo@localhost/garden")

    async def arrive(self, person):
        self.here.append(person)
        await person.come(self.port)
        return person

    async def device(self, resource, priority=None):
        """A client of juliet with that priority, or without presence."""
        person = await self.enter(f"{BARE}/{resource}", presence=False)
        if priority is not None:
            await self.prefer(person, priority)
        return person

    async def prefer(self, person, priority):
        person.send_presence(ppriority=priority)
        await person.expect_presence(person.boundjid.full, fits=lambda presence: presence["priority"] == priority)

    async def heard_by(self, person):
        """The messages for that client up to one that romeo sends now: kept ones come before it (RFC 6120 §10.1)."""
        self.romeo.send_message(person.boundjid.full, MARK)
        heard = []
        while not isinstance(stanza := await asyncio.wait_for(person.heard.get(), PATIENCE), Message) or (
                stanza["body"] != MARK):
            heard.append(stanza)
        return [stanza for stanza in heard if isinstance(stanza, Message)]

    def write(self, to, *payloads, kind="chat", body=None, mark=None):
        message = self.romeo.make_message(to, body, mtype=kind)
        message["id"] = mark or body
        for payload in payloads:
            message.append(ET.Element(payload, FORGED_BY if payload == FORGED else {}))
        self.romeo.send(message)

    async def keep(self, *texts):
        """romeo writes to juliet, who is away, with signs that he made up (XEP-0359 §3): the server has it all."""
        for text in texts:
            self.write(BARE, FORGED, body=text)
        self.assertEqual(refusals(await self.romeo.settle()), {})


class Addresses(Mail):
    """RFC 6121 §8.5, row by row."""

    async def tell(self, to):
        """romeo sends a message of each type: the types that come back to him, and why."""
        for kind in KINDS:
            self.write(to, kind=kind, body=kind)
        return refusals(await self.romeo.settle())

    async def assert_kept(self, to, *kinds):
        """Of one message of each type, these wait for juliet and no other is refused than those which must be."""
        refused = ("groupchat",) if to == BARE else ("normal", "groupchat")
        self.assertEqual(await self.tell(to), dict.fromkeys(refused, UNAVAILABLE))
        device = await self.device("later", 0)
        self.assertEqual(bodies(await self.heard_by(device)), list(kinds))
        await device.go()

    async def test_nobody_of_that_name(self):
        """§8.5.1: an error for each, but never for an error (RFC 6120 §8.3.1)."""
        for to in ("nobody@localhost", "nobody@localhost/nowhere"):
            self.assertEqual(await self.tell(to), dict.fromkeys(KINDS[:4], UNAVAILABLE), to)

    async def test_an_account_with_no_available_device(self):
        """§8.5.2.2.1, §8.5.3.2.1: kept or refused; a device without presence is as none."""
        await self.assert_kept(BARE, "normal", "chat")
        await self.assert_kept(NOWHERE, "chat")
        silent = await self.device("silent")
        await self.assert_kept(BARE, "normal", "chat")
        await self.assert_kept(NOWHERE, "chat")
        self.assertEqual(await self.heard_by(silent), [])

    async def test_a_device_that_wants_no_messages(self):
        """§8.5.2.1.1: when there are only negative priorities it is as if nobody were there."""
        phone = await self.device("phone", -1)
        await self.assert_kept(BARE, "normal", "chat")
        await self.assert_kept(NOWHERE, "chat")
        self.assertEqual(await self.heard_by(phone), [])

    async def assert_heard(self, there, elsewhere):
        """These devices get what they should of everything that is for the account; the others nothing."""
        self.assertEqual(await self.tell(BARE), {"groupchat": UNAVAILABLE})
        self.assertEqual(await self.tell(NOWHERE), {"normal": UNAVAILABLE, "groupchat": UNAVAILABLE})
        for device in there:
            self.assertEqual(bodies(await self.heard_by(device)), ["normal", "chat", "headline", "chat"])
        for device in elsewhere:
            self.assertEqual(await self.heard_by(device), [])

    async def test_one_device_and_several(self):
        """§8.5.2.1.1, §8.5.3.2.1: all whose priority is not negative, be they equal or not; no other one."""
        balcony = await self.device("balcony", 5)
        await self.assert_heard([balcony], [])
        phone, quiet = await self.device("phone", 5), await self.device("quiet", -128)
        silent = await self.device("silent")
        for priority in (5, 0, 127):
            await self.prefer(phone, priority)
            await self.assert_heard([balcony, phone], [quiet, silent])
        await self.prefer(phone, -1)
        await self.assert_heard([balcony], [phone, quiet, silent])

    async def test_the_very_device(self):
        """§8.5.3.1: it gets everything, whatever its presence; the other devices nothing."""
        other = await self.device("other", 5)
        for priority in (None, -1, 0, 5):
            balcony = await self.device("balcony", priority)
            self.assertEqual(await self.tell(balcony.boundjid.full), {}, priority)
            self.assertEqual(bodies(await self.heard_by(balcony)), list(KINDS), priority)
            await balcony.go()
        self.assertEqual(await self.heard_by(other), [])

    async def test_no_copy(self):
        """XEP-0334 §4.3: a full JID's message is for that device; a bare JID's goes to all nevertheless."""
        balcony, phone = await self.device("balcony", 5), await self.device("phone", 5)
        self.write(f"{BARE}/balcony", f"{{{HINTS}}}no-copy", body="for one")
        self.write(BARE, f"{{{HINTS}}}no-copy", body="for both")
        self.assertEqual(bodies(await self.heard_by(balcony)), ["for one", "for both"])
        self.assertEqual(bodies(await self.heard_by(phone)), ["for both"])


class Kept(Mail):
    """XEP-0160."""

    async def test_in_order_once_and_signed(self):
        """§2; XEP-0203 §2, XEP-0359 §3: to the first device that wants messages, and to none else."""
        texts = [f"Good night {number}" for number in range(30)]
        await self.keep(*texts)
        silent, phone = await self.device("silent"), await self.device("phone", -1)
        self.assertEqual(await self.heard_by(silent) + await self.heard_by(phone), [])
        balcony, laptop = await self.device("balcony", 0), await self.device("laptop", 10)
        heard = await self.heard_by(balcony)
        self.assertEqual(bodies(heard), texts)
        _, ids, stamps = zip(*map(signs, heard))
        self.assertEqual(len(set(ids) - {"forged"}), len(texts))
        self.assertEqual(list(stamps), sorted(stamps))
        await balcony.settle()  # the server has its answer to the ping behind them
        await balcony.go()
        balcony = await self.device("balcony", 0)
        for device in (balcony, laptop, phone, silent):
            self.assertEqual(await self.heard_by(device), [])

    async def test_what_is_not_worth_keeping(self):
        """§3, XEP-0085 §5.8: chat states alone; XEP-0334 §4.2, §4.4: the sender's wish, either way. Nobody is told."""
        self.write(BARE, f"{{{STATES}}}composing", mark="state")
        self.write(BARE, f"{{{STATES}}}active", "{jabber:client}thread", mark="state in a thread", kind="normal")
        self.write(BARE, f"{{{HINTS}}}no-store", body="secret")
        self.write(BARE, f"{{{STATES}}}active", body="words with a state")
        self.write(BARE, "{urn:xmpp:receipts}received", f"{{{HINTS}}}store", mark="receipt")
        self.assertEqual(refusals(await self.romeo.settle()), {})
        balcony = await self.device("balcony", 0)
        self.assertEqual([message["id"] for message in await self.heard_by(balcony)], ["words with a state", "receipt"])
        # Who is there gets all of it.
        self.write(BARE, f"{{{STATES}}}composing", mark="state")
        self.write(BARE, f"{{{HINTS}}}no-store", body="secret")
        self.assertEqual([message["id"] for message in await self.heard_by(balcony)], ["state", "secret"])

    async def faint(self, resource, lasts):
        """A client comes that is cut after so many messages: what it heard, with signs."""
        fainting = await self.arrive(Fainting(f"{BARE}/{resource}", lasts))
        await asyncio.wait_for(fainting.gone.wait(), PATIENCE)
        heard = [fainting.heard.get_nowait() for _ in range(fainting.heard.qsize())]
        return [signs(stanza) for stanza in heard if isinstance(stanza, Message)]

    async def test_again_until_the_client_has_shown_that_it_got_them(self):
        """§2, XEP-0359 §3: clients that are cut at once; the same messages come again, with the same ids and times."""
        await self.keep("one", "two", "three")
        signed = await self.faint("balcony", 3)
        self.assertEqual([body for body, _, _ in signed], ["one", "two", "three"])
        for resource, lasts in (("balcony", 1), ("phone", 3)):
            heard = await self.faint(resource, lasts)
            self.assertGreaterEqual(len(heard), lasts)
            self.assertEqual(heard, signed[:len(heard)])
        balcony = await self.device("balcony", 0)
        self.assertEqual([signs(message) for message in await self.heard_by(balcony)], signed)
        await balcony.settle()
        await balcony.go()
        self.assertEqual(await self.heard_by(await self.device("balcony", 0)), [])

    async def test_a_client_that_is_cut_amid_many(self):
        """§2: it gets more than one batch; what it has not shown to have comes again, and nothing is missing."""
        texts = [f"{number} " + "alas " * 2000 for number in range(40)]
        await self.keep(*texts)
        heard = await self.faint("balcony", 20)
        rest = [signs(message) for message in await self.heard_by(await self.device("phone", 0))]
        self.assertEqual([body for body, _, _ in rest], texts[-len(rest):])
        self.assertEqual([body for body, _, _ in heard], texts[:len(heard)])
        self.assertGreaterEqual(len(heard) + len(rest), len(texts))
        twice = len(heard) + len(rest) - len(texts)
        self.assertEqual(heard[len(heard) - twice:], rest[:twice])

    async def test_an_answer_in_anothers_name(self):
        """RFC 6120 §8.1.2.1: nobody else can say that she has her messages, though he knows the id of the question."""
        await self.keep("one")
        juliet = await self.arrive(Silent(f"{BARE}/balcony"))
        question = await juliet.expect(lambda stanza: isinstance(stanza, Iq) and stanza["type"] == "get", "a ping")
        self.assertEqual(question["from"], "localhost")
        tybalt = await self.enter("tybalt@localhost/dark")
        for to in ("localhost", BARE, juliet.boundjid.full):
            tybalt.send(tybalt.make_iq(id=question["id"], ito=to, itype="result"))
        self.assertEqual(refusals(await tybalt.settle()), {})
        tybalt.send(tybalt.make_iq(id=question["id"], ifrom=juliet.boundjid.full, ito="localhost", itype="result"))
        await asyncio.wait_for(tybalt.gone.wait(), PATIENCE)
        await juliet.settle()
        juliet.abort()
        await asyncio.wait_for(juliet.gone.wait(), PATIENCE)
        self.assertEqual(bodies(await self.heard_by(await self.device("phone", 0))), ["one"])


class Room(Mail):
    """XEP-0160 §2: "if the recipient's offline message queue is full, the server returns" an error."""

    SETTINGS = ("offline.max_messages=3", "offline.max_bytes=5000")

    async def test_many_messages(self):
        for text in ("one", "two", "three", "four", "five"):
            self.write(BARE, body=text)
        self.assertEqual(refusals(await self.romeo.settle()), {"four": UNAVAILABLE, "five": UNAVAILABLE})
        # RFC 6121 §8.5.2.1.1: what waits comes when the priority is negative no more; then there is room again.
        balcony = await self.device("balcony", -5)
        self.assertEqual(await self.heard_by(balcony), [])
        await self.prefer(balcony, 0)
        self.assertEqual(bodies(await self.heard_by(balcony)), ["one", "two", "three"])
        await balcony.settle()
        await balcony.go()
        await asyncio.wait_for(self.until_there_is_room(), PATIENCE)

    async def until_there_is_room(self):
        self.write(BARE, body="six")
        while refusals(await self.romeo.settle()):
            self.write(BARE, body="six")

    async def test_large_messages(self):
        for text in ("short", "long " * 1000, "short again"):
            self.write(BARE, body=text)
        self.assertEqual(refusals(await self.romeo.settle()), {"long " * 1000: UNAVAILABLE})
        self.assertEqual(bodies(await self.heard_by(await self.device("balcony", 0))), ["short", "short again"])


class Requests(Mail):
    """RFC 6120 §8.2.3: each request gets one reply."""

    def ask(self, mark, to, payload, kind="get"):
        request = self.romeo.make_iq(id=mark, itype=kind)
        if to:
            request["to"] = to
        for name in payload.split():
            request.append(ET.Element(name))
        self.romeo.send(request)

    async def answers(self, count):
        """The replies to so many requests, by their ids; no second one comes."""
        found = {}
        while len(found) < count:
            reply = await self.romeo.expect(lambda stanza: isinstance(stanza, Iq), f"a reply besides {list(found)}")
            self.assertNotIn(reply["id"], found)
            found[reply["id"]] = reply
        self.assertEqual(await self.romeo.settle(), [])
        return found

    async def test_what_the_server_and_accounts_answer(self):
        """RFC 6120 §8.2.3, RFC 6121 §8.5.2: known or not, wherever; a request has one child, no more and no less."""
        asked, own = {}, "romeo@localhost"
        known = [("localhost", payload) for payload in (
            PING, INFO, LAST, VERSION, "{urn:xmpp:time}time", "{http://jabber.org/protocol/disco#items}query")]
        known += [(own, PING), (own, INFO), (own, "{jabber:iq:roster}query"), (None, "{jabber:iq:roster}query")]
        for number, (to, payload) in enumerate(known):
            asked[f"known {number}"] = to or own
            self.ask(f"known {number}", to, payload)
        for number, to in enumerate(("localhost", "localhost/x", own, None, BARE, "nobody@localhost", NOWHERE)):
            for kind in ("get", "set"):
                asked[f"strange {number} {kind}"] = to or own
                self.ask(f"strange {number} {kind}", to, ROSE, kind)
        asked["wrong 0"] = asked["wrong 2"] = "localhost"
        self.ask("wrong 0", "localhost", "")
        self.ask("wrong 2", "localhost", f"{PING} {ROSE}")
        replies = await self.answers(len(asked))
        self.assertEqual(set(replies), set(asked))
        for mark, reply in replies.items():
            self.assertIn(reply.xml.get("from", own), (asked[mark], self.romeo.boundjid.full), mark)
            wanted = {"known": "result", "strange": UNAVAILABLE, "wrong": "bad-request"}[mark.split()[0]]
            self.assertEqual(reply["error"]["condition"] if reply["type"] == "error" else "result", wanted, mark)

    async def test_from_client_to_client(self):
        """RFC 6121 §8.5.3.1: her client answers, also that it cannot; §8.5.3.2.3: when it is gone the server does."""
        juliet = await self.device("balcony")
        juliet.register_plugin("xep_0092", {"software_name": "Balcony"})
        self.ask("version", juliet.boundjid.full, VERSION)
        self.ask("rose", juliet.boundjid.full, ROSE, "set")
        replies = await self.answers(2)
        self.assertEqual(replies["version"].xml.findtext(".//{jabber:iq:version}name"), "Balcony")
        self.assertEqual(replies["rose"]["error"]["condition"], "feature-not-implemented")
        self.assertEqual({reply["from"] for reply in replies.values()}, {juliet.boundjid.full})
        await juliet.go()
        self.ask("gone", juliet.boundjid.full, VERSION)
        self.assertEqual(refusals((await self.answers(1)).values()), {"gone": UNAVAILABLE})

    async def test_strangers(self):
        """XEP-0030 §8, XEP-0012 §4, RFC 6120 §13.11: to them an account looks like none; her client is not asked."""
        juliet = await self.arrive(Silent(f"{BARE}/balcony"))
        for payload, condition in ((INFO, UNAVAILABLE), (LAST, "forbidden")):
            self.ask("there", BARE, payload)
            self.ask("not there", "nobody@localhost", payload)
            self.assertEqual(set(refusals((await self.answers(2)).values()).values()), {condition}, payload)
        self.ask("client", juliet.boundjid.full, LAST)
        self.assertEqual(refusals((await self.answers(1)).values()), {"client": "forbidden"})
        self.assertEqual([stanza for stanza in await juliet.settle() if isinstance(stanza, Iq)], [])
        self.romeo.send_presence()
        await self.befriend(self.romeo, juliet)
        self.ask("friend", juliet.boundjid.full, LAST)
        question = await juliet.expect(lambda stanza: stanza["id"] == "friend", "the question")
        juliet.send(juliet.make_iq_result(question["id"], ito=question["from"]))
        await self.romeo.expect(lambda stanza: stanza["id"] == "friend" and stanza["type"] == "result", "the answer")

    async def test_answers_that_nobody_asked_for(self):
        """§8.2.3, §8.3.1: they are never answered; who is there gets them."""
        juliet = await self.device("balcony")
        for to in ("localhost", "romeo@localhost", BARE, NOWHERE, "nobody@localhost", juliet.boundjid.full):
            self.romeo.send(self.romeo.make_iq_result("unasked", ito=to))
        self.assertEqual(await self.romeo.settle(), [])
        heard = [stanza["from"].full for stanza in await juliet.settle() if stanza["id"] == "unasked"]
        self.assertEqual(heard, [self.romeo.boundjid.full])


if __name__ == "__main__":
    unittest.main(verbosity=1)
