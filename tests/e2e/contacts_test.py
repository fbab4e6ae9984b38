"""The roster and the subscriptions of people with slixmpp, between two domains (RFC 6121 §2, §3, Appendix A).

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import itertools
import logging
import sys
import unittest
import xml.etree.ElementTree as ET

import slixmpp

from people import PATIENCE, Stage, heard_until_now

Stage.PROGRAM = sys.argv.pop(1)

ROMEO, JULIET, TYBALT = "romeo@montague.example", "juliet@capulet.example", "tybalt@capulet.example"
Stage.ACCOUNTS = (ROMEO, JULIET, TYBALT)
NOBODY = "rosaline@capulet.example"  # has no account
NURSE = "nurse@verona.example"  # of no domain of this server: somebody to be written down
ROSTER = "{jabber:iq:roster}"
SUBSCRIPTION = ("subscribe", "subscribed", "unsubscribe", "unsubscribed")
logging.disable()  # slixmpp 1.8 does not succeed in writing its refusal of a forged push


def items_of(stanza):
    """The items of a roster result or push by JID: their attributes, and the groups that there are."""
    items = {item.get("jid"): dict(item.attrib) for item in stanza.xml.iter(ROSTER + "item")}
    for item in stanza.xml.iter(ROSTER + "item"):
        del items[item.get("jid")]["jid"]
        if groups := sorted(group.text for group in item):
            items[item.get("jid")]["groups"] = groups
    return items


def pushes_in(stanzas):
    return [s for s in stanzas if s.xml.get("type") == "set" and s.xml.find(ROSTER + "query") is not None]


def types_of(stanzas, sender):
    """Of the presence that came from that bare JID: what it said of subscriptions, and of who is there."""
    types = [s.xml.get("type", "available") for s in stanzas
             if isinstance(s, slixmpp.Presence) and s["from"].bare == sender]
    return [t for t in types if t in SUBSCRIPTION], [t for t in types if t not in SUBSCRIPTION]


async def ask_roster(person, version=""):
    """The items and the version that the server tells one who knows that version; None twice for an empty result."""
    request = person.make_iq_get("jabber:iq:roster")
    request["roster"]["ver"] = version
    answer = await request.send(timeout=PATIENCE)
    return (None, None) if answer.xml.find(ROSTER + "query") is None else (items_of(answer), answer["roster"]["ver"])


async def roster_of(person):
    return items_of(await person.make_iq_get("jabber:iq:roster").send(timeout=PATIENCE))


def roster_set(person, *items, to=None):
    """A request to change the roster, unsent: each item is a JID, its attributes, its groups."""
    query = ET.Element(ROSTER + "query")
    for jid, attributes, groups in items:
        item = ET.SubElement(query, ROSTER + "item", attributes | {"jid": jid})
        for group in groups:
            ET.SubElement(item, ROSTER + "group").text = group
    return person.make_iq_set(query, ito=to)


async def remove(person, jid):
    await roster_set(person, (jid, {"subscription": "remove"}, [])).send(timeout=PATIENCE)


async def calm(one, other):
    """Until what came of what came of the stanzas of each has come: a probe at a log-in, its answer."""
    for listener, speaker in ((one, other), (other, one)) * 2:
        await heard_until_now(listener, speaker)


async def says(speaker, listener, kind):
    """A stanza of a subscription: what `listener` heard, what its answers by themselves brought to `speaker`."""
    speaker.send_presence_subscription(pto=listener.boundjid.bare, ptype=kind)
    there = await heard_until_now(listener, speaker)
    return there, await heard_until_now(speaker, listener)


class Roster(Stage):
    async def test_a_contact_is_added_changed_and_removed_before_the_eyes_of_each_device_that_asked(self):
        """RFC 6121 §2.1.6, §2.2 to §2.5: a device that has not asked for the roster is not told."""
        garden, phone = [await self.enter(f"{ROMEO}/{name}") for name in ("garden", "phone")]
        quiet = await self.enter(f"{ROMEO}/quiet", presence=False)
        quiet.send_presence()
        versions = set()
        for name, groups in (("<J&\"J'> \N{ROSE}", ["A & B", "Friends"]), ("J", ["Friends", "Très chère"]), ("J", [])):
            # §2.1.2.3: a contact is a bare JID.
            await garden.update_roster(JULIET + "/balcony", name=name, groups=groups)
            pushed = [await device.expect_push(JULIET) for device in (garden, phone)]
            wanted = {"name": name, "subscription": "none"} | ({"groups": groups} if groups else {})
            for push in pushed:
                self.assertEqual(items_of(push), {JULIET: wanted})
                self.assertIn(push["from"], ("", ROMEO))
            versions |= {push["roster"]["ver"] for push in pushed}
            self.assertEqual(await roster_of(phone), {JULIET: wanted})
        self.assertEqual(len(versions), 3, "§2.6.3: each push has a version of its own")
        await remove(phone, JULIET)
        for device in (garden, phone):
            await device.expect_push(JULIET, subscription="remove")
        self.assertEqual(await roster_of(garden), {})
        self.assertEqual(pushes_in(await quiet.settle()), [])
        again = roster_set(garden, (JULIET, {"subscription": "remove"}, []))
        self.assertEqual((await garden.refused(again))[0], "item-not-found", "§2.5.3")
        await ask_roster(quiet)
        await garden.update_roster(NURSE, name="Nurse")
        await quiet.expect_push(NURSE, name="Nurse")

    async def test_a_known_version_is_not_sent_again(self):
        """RFC 6121 §2.6, XEP-0237."""
        romeo, juliet = await self.enter(ROMEO), await self.enter(JULIET)
        self.assertIn("rosterver", romeo.features)
        await romeo.update_roster(NURSE, name="Nurse", groups=["Servants"])
        await romeo.update_roster(TYBALT)
        known, version = await ask_roster(romeo)
        await romeo.go()
        romeo = await self.enter(ROMEO, presence=False)
        self.assertEqual(await ask_roster(romeo, version), (None, None), "nothing has changed")
        self.assertEqual(pushes_in(await romeo.settle()), [])
        # A version that is none of this roster's brings all of it.
        await juliet.update_roster(NURSE)
        for other in ("", "no such version", (await ask_roster(juliet))[1]):
            self.assertEqual(await ask_roster(romeo, other), (known, version))
        await remove(romeo, TYBALT)
        romeo.send_presence_subscription(pto=JULIET, ptype="subscribe")
        last = (await romeo.expect_push(JULIET, ask="subscribe"))["roster"]["ver"]
        await romeo.go()
        romeo = await self.enter(ROMEO, presence=False)
        # §2.6.3: the server may send all, or an empty result and a push for each change.
        items = (await ask_roster(romeo, version))[0] or known
        for push in pushes_in(await romeo.settle()):
            items = items | items_of(push)
        wanted = {NURSE: known[NURSE], JULIET: {"subscription": "none", "ask": "subscribe"}}
        self.assertEqual({jid: item for jid, item in items.items() if item["subscription"] != "remove"}, wanted)
        # What is pushed to nobody makes no new version: here a request that waits for him.
        await says(juliet, romeo, "subscribe")
        self.assertEqual(await ask_roster(romeo, last), (None, None))

    async def test_what_is_refused_changes_nothing(self):
        """RFC 6121 §2.3.3, §2.1.5."""
        romeo = await self.enter(ROMEO)
        await romeo.update_roster(NURSE, name="n" * 1023, groups=["g" * 1023])
        before = await ask_roster(romeo)
        await romeo.settle()
        long, empty, many = "x" * 1024, "", map(str, range(51))
        for condition, *items in (
                ("not-acceptable", (NURSE, {"name": long}, [])), ("not-acceptable", (NURSE, {}, [long])),
                ("not-acceptable", (NURSE, {}, [empty])), ("not-acceptable", (JULIET, {}, many)), ("bad-request",),
                ("bad-request", (NURSE, {}, ["A", "B", "A"])), ("bad-request", (JULIET, {}, []), (TYBALT, {}, [])),
                ("jid-malformed", ("a@", {}, [])), ("jid-malformed", ("", {}, [])), ("not-allowed", (ROMEO, {}, []))):
            self.assertEqual((await romeo.refused(roster_set(romeo, *items)))[0], condition, str(items)[:80])
        self.assertEqual(pushes_in(await romeo.settle()), [])
        self.assertEqual(await ask_roster(romeo), before)
        # §2.1.2.5: who sees whom is not the client's to say.
        claims = {"subscription": "both", "ask": "subscribe", "approved": "true"}
        await roster_set(romeo, (JULIET, claims, [])).send(timeout=PATIENCE)
        self.assertEqual((await roster_of(romeo))[JULIET], {"subscription": "none"})

    async def test_a_roster_is_its_owners_alone(self):
        """RFC 6121 §2.1.5, §2.3.3; §2.1.6: what another sends is never a push of the server."""
        victim, tybalt = await self.enter(JULIET + "/balcony"), await self.enter(TYBALT + "/dark")
        romeo = await self.enter(ROMEO + "/garden")
        await victim.update_roster(NURSE, name="Nurse")
        await victim.expect_push(NURSE)
        before = await ask_roster(victim)
        forged = (NURSE, {"name": "Villain", "subscription": "both"}, ["Mine"])
        for stranger in (tybalt, romeo):
            for item in (forged, (ROMEO, {}, []), (NURSE, {"subscription": "remove"}, [])):
                for jid in (JULIET, NOBODY):  # §8.5.1: a stranger is not told whether there is one
                    refused = await stranger.refused(roster_set(stranger, item, to=jid))
                    self.assertEqual(refused, ("service-unavailable", "cancel"))
            self.assertEqual((await stranger.refused(stranger.make_iq_get("jabber:iq:roster", ito=JULIET)))[0],
                             "service-unavailable")
            # To the full JID it is a request like any other, and says who sent it.
            stranger.send(roster_set(stranger, forged, to=victim.boundjid.full))
            arrived = await victim.expect(lambda s: pushes_in([s]), "the request of a stranger")
            self.assertEqual(arrived["from"], stranger.boundjid.full)
        liar = roster_set(tybalt, forged, to=victim.boundjid.full)
        liar["from"] = JULIET  # RFC 6120 §8.1.2.1: it ends his stream
        tybalt.send(liar)
        await asyncio.wait_for(tybalt.gone.wait(), PATIENCE)
        self.assertEqual(pushes_in(await heard_until_now(victim, romeo)), [])
        self.assertEqual(victim.client_roster[NURSE]["name"], "Nurse")
        self.assertEqual(await ask_roster(victim), before)
        await self.befriend(victim, romeo)
        self.assertEqual(await romeo.refused(roster_set(romeo, forged, to=JULIET)), ("forbidden", "auth"))


class FullRoster(Stage):
    SETTINGS = ("roster.max_items=2",)

    async def test_no_more_contacts_than_the_setting_allows(self):
        """However they come: by a roster set, a request, an approval beforehand."""
        romeo, juliet = await self.enter(ROMEO), await self.enter(JULIET)
        await romeo.update_roster(NURSE)
        await romeo.update_roster(TYBALT)
        self.assertEqual((await romeo.refused(roster_set(romeo, (JULIET, {}, []))))[0], "resource-constraint")
        for kind in ("subscribe", "subscribed"):
            romeo.send_presence_subscription(pto=JULIET, ptype=kind)
            await romeo.expect_presence(JULIET, "error", lambda p: p["error"]["condition"] == "resource-constraint")
        self.assertEqual(types_of(await heard_until_now(juliet, romeo), ROMEO), ([], []))
        self.assertEqual(set(await roster_of(romeo)), {NURSE, TYBALT})
        await romeo.update_roster(NURSE, name="Nurse")  # those that are there may be changed
        await remove(romeo, TYBALT)
        self.assertEqual(types_of((await says(romeo, juliet, "subscribe"))[0], ROMEO)[0], ["subscribe"])


# RFC 6121 §A.1 in short: none, to, from, both; o and i: a request that waits, of one's own or of the other.
STATES = ("none", "none o", "none i", "none o i", "to", "to i", "from", "from o", "both")
OTHER_SIDE = dict(zip(STATES, ("none", "none i", "none o", "none o i", "from", "from o", "to", "to i", "both")))
SEEING = {"to", "to i", "both"}


def table(**rows):
    return {kind: dict(zip(STATES, cells.split(", "), strict=True)) for kind, cells in rows.items()}


# §A.2: the new state of who sends; "-": nothing is routed, "=": routed without a change, "+": an approval beforehand.
SENT = table(subscribe="none o, =, none o i, =, =, =, from o, =, =",
             unsubscribe="=, none, =, none i, none, none i, =, from, from",
             subscribed="+, +, from, from o, +, both, -, -, -",
             unsubscribed="-, -, none, none o, -, to, none, none o, to")
# §A.3: the new state of who gets it; "-": not delivered.
GOT = table(subscribe="none i, none o i, -, -, to i, -, -, -, -",
            unsubscribe="-, -, none, none o, -, to, none, none o, to",
            subscribed="-, to, -, to i, -, -, -, both, -",
            unsubscribed="-, none, -, none i, none, none i, -, from, from")


async def state_of(person, contact):
    """As the user finds it: the item in the roster, and whether a new presence session brings the request (§3.1.3)."""
    item = (await roster_of(person)).get(contact, {"subscription": "none"})
    person.send_presence(ptype="unavailable")
    person.send_presence()
    asks = types_of(await person.settle(), contact)[0]
    assert asks in ([], ["subscribe"]), asks
    return item["subscription"] + (" o" if "ask" in item else "") + (" i" if asks else ""), "approved" in item


class EveryState(Stage):
    """The tables of RFC 6121 Appendix A, from both ends: each kind of stanza in each of the nine states."""

    async def bring(self, romeo, juliet, state):
        """From nothing at all to that state of romeo's; nothing may be under way then: it would be an answer to it."""
        for person, other in ((romeo, juliet), (juliet, romeo)):
            await calm(romeo, juliet)
            if other.boundjid.bare in await roster_of(person):
                await remove(person, other.boundjid.bare)
        await calm(romeo, juliet)
        for asks, answers, here in ((romeo, juliet, state), (juliet, romeo, OTHER_SIDE[state])):
            if here in SEEING or "o" in here.split():
                await says(asks, answers, "subscribe")
            if here in SEEING:
                await says(answers, asks, "subscribed")
        await calm(romeo, juliet)

    async def check(self, romeo, juliet, kind, state):
        await self.bring(romeo, juliet, state)
        there, here = await says(romeo, juliet, kind)
        sent, before = SENT[kind][state], OTHER_SIDE[state]
        got = "-" if sent in "-+" else GOT[kind][before]
        wanted, wanted_there = state if sent in "-=+" else sent, before if got == "-" else got
        self.assertEqual(types_of(there, ROMEO)[0], [] if got == "-" else [kind])
        self.assertEqual(types_of(here, JULIET)[0], [], "no answer that she has not given")
        # §3.1.5, §3.2.2, §3.3.3: who sees from now on sees at once; who sees no more sees the other go.
        for stanzas, sender, old, new in ((there, ROMEO, before, wanted_there), (here, JULIET, state, wanted)):
            seen = ["unavailable"] if old in SEEING else ["available"]
            self.assertEqual(types_of(stanzas, sender)[1], seen if (old in SEEING) != (new in SEEING) else [])
        self.assertEqual(await state_of(romeo, JULIET), (wanted, sent == "+"))
        self.assertEqual(await state_of(juliet, ROMEO), (wanted_there, False))

    async def test_each_kind_of_stanza(self):
        romeo, juliet = await self.enter(ROMEO + "/garden"), await self.enter(JULIET + "/balcony")
        for kind, state in itertools.product(SUBSCRIPTION, STATES):
            with self.subTest(kind=kind, state=state):
                await self.check(romeo, juliet, kind, state)


