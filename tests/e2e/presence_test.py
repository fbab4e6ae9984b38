"""Who is told of whose presence, and who is not: people with slixmpp in two domains (RFC 6121 §4, §8, §11).

SPDX-License-Identifier: Apache-2.0
"""
import itertools
import sys
import unittest
import xml.etree.ElementTree as ET

import slixmpp

from people import Stage, heard_until_now

Stage.PROGRAM = sys.argv.pop(1)

ROMEO, JULIET = "romeo@montague.example", "juliet@capulet.example"
TYBALT, NURSE = "tybalt@capulet.example", "nurse@capulet.example"
NOBODY = "rosaline@capulet.example"  # has no account
Stage.ACCOUNTS = (ROMEO, JULIET, TYBALT, NURSE)
STATUS, PRIORITY = "{jabber:client}status", "{jabber:client}priority"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
CAPS = "{http://jabber.org/protocol/caps}c"


def seen(stanzas, *senders):
    """The presence from those bare JIDs in what came: sender, type, show and status of each."""
    return [(s["from"].full, s.xml.get("type", "available"), s["show"], s["status"]) for s in stanzas
            if isinstance(s, slixmpp.Presence) and s["from"].bare in senders]


async def starts_again(person, witness):
    """What a new presence session brings to that person, of the account of the witness and of the person's own."""
    await person.settle()
    person.send_presence(ptype="unavailable")
    person.send_presence()
    await heard_until_now(witness, person)  # the probe has come
    return await heard_until_now(person, witness)


