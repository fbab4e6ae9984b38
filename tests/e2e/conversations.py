"""What users of this server and of another do together, whatever the other is: `Conversations` and `TwoHouses` stand
beside Houses and a `start_peer(certificate=...)`.

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import signal
import time
import xml.etree.ElementTree as ET

import slixmpp

from people import PATIENCE
from province import OURS, Houses

ROSTER = "{jabber:iq:roster}"
ROMEO, JULIET = "romeo@montague.lan", "juliet@capulet.lan"
# What no server knows: an element of the namespace urn:verona:NAME for each name.
PAYLOADS = {
    "letter": """<letter xmlns='urn:verona:letter' xmlns:seal='urn:verona:seal' seal:wax='red &amp; &lt;gold&gt;'
                  plain='&quot;one&quot; &apos;two&apos;' xml:lang='it'>O &lt;Romeo&gt; &amp; \N{ROSE}, &#x1F339;?
                 <seal:mark seal:by='nurse'>mixed <word/> content<deep xmlns='urn:verona:deep'><seal:mark/> tail</deep>
                 </seal:mark><![CDATA[<wherefore/> & art]]></letter>""",
    "prefix": "<v:prefix xmlns:v='urn:verona:prefix' v:n='1' n='2'><v:word v:n='3'/></v:prefix>",
    "client": """<client xmlns='urn:verona:client'><body xmlns='jabber:client'>a <b xmlns='urn:verona:b'/> name</body>
                 <message xmlns='jabber:client' from='nurse@verona.lan' id='1'><body>Peter!</body></message>
                 </client>""",
    "nothing": "<nothing xmlns='urn:verona:nothing'><of-no-namespace xmlns=''><deep/></of-no-namespace></nothing>",
}


async def roster_of(person):
    """Subscription and ask by JID."""
    answer = await person.make_iq_get("jabber:iq:roster").send(timeout=PATIENCE)
    return {item.get("jid"): (item.get("subscription"), item.get("ask")) for item in answer.xml.iter(ROSTER + "item")}


def told(stanza):
    """In a few words what a stanza tells of subscriptions and presence; a push: the contact, the subscription, ask."""
    if isinstance(stanza, slixmpp.Presence):
        return stanza.xml.get("type", "available"), stanza["from"].bare
    item = stanza.xml.find(f"{ROSTER}query/{ROSTER}item")
    if isinstance(stanza, slixmpp.Iq) and item is not None:
        return "push", item.get("jid"), item.get("subscription"), item.get("ask")
    return None


async def hears(person, *wanted):
    """All of these, in any order: a server may push before it delivers, or after."""
    missing = list(wanted)

    def was_last(stanza):
        if told(stanza) in missing:
            missing.remove(told(stanza))
        return not missing
    await person.expect(was_last, f"all of {wanted}")


def canonical(xml):
    return ET.canonicalize(xml, rewrite_prefixes=True)


def is_error_of(message):
    return lambda stanza: stanza["type"] == "error" and stanza["id"] == message["id"]


class Conversations:
    """Tests with a peer that nobody trusts: over dialback."""

    DISCO_REACHES_ITS_CLIENTS = True
    CHANGED = ()  # of PAYLOADS, by the peer

    def start_both(self, *settings):
        """Nobody trusts the other's certificate."""
        self.peer = self.start_peer(certificate=self.province.certify("capulet.lan", signed=False))
        self.serve(*settings)

    async def says_again(self, speaker, listener, body):
        """As people do who get an error back while a server is away."""
        deadline = time.monotonic() + PATIENCE
        while True:
            message = speaker.make_message(listener.boundjid.full, body, mtype="chat")
            message.send()
            arrival = asyncio.ensure_future(listener.expect_message(body))
            error = asyncio.ensure_future(speaker.expect(is_error_of(message)))
            done, waiting = await asyncio.wait((arrival, error), return_when=asyncio.FIRST_COMPLETED)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            if arrival in done:
                return arrival.result()
            self.assertLess(time.monotonic(), deadline, f"{body!r} comes back: {error.result()}")
            await asyncio.sleep(0.5)

    async def enter_for_what_waits(self, jid):
        """As available, with nothing passed over: what was stored may come before one's own presence."""
        came = await self.enter(jid, presence=False)
        await came.get_roster(timeout=PATIENCE)
        came.send_presence()
        return came

    async def befriend(self, one, other):
        for asks, answers in ((one, other), (other, one)):
            asker, answerer = asks.boundjid.bare, answers.boundjid.bare
            second = asks is other
            asks.send_presence_subscription(pto=answerer, ptype="subscribe")
            await hears(asks, ("push", answerer, "from" if second else "none", "subscribe"))
            await hears(answers, ("subscribe", asker))
            answers.send_presence_subscription(pto=asker, ptype="subscribed")
            await hears(answers, ("push", asker, "both" if second else "from", None))
            await hears(asks, ("subscribed", answerer), ("available", answerer),
                        ("push", answerer, "both" if second else "to", None))

    async def rosters_are(self, romeo, juliet, his, hers):
        self.assertEqual(await roster_of(romeo), his)
        self.assertEqual(await roster_of(juliet), hers)

    async def test_they_see_each_other_come_and_go(self):
        """RFC 6121 §3, §4 between two servers."""
        self.start_both()
        romeo, juliet = await self.enter_both()
        await self.befriend(romeo, juliet)
        await self.rosters_are(romeo, juliet, {JULIET: ("both", None)}, {ROMEO: ("both", None)})
        for one, other in ((romeo, juliet), (juliet, romeo)):
            one.send_presence(pshow="away", pstatus="Anon, good nurse!")
            seen = await other.expect_presence(one.boundjid.full, fits=lambda p: p["show"] == "away")
            self.assertEqual(seen["status"], "Anon, good nurse!")
        here = {ROMEO: romeo, JULIET: juliet}
        for who, contact in ((JULIET, ROMEO), (ROMEO, JULIET)):
            one, other = here[who], here[contact]
            await one.go()
            await other.expect_presence(one.boundjid.full, "unavailable")
            one = await self.enter(f"{who}/again")  # who comes sees who is there (a probe), and is seen
            await one.expect_presence(other.boundjid.full, fits=lambda p: p["show"] == "away")
            await other.expect_presence(one.boundjid.full)
            one.abort()  # without a good-bye
            await other.expect_presence(one.boundjid.full, "unavailable")
            here[who] = await self.enter(f"{who}/third")
            here[who].send_presence(pshow="away")

    async def test_they_part(self):
        self.start_both()
        romeo, juliet = await self.enter_both()
        await self.befriend(romeo, juliet)
        juliet.send_presence_subscription(pto=ROMEO, ptype="unsubscribed")
        await hears(romeo, ("unsubscribed", JULIET), ("unavailable", JULIET), ("push", JULIET, "from", None))
        await self.rosters_are(romeo, juliet, {JULIET: ("from", None)}, {ROMEO: ("to", None)})
        juliet.send_presence_subscription(pto=ROMEO, ptype="unsubscribe")
        await hears(romeo, ("unsubscribe", JULIET), ("push", JULIET, "none", None))
        await hears(juliet, ("unavailable", ROMEO))
        await self.rosters_are(romeo, juliet, {JULIET: ("none", None)}, {ROMEO: ("none", None)})
        await self.befriend(juliet, romeo)
        await romeo.del_roster_item(JULIET)
        await hears(juliet, ("unsubscribe", ROMEO), ("unsubscribed", ROMEO), ("unavailable", ROMEO),
                    ("push", ROMEO, "none", None))
        await hears(romeo, ("unavailable", JULIET))
        await self.rosters_are(romeo, juliet, {}, {ROMEO: ("none", None)})

    async def test_a_request_waits_for_who_is_away(self):
        """RFC 6121 §3.1.3."""
        self.start_both()
        for asker, absent in ((ROMEO, JULIET), (JULIET, ROMEO)):
            asks = await self.enter(asker)
            asks.send_presence_subscription(pto=absent, ptype="subscribe")
            await hears(asks, ("push", absent, "none" if asker == ROMEO else "from", "subscribe"))
            # An iq behind it: the request has arrived when it is answered.
            await asks["xep_0199"].send_ping(absent.split("@")[1], timeout=PATIENCE)
            await asks.go()
            answers = await self.enter_for_what_waits(absent)
            await hears(answers, ("subscribe", asker))
            answers.send_presence_subscription(pto=asker, ptype="subscribed")
            await hears(answers, ("push", asker, "from" if asker == ROMEO else "both", None))
            await answers["xep_0199"].send_ping(asker.split("@")[1], timeout=PATIENCE)
            await answers.go()
        romeo, juliet = await self.enter_both()
        await self.rosters_are(romeo, juliet, {JULIET: ("both", None)}, {ROMEO: ("both", None)})

    async def test_questions_are_answered(self):
        """By the other's client and by the other's server."""
        self.start_both()
        romeo, juliet = await self.enter_both()
        for asks, answers in ((romeo, juliet), (juliet, romeo)):
            server = answers.boundjid.domain
            for jid in (answers.boundjid.full, server):
                answer = await asks["xep_0199"].send_ping(jid, timeout=PATIENCE)
                self.assertEqual((answer["type"], answer["from"]), ("result", jid))
            client = await asks["xep_0030"].get_info(answers.boundjid.full, timeout=PATIENCE)
            self.assertEqual(client["from"], answers.boundjid.full)
            if asks is juliet or self.DISCO_REACHES_ITS_CLIENTS:
                self.assertIn("urn:xmpp:ping", client["disco_info"]["features"])
            there = await asks["xep_0030"].get_info(server, timeout=PATIENCE)
            self.assertIn(("server", "im"), {identity[:2] for identity in there["disco_info"]["identities"]})

    async def test_nobody_answers_for_who_is_not_there(self):
        self.start_both()
        romeo, juliet = await self.enter_both()
        for asks, server in ((romeo, "capulet.lan"), (juliet, "montague.lan")):
            nobody = f"rosaline@{server}"
            self.assertEqual(await self.returned(asks, nobody), "service-unavailable")
            self.assertEqual(await self.returned(asks, nobody + "/garden"), "service-unavailable")
            for jid in (nobody, nobody + "/garden", f"{'juliet' if asks is romeo else 'romeo'}@{server}/nowhere"):
                question = asks.make_iq_get("urn:xmpp:ping:none", ito=jid)
                self.assertEqual((await asks.refused(question))[0], "service-unavailable", jid)
        await self.talk(romeo, juliet)

    async def test_payloads_that_no_server_knows_arrive_unchanged(self):
        """As canonical XML (C25); the prefixes of their namespaces may be others."""
        self.start_both()
        romeo, juliet = await self.enter_both()
        sent = {name: payload for name, payload in PAYLOADS.items() if name not in self.CHANGED}
        for speaker, listener in ((romeo, juliet), (juliet, romeo)):
            speaker.send_raw(f"<message to='{listener.boundjid.full}' type='chat'>{''.join(sent.values())}"
                             "<body>A letter</body></message>")
            came = await listener.expect_message("A letter")
            self.assertEqual(len(came.xml), len(sent) + 1)
            for name, payload in sent.items():
                element = came.xml.find(f"{{urn:verona:{name}}}{name}")
                self.assertEqual(canonical(ET.tostring(element, "unicode")), canonical(payload), speaker.boundjid)

    async def test_the_peer_starts_again(self):
        """Ended, and killed; our user's message of the time between waits (A1)."""
        self.start_both()
        romeo, juliet = await self.enter_both()
        await self.talk(romeo, juliet)
        for how in (signal.SIGTERM, signal.SIGKILL):
            self.peer.end(how)
            await asyncio.wait_for(juliet.gone.wait(), PATIENCE)
            romeo.send_message(JULIET, f"Where art thou? {how}")
            await romeo.settle()
            self.peer.start()
            juliet = await self.enter_for_what_waits("juliet@capulet.lan/balcony")
            await juliet.expect_message(f"Where art thou? {how}")
            await self.talk(romeo, juliet)

    async def test_we_start_again(self):
        self.start_both()
        romeo, juliet = await self.enter_both()
        await self.talk(romeo, juliet)
        for how in (signal.SIGTERM, signal.SIGKILL):
            self.assertEqual(self.jackdaw.end(how), 0 if how == signal.SIGTERM else -how)
            await asyncio.wait_for(romeo.gone.wait(), PATIENCE)
            juliet.send_message(romeo.boundjid.full, "Where art thou?")  # may wait or come back, as its server likes
            self.serve()
            romeo = await self.enter("romeo@montague.lan/garden")
            await self.says_again(juliet, romeo, f"Romeo! {how}")
            await self.says(romeo, juliet, f"My dear? {how}")

    async def test_what_waits_for_the_peer_outlives_us(self):
        """A1: it is stored, and sent on behind our start."""
        self.start_both()
        romeo, juliet = await self.enter_both()
        await self.talk(romeo, juliet)
        self.peer.end()
        for body in ("first", "second"):
            romeo.send_message(JULIET, body)
        await romeo.settle()
        self.assertEqual(self.jackdaw.end(), 0)
        self.serve()
        self.peer.start()
        juliet = await self.enter_for_what_waits("juliet@capulet.lan/balcony")
        for body in ("first", "second"):
            await juliet.expect_message(body)

    async def test_what_we_took_is_sent_before_our_end(self):
        """Each once and in order, some of it perhaps behind the next start."""
        self.start_both()
        romeo, juliet = await self.enter_both()
        bodies = [f"kiss {number}" for number in range(300)]
        for body in bodies:
            romeo.send_message(juliet.boundjid.full, body)
        await romeo.settle()
        self.assertEqual(self.jackdaw.end(), 0)
        self.serve()
        await self.hears_all(juliet, bodies)

    async def hears_all(self, listener, bodies):
        heard = []
        while bodies[-1] not in heard:
            heard.append((await listener.expect(lambda s: isinstance(s, slixmpp.Message), "a kiss"))["body"])
        self.assertEqual(heard, bodies)

    async def test_an_idle_stream_is_closed_and_opened_again(self):
        self.start_both("s2s.idle_timeout=1s")
        romeo, juliet = await self.enter_both()
        for times in (1, 2):
            await self.says(romeo, juliet, f"Art thou there? {times}")
            closed = "stream to another server closed"
            await self.until(lambda: len(self.logged(closed, to="capulet.lan")) == times, "the stream is not closed")
            await self.says(juliet, romeo, f"Ay {times}")

    async def test_300_messages_each_way_keep_their_order(self):
        """At once, the first of them before there is a stream."""
        self.start_both()
        romeo, juliet = await self.enter_both()
        bodies = [f"kiss {number}" for number in range(300)]
        for body in bodies:
            for speaker, listener in ((romeo, juliet), (juliet, romeo)):
                speaker.send_message(listener.boundjid.full, body)
        for listener in (juliet, romeo):
            await self.hears_all(listener, bodies)
        for person in (romeo, juliet):
            self.assertEqual([s for s in await person.settle() if isinstance(s, slixmpp.Message)], [])
        self.assertEqual(self.metric("jackdaw_s2s_stanzas_returned"), 0)


class TwoHouses:
    """A second domain of ours, beside Conversations' stage."""

    DOMAINS = ("montague.lan", "verona.lan")
    ZONE = {**Houses.ZONE, "verona.lan": OURS}

    async def talk_with_both(self):
        self.peer = self.start_peer(certificate=self.province.certify("capulet.lan", signed=False))
        self.serve()
        juliet = await self.enter("juliet@capulet.lan/balcony")
        for domain in self.DOMAINS:
            romeo = await self.enter(f"romeo@{domain}/garden")
            await self.talk(juliet, romeo)
            await self.until_logged("another server's domain is proven", **{"from": "capulet.lan", "to": domain})
            await self.until_logged("stream to another server", **{"from": domain, "to": "capulet.lan"})