class Subscriptions(Stage):
    async def see(self, speaker, kind, devices, pushed, pushed_there):
        """RFC 6121 §3.1.6, §3.2.3, §3.3.3: the stanza, then the push to those devices; a push to the speaker."""
        speaker.send_presence_subscription(pto=devices[0].boundjid.bare, ptype=kind)
        await speaker.expect_push(devices[0].boundjid.bare, subscription=pushed)
        for device in devices:
            await device.expect_presence(speaker.boundjid.bare, kind)
            if pushed_there:
                await device.expect_push(speaker.boundjid.bare, subscription=pushed_there, ask=None)

    async def test_two_meet_and_part_before_the_eyes_of_their_devices(self):
        """RFC 6121 §3.1 to §3.3, between two domains and within one."""
        juliet, garden = await self.enter(JULIET + "/balcony"), await self.enter(ROMEO + "/garden")
        tybalt, phone = await self.enter(TYBALT), await self.enter(ROMEO + "/phone")
        for who, devices in ((ROMEO, (garden, phone)), (TYBALT, (tybalt,))):
            # §3.1.2: what is sent to a device is for the account; §3.1.3: it comes from one, and is in no roster yet.
            devices[0].send_presence_subscription(pto=juliet.boundjid.full, ptype="subscribe")
            request = await juliet.expect_presence(who, "subscribe")
            self.assertEqual((request["from"], request["to"]), (who, JULIET))
            self.assertNotIn(who, await roster_of(juliet))
            for device in devices:
                await device.expect_push(JULIET, subscription="none", ask="subscribe")
            await self.see(juliet, "subscribed", devices, "from", "to")
            await self.see(devices[0], "unsubscribe", [juliet], "none", "none")
            await self.see(juliet, "subscribe", devices[:1], "none", None)
            await self.see(devices[0], "subscribed", [juliet], "from", "to")
            await self.see(devices[0], "unsubscribed", [juliet], "none", "none")

    async def test_a_request_waits_until_it_is_answered(self):
        """RFC 6121 §3.1.3: whole, once, at each log-in, also after a start of the server; then never again."""
        romeo, juliet = await self.enter(ROMEO), await self.enter(JULIET)
        await juliet.update_roster(NURSE, name="Nurse <3", groups=["A & B", "C"])
        kept = await roster_of(juliet)
        await juliet.go()
        for status in ("Let me be ta'en", "again"):
            request = romeo.make_presence(pto=JULIET, ptype="subscribe", pstatus=status)
            ET.SubElement(request.xml, "{http://jabber.org/protocol/nick}nick").text = "Romeo"
            request.send()
        await romeo.go()
        for resource in ("balcony", "chamber", "balcony"):
            juliet = await self.enter(f"{JULIET}/{resource}", presence=False)
            juliet.send_presence()
            (request,) = (s for s in await juliet.settle() if s["type"] == "subscribe")
            self.assertEqual((request["from"], request["status"]), (ROMEO, "Let me be ta'en"))
            self.assertEqual(request.xml.findtext("{http://jabber.org/protocol/nick}nick"), "Romeo")
            self.assertEqual(await roster_of(juliet), kept)
            await juliet.go()
            if resource == "chamber":
                self.assertEqual(self.jackdaw.end(), 0)
                self.port = self.jackdaw.start()
        for answer, subscriptions in (("unsubscribed", ("none", "none")), ("subscribed", ("to", "from"))):
            juliet = await self.enter(JULIET)
            juliet.send_presence_subscription(pto=ROMEO, ptype=answer)
            self.assertEqual(await state_of(juliet, ROMEO), (subscriptions[1], False))
            await juliet.go()
            # He was away, and finds the answer; then he asks again.
            romeo = await self.enter(ROMEO)
            self.assertEqual(await roster_of(romeo), {JULIET: {"subscription": subscriptions[0]}})
            romeo.send_presence_subscription(pto=JULIET, ptype="subscribe")
            await romeo.go()

    async def test_an_approval_beforehand(self):
        """RFC 6121 §3.4: nobody is told of it; it grants the request, also when its giver is away."""
        romeo, juliet = await self.enter(ROMEO), await self.enter(JULIET)
        self.assertIn("preapproval", juliet.features)
        juliet.send_presence_subscription(pto=ROMEO, ptype="subscribed")
        await juliet.expect_push(ROMEO, subscription="none", approved="true")
        # §4.3.2: it does not make her visible, and the answer to a probe does not take it back.
        romeo.send_presence(pto=JULIET, ptype="probe")
        await heard_until_now(juliet, romeo)
        self.assertEqual(types_of(await heard_until_now(romeo, juliet), JULIET), ([], []))
        self.assertEqual(await state_of(juliet, ROMEO), ("none", True))
        # §3.4.2: taken back by unsubscribed, or with the item; then she is asked.
        for take_back in (says(juliet, romeo, "unsubscribed"), remove(juliet, ROMEO)):
            await says(juliet, romeo, "subscribed")
            self.assertTrue((await state_of(juliet, ROMEO))[1])
            await take_back
            self.assertEqual(types_of((await says(romeo, juliet, "subscribe"))[0], ROMEO)[0], ["subscribe"])
            await says(romeo, juliet, "unsubscribe")
        await says(juliet, romeo, "subscribed")
        await juliet.go()
        romeo.send_presence_subscription(pto=JULIET, ptype="subscribe")
        await romeo.expect_presence(JULIET, "subscribed")
        await romeo.expect_push(JULIET, subscription="to", ask=None)
        juliet = await self.enter(JULIET + "/balcony")
        await romeo.expect_presence(juliet.boundjid.full)

    async def test_the_removal_of_a_contact_ends_both_directions(self):
        """RFC 6121 §2.5.2, also while the contact is away, and for a request that waits."""
        romeo, juliet, tybalt = await self.enter(ROMEO), await self.enter(JULIET), await self.enter(TYBALT)
        await self.befriend(romeo, juliet)
        await self.befriend(romeo, tybalt)
        await tybalt.go()
        await remove(romeo, JULIET)
        await remove(romeo, TYBALT)
        subscriptions, seen = types_of(await heard_until_now(juliet, romeo), ROMEO)
        self.assertEqual((sorted(subscriptions), seen[-1]), (["unsubscribe", "unsubscribed"], "unavailable"))
        self.assertEqual(types_of(await heard_until_now(romeo, juliet), JULIET)[1][-1], "unavailable")
        for person in (juliet, await self.enter(TYBALT)):
            self.assertEqual(await roster_of(person), {ROMEO: {"subscription": "none"}})
        self.assertEqual(await roster_of(romeo), {})
        await says(romeo, juliet, "subscribe")
        await remove(romeo, JULIET)
        await heard_until_now(juliet, romeo)
        self.assertEqual(await state_of(juliet, ROMEO), ("none", False))


if __name__ == "__main__":
    unittest.main(verbosity=1)