class Contacts(Stage):
    """romeo and juliet see each other; the nurse sees juliet, who does not see her; tybalt sees nobody."""

    async def meet(self):
        romeo, nurse = await self.enter(ROMEO + "/garden"), await self.enter(NURSE + "/door")
        juliet = await self.enter(JULIET + "/balcony")
        await self.befriend(romeo, juliet)
        nurse.send_presence_subscription(pto=JULIET, ptype="subscribe")
        await juliet.expect_presence(NURSE, "subscribe")
        juliet.send_presence_subscription(pto=NURSE, ptype="subscribed")
        await nurse.expect_presence(juliet.boundjid.full)
        tybalt = await self.enter(TYBALT + "/dark")
        for listener, speaker in itertools.permutations((romeo, juliet, nurse, tybalt), 2):
            await heard_until_now(listener, speaker)
        return romeo, juliet, nurse, tybalt

    async def test_it_is_told_to_contacts_and_to_own_devices_and_to_nobody_else(self):
        """RFC 6121 §4.2.2, §4.2.3, §4.4.2, §4.5.2: first, changed, last; the whole stanza each time."""
        romeo, juliet, nurse, tybalt = await self.meet()
        phone = await self.enter(ROMEO + "/phone")
        chamber = await self.enter(JULIET + "/chamber", presence=False)
        for show, status, priority in ((None, "Ay me!", 7), ("dnd", "<O> & \N{ROSE}", -1), ("away", "Too rash", 0)):
            stanza = chamber.make_presence(pshow=show, pstatus=status, ppriority=priority)
            ET.SubElement(stanza.xml, CAPS, {"hash": "sha-1", "node": "http://verona.example", "ver": "v"})
            ET.SubElement(stanza.xml, STATUS, {LANG: "it"}).text = "Ohimè"
            stanza.send()
            for witness in (romeo, phone, nurse, juliet, chamber):
                came = await witness.expect_presence(chamber.boundjid.full)
                self.assertEqual((came["show"], came["priority"]), (show or "", priority))
                self.assertIn(came["to"], (witness.boundjid.full, witness.boundjid.bare))
                self.assertEqual({s.text or "" for s in came.xml.iter(STATUS)}, {status, "Ohimè"})
                self.assertEqual(came.xml.find(CAPS).get("node"), "http://verona.example")
        chamber.send_presence(ptype="unavailable", pstatus="Good night")
        for witness in (romeo, phone, nurse, juliet):
            came = await witness.expect_presence(chamber.boundjid.full, "unavailable")
            self.assertEqual(came["status"], "Good night")
        # §4.5.2: from now on it is a device that is not there: it hears of nobody, and comes as at first.
        romeo.send_presence(pshow="xa")
        await juliet.expect_presence(romeo.boundjid.full)
        juliet.send_presence(pshow="xa")
        await chamber.settle()
        self.assertEqual(seen(await heard_until_now(chamber, romeo), ROMEO), [])
        self.assertEqual(seen(await heard_until_now(chamber, juliet), JULIET), [])
        chamber.send_presence()
        await chamber.expect_presence(romeo.boundjid.full)
        await nurse.expect_presence(chamber.boundjid.full)
        # The nurse is seen by nobody, tybalt neither sees nor is seen.
        for person in (nurse, tybalt):
            person.send_presence(pshow="chat")
            for other in (romeo, juliet):
                self.assertEqual(seen(await heard_until_now(other, person), NURSE, TYBALT), [])
        for other in (romeo, juliet, chamber):
            self.assertEqual(seen(await heard_until_now(tybalt, other), ROMEO, JULIET), [])

    async def test_who_logs_in_is_told_how_the_contacts_are_now(self):
        """RFC 6121 §4.2.2, §4.3: each device's last presence; of one's own other devices, too."""
        romeo, juliet, nurse, _ = await self.meet()
        chamber = await self.enter(JULIET + "/chamber")
        for status in ("one", "two", "three"):
            juliet.send_presence(pstatus=status)
        chamber.send_presence(pshow="away")
        await heard_until_now(romeo, juliet)
        await heard_until_now(romeo, chamber)
        phone = await self.enter(ROMEO + "/phone", presence=False)
        self.assertEqual(seen(await heard_until_now(phone, juliet), JULIET), [], "it is not there yet")
        phone.send_presence()
        came = [await phone.expect_presence(JULIET), await phone.expect_presence(JULIET)]
        self.assertEqual({(p["from"].resource, p["show"], p["status"]) for p in came},
                         {("balcony", "", "three"), ("chamber", "away", "")})
        self.assertIn((ROMEO + "/garden", "available", "", ""), seen(await starts_again(phone, juliet), ROMEO))
        # Whoever is away is not there; of the nurse, whom she does not see, juliet is told nothing.
        await juliet.go()
        await chamber.go()
        for friend in (romeo, nurse):
            await friend.expect_presence(JULIET + "/balcony", "unavailable")
            await friend.expect_presence(JULIET + "/chamber", "unavailable")
        juliet = await self.enter(JULIET + "/balcony", presence=False)
        self.assertNotIn("available", [kind for _, kind, _, _ in seen(await starts_again(nurse, juliet), JULIET)])
        juliet.send_presence()
        await juliet.expect_presence(romeo.boundjid.full)
        self.assertEqual(seen(await heard_until_now(juliet, nurse), NURSE), [])

    async def test_a_lost_connection(self):
        """RFC 6121 §4.5.2: the server speaks for who is gone without a word, and whose place another takes."""
        romeo, juliet, nurse, tybalt = await self.meet()
        chamber = await self.enter(JULIET + "/chamber")
        for witness in (romeo, nurse, juliet):
            await witness.expect_presence(chamber.boundjid.full)
        chamber.transport.abort()
        for witness in (romeo, nurse, juliet):
            await witness.expect_presence(chamber.boundjid.full, "unavailable")
        # The others stay.
        self.assertEqual([one[:2] for one in seen(await starts_again(romeo, juliet), JULIET)],
                         [(JULIET + "/balcony", "available")])
        juliet.send_raw("<presence><not-well-formed></presence>")
        for witness in (romeo, nurse):
            await witness.expect_presence(juliet.boundjid.full, "unavailable")
        juliet = await self.enter(JULIET, presence=False)
        self.assertNotIn("available", [kind for _, kind, _, _ in seen(await starts_again(romeo, juliet), JULIET)])
        self.assertEqual(seen(await tybalt.settle(), JULIET), [])

    async def test_who_cancels_is_seen_no_more(self):
        """RFC 6121 §3.2.2, §4.3.2: no change, no answer to a probe, no coming and going; the others still see."""
        romeo, juliet, nurse, _ = await self.meet()
        juliet.send_presence_subscription(pto=ROMEO, ptype="unsubscribed")
        await romeo.expect_presence(juliet.boundjid.full, "unavailable")
        await romeo.expect_presence(JULIET, "unsubscribed")
        juliet.send_presence(pshow="dnd")
        await nurse.expect_presence(juliet.boundjid.full, fits=lambda p: p["show"] == "dnd")
        romeo.send_presence(pto=JULIET, ptype="probe")
        await heard_until_now(juliet, romeo)
        self.assertEqual(seen(await heard_until_now(romeo, juliet), JULIET), [])
        self.assertEqual(seen(await starts_again(romeo, juliet), JULIET), [])
        # He is still seen by her.
        romeo.send_presence(pstatus="alone")
        await juliet.expect_presence(romeo.boundjid.full, fits=lambda p: p["status"] == "alone")
        await juliet.go()
        await nurse.expect_presence(JULIET + "/balcony", "unavailable")
        juliet = await self.enter(JULIET + "/balcony")
        await nurse.expect_presence(juliet.boundjid.full)
        self.assertEqual(seen(await heard_until_now(romeo, juliet), JULIET), [])

    async def test_a_probe_is_answered_to_those_who_may_see(self):
        """RFC 6121 §4.3.2 rules 3 and 4: all devices, as they said it; or that nobody is there."""
        romeo, juliet, nurse, _ = await self.meet()
        chamber = await self.enter(JULIET + "/chamber")
        juliet.send_presence(pshow="chat", pstatus="Speak")
        for friend in (romeo, nurse):
            await heard_until_now(friend, juliet)
            await heard_until_now(friend, chamber)
            friend.send_presence(pto=JULIET, ptype="probe")
            await heard_until_now(juliet, friend)
            self.assertEqual(sorted(seen(await heard_until_now(friend, juliet), JULIET)),
                             [(JULIET + "/balcony", "available", "chat", "Speak"),
                              (JULIET + "/chamber", "available", "", "")])
            # Of one device only whether it is there.
            for resource, kind in (("/balcony", "available"), ("/nowhere", "unavailable")):
                friend.send_presence(pto=JULIET + resource, ptype="probe")
                await heard_until_now(juliet, friend)
                self.assertEqual(seen(await heard_until_now(friend, juliet), JULIET), [(JULIET + resource, kind, "", "")])
        # She does not see the nurse, and is asked whether she does: no.
        juliet.send_presence(pto=NURSE, ptype="probe")
        await heard_until_now(nurse, juliet)
        self.assertEqual(seen(await heard_until_now(juliet, nurse), NURSE), [])
        for device in (juliet, chamber):
            await device.go()
            await romeo.expect_presence(device.boundjid.full, "unavailable")
        romeo.send_presence(pto=JULIET, ptype="probe")
        await romeo.expect_presence(JULIET, "unavailable", fits=lambda p: p["from"] == JULIET)


class Strangers(Stage):
    async def learned(self, stranger, jid):
        """All that each kind of presence for that account brings to the stranger: with the account's name taken out."""
        heard = []
        for to, kind in itertools.product((jid, jid + "/balcony"), (
                None, "unavailable", "subscribed", "unsubscribed", "unsubscribe", "probe", "subscribe")):
            stanza = stranger.make_presence(pto=to, ptype=kind)
            stanza["id"] = f"{len(heard)}"
            stanza.send()
            heard.append([str(s).replace(jid, "JID") for s in await stranger.settle()
                          if isinstance(s, slixmpp.Presence) or s["type"] == "error"])
        return heard

    async def test_a_stranger_cannot_tell_who_is_there_nor_whether_there_is_an_account(self):
        """RFC 6121 §4.3.2 rule 1, §8.5.1, §11: somebody present, somebody away and nobody give the same answers."""
        tybalt, juliet = await self.enter(TYBALT + "/dark"), await self.enter(JULIET + "/balcony")
        romeo = await self.enter(ROMEO + "/garden")
        for stranger, away in ((tybalt, NURSE), (romeo, NURSE)):
            learned = {jid: await self.learned(stranger, jid) for jid in (JULIET, away, NOBODY)}
            self.assertEqual(learned[JULIET], learned[NOBODY])
            self.assertEqual(learned[away], learned[NOBODY])
            await heard_until_now(juliet, stranger)
            self.assertEqual(seen(await heard_until_now(stranger, juliet), JULIET), [])

    async def test_who_asks_sees_nothing_before_the_answer(self):
        """RFC 6121 §3.1.3, §11: neither changes nor coming and going, and nothing at a log-in."""
        romeo, juliet = await self.enter(ROMEO + "/garden"), await self.enter(JULIET + "/balcony")
        romeo.send_presence_subscription(pto=JULIET, ptype="subscribe")
        await juliet.expect_presence(ROMEO, "subscribe")
        for kind in (None, "unavailable", None):
            juliet.send_presence(ptype=kind, pstatus="O Romeo, Romeo!")
            self.assertEqual(seen(await heard_until_now(romeo, juliet), JULIET), [])
        self.assertEqual(seen(await starts_again(romeo, juliet), JULIET), [])
        romeo.send_presence(pshow="away")
        self.assertEqual(seen(await heard_until_now(juliet, romeo), ROMEO), [], "nor does she see him")


class Directed(Stage):
    async def test_a_device_that_is_not_available_leaves_no_ghost(self):
        """RFC 6121 §4.6.3 rule 3: who sees the account is told of the end as well; §4.6.6: and may ask before."""
        romeo, juliet = await self.enter(ROMEO + "/garden"), await self.enter(JULIET + "/balcony")
        await self.befriend(romeo, juliet)
        tybalt, phone = await self.enter(TYBALT + "/dark"), await self.enter(ROMEO + "/phone", presence=False)
        for friend in (juliet, tybalt):
            phone.send_presence(pto=friend.boundjid.bare, pstatus="I come")
            await friend.expect_presence(phone.boundjid.full, fits=lambda p: p["status"] == "I come")
        tybalt.send_presence(pto=phone.boundjid.full, ptype="probe")
        await tybalt.expect_presence(phone.boundjid.full, fits=lambda p: p["status"] == "")
        phone.transport.abort()
        for friend in (juliet, tybalt):
            await friend.expect_presence(phone.boundjid.full, "unavailable")

    async def strangers(self):
        """romeo is there; juliet on two devices and tybalt are, too; nobody sees anybody."""
        people = [await self.enter(jid) for jid in (
            ROMEO + "/garden", JULIET + "/balcony", JULIET + "/chamber", TYBALT + "/dark")]
        for listener, speaker in itertools.permutations(people, 2):
            await heard_until_now(listener, speaker)
        return people

    async def test_it_comes_to_those_it_was_sent_to_and_so_does_its_end(self):
        """RFC 6121 §4.6.3 rule 2: no changes, but the end, once; not to who was told of an end already."""
        romeo, balcony, chamber, tybalt = await self.strangers()
        romeo.send_presence(pto=balcony.boundjid.full, pshow="dnd", pstatus="It is my lady")
        self.assertEqual(seen(await heard_until_now(balcony, romeo), ROMEO),
                         [(ROMEO + "/garden", "available", "dnd", "It is my lady")])
        romeo.send_presence(pto=TYBALT)
        self.assertEqual([one[:2] for one in seen(await heard_until_now(tybalt, romeo), ROMEO)],
                         [(ROMEO + "/garden", "available")])
        romeo.send_presence(pshow="away")
        for witness in (balcony, chamber, tybalt):
            self.assertEqual(seen(await heard_until_now(witness, romeo), ROMEO), [])
        romeo.send_presence(pto=TYBALT, ptype="unavailable")
        self.assertEqual([one[1] for one in seen(await heard_until_now(tybalt, romeo), ROMEO)], ["unavailable"])
        romeo.send_presence(ptype="unavailable", pstatus="Farewell")
        ends = {witness: seen(await heard_until_now(witness, romeo), ROMEO) for witness in (balcony, chamber, tybalt)}
        self.assertEqual(ends, {balcony: [(ROMEO + "/garden", "unavailable", "", "Farewell")], chamber: [], tybalt: []})
        # It was for that presence session only (§4.6.1).
        romeo.send_presence()
        romeo.send_presence(ptype="unavailable")
        self.assertEqual(seen(await heard_until_now(balcony, romeo), ROMEO), [])

    async def test_its_end_comes_when_the_connection_is_lost(self):
        """RFC 6121 §4.5.2, §4.6.3 rules 2 and 3: also of a device that has never been available."""
        romeo, balcony, chamber, tybalt = await self.strangers()
        phone = await self.enter(ROMEO + "/phone", presence=False)
        for device in (romeo, phone):
            device.send_presence(pto=JULIET)
            device.send_presence(pto=tybalt.boundjid.full)
            for witness in (balcony, chamber, tybalt):
                await witness.expect_presence(device.boundjid.full)
        for device in (romeo, phone):
            device.transport.abort()
            for witness in (balcony, chamber, tybalt):
                await witness.expect_presence(device.boundjid.full, "unavailable")

    async def test_a_subscription_goes_before(self):
        """RFC 6121 §4.6.1, §4.6.3 rule 1: a contact that got directed presence is told all as before."""
        romeo, balcony, _, _ = await self.strangers()
        romeo.send_presence(pto=JULIET)
        await balcony.expect_presence(romeo.boundjid.full)
        await self.befriend(balcony, romeo)
        for to in (JULIET, balcony.boundjid.full):
            romeo.send_presence(pto=to, ptype="unavailable")
            await balcony.expect_presence(romeo.boundjid.full, "unavailable")
            romeo.send_presence(pshow="away")
            await balcony.expect_presence(romeo.boundjid.full, fits=lambda p: p["show"] == "away")
        romeo.send_presence_subscription(pto=JULIET, ptype="unsubscribed")
        await balcony.expect_presence(romeo.boundjid.full, "unavailable")
        await balcony.expect_presence(ROMEO, "unsubscribed")
        romeo.send_presence(pshow="xa")
        self.assertEqual(seen(await heard_until_now(balcony, romeo), ROMEO), [])


class Priority(Stage):
    async def test_a_negative_one_keeps_messages_to_the_account_away(self):
        """RFC 6121 §8.5.2.1.1, §8.5.3.1: of no type; to the device itself they come; one who is not there gets none."""
        romeo, balcony = await self.enter(ROMEO), await self.enter(JULIET + "/balcony")
        chamber = await self.enter(JULIET + "/chamber", presence=False)
        balcony.send_presence(ppriority=-1)
        await balcony.expect_presence(balcony.boundjid.full, fits=lambda p: p["priority"] == -1)
        for kind in ("headline", "normal", "chat"):
            romeo.send_message(JULIET, f"{kind} for the account", mtype=kind)
        romeo.send_message(balcony.boundjid.full, "for the device", mtype="chat")
        self.assertEqual([s["body"] for s in await heard_until_now(balcony, romeo) if s.name == "message"],
                         ["for the device"])
        self.assertEqual([s for s in await heard_until_now(chamber, romeo) if s.name == "message"], [])
        # What was kept comes to whoever is to be reached first: what was of the moment does not.
        chamber.send_presence(ppriority=0)
        for kind in ("normal", "chat"):
            await chamber.expect_message(f"{kind} for the account")
        romeo.send_message(JULIET, "again", mtype="chat")
        romeo.send_message(JULIET, "news", mtype="headline")
        await chamber.expect_message("again")
        await chamber.expect_message("news")
        self.assertEqual([s for s in await heard_until_now(balcony, romeo) if s.name == "message"], [])
        balcony.send_presence(ppriority=1)
        await balcony.expect_presence(balcony.boundjid.full, fits=lambda p: p["priority"] == 1)
        romeo.send_message(JULIET, "at last", mtype="chat")
        await balcony.expect_message("at last")

    async def test_what_is_no_presence_is_refused_and_told_to_nobody(self):
        """RFC 6121 §4.7.1, §4.7.2.3: a type that there is not; a priority that is no number from -128 to 127."""
        romeo, juliet = await self.enter(ROMEO + "/garden"), await self.enter(JULIET + "/balcony")
        await self.befriend(romeo, juliet)
        await heard_until_now(juliet, romeo)
        for kind, priority in (("invisible", "0"), (None, "128"), (None, "-129"), (None, "high"), (None, "")):
            stanza = romeo.make_presence()
            if kind:
                stanza.xml.set("type", kind)
            ET.SubElement(stanza.xml, PRIORITY).text = priority
            stanza.send()
            refused = await romeo.expect(lambda s: s.xml.get("type") == "error", f"the refusal of {kind} {priority}")
            self.assertEqual(refused["error"]["condition"], "bad-request")
        self.assertEqual(seen(await heard_until_now(juliet, romeo), ROMEO), [])
        for priority in (-128, 127):
            romeo.send_presence(ppriority=priority)
            await juliet.expect_presence(romeo.boundjid.full, fits=lambda p, wanted=priority: p["priority"] == wanted)


if __name__ == "__main__":
    unittest.main(verbosity=1)
