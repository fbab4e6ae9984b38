#!/usr/bin/env python3
"""What people at another server (Prosody) have of this one beside its accounts: a component's people, with whom they
talk as with others, and no administration.

    component_abroad_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import sys
import unittest
import xml.etree.ElementTree as ET

from people import PATIENCE
from province import OURS, THEIRS, Houses, enter_namespace
from services import Service

enter_namespace()
Houses.PROGRAM = sys.argv.pop(1)
PLAYS, SECRET = "plays.montague.lan", "wherefore art thou"
WILL = f"will@{PLAYS}"
GONE = ("remote-server-not-found", "remote-server-timeout", "service-unavailable")
COMMANDS = "http://jabber.org/protocol/commands"


class Abroad(Houses):
    ZONE = {**Houses.ZONE, PLAYS: OURS}

    async def component(self):
        service = Service(PLAYS, SECRET)
        self.here.append(service)
        return await service.come(5222)

    async def begin(self, *settings):
        """Both servers with certificates that the other trusts, the component's name in ours; and juliet."""
        pem, key = self.province.certify("montague.lan", ["DNS:montague.lan", f"DNS:{PLAYS}"])
        self.prosody = self.start_prosody()
        self.serve(f"listen.client={OURS}:5222,127.0.0.1:5222", f"tls.certificate={pem}", f"tls.key={key}",
                   f"s2s.trusted_certificates={self.province.authority}", f"component.password={SECRET}", *settings)
        return await self.enter("juliet@capulet.lan/balcony")


class Component(Abroad):
    async def test_it_talks_with_people_elsewhere(self):
        """Messages, presence with subscriptions, and requests (XEP-0030) both ways."""
        juliet = await self.begin()
        plays = await self.component()
        juliet.send_message(f"{WILL}/desk", "What's in a name?")
        got = await plays.expect_message("What's in a name?")
        self.assertEqual((got["from"], got["to"]), ("juliet@capulet.lan/balcony", f"{WILL}/desk"))
        plays.send_message("juliet@capulet.lan", "That which we call a rose", mfrom=WILL)
        self.assertEqual((await juliet.expect_message("That which we call a rose"))["from"], WILL)
        # Each subscribes to the other.
        juliet.send_presence_subscription(pto=WILL, ptype="subscribe")
        await plays.expect_presence("juliet@capulet.lan", "subscribe")
        plays.send_presence(pto="juliet@capulet.lan", pfrom=WILL, ptype="subscribed")
        await juliet.expect_push(WILL, subscription="to")
        plays.send_presence(pto="juliet@capulet.lan", pfrom=f"{WILL}/desk", pstatus="writing")
        await juliet.expect_presence(f"{WILL}/desk", fits=lambda p: p["status"] == "writing")
        plays.send_presence(pto="juliet@capulet.lan", pfrom=WILL, ptype="subscribe")
        await juliet.expect_presence(WILL, "subscribe")
        juliet.send_presence_subscription(pto=WILL, ptype="subscribed")
        await plays.expect_presence("juliet@capulet.lan/balcony")
        # Requests.
        there = await juliet["xep_0030"].get_info(PLAYS, timeout=PATIENCE)
        self.assertEqual(there["from"], PLAYS)
        self.assertIn("http://jabber.org/protocol/disco#info", there["disco_info"]["features"])
        there = await plays["xep_0030"].get_info("capulet.lan", ifrom=PLAYS, timeout=PATIENCE)
        self.assertIn(("server", "im"), {one[:2] for one in there["disco_info"]["identities"]})
        there = await plays["xep_0030"].get_info("juliet@capulet.lan/balcony", ifrom=WILL, timeout=PATIENCE)
        self.assertIn("urn:xmpp:ping", there["disco_info"]["features"])
        juliet.abort()
        await plays.expect_presence("juliet@capulet.lan/balcony", "unavailable")
        # Nobody is there: its server's error comes to the component.
        plays.send_message("rosaline@capulet.lan", "Who is it?", mfrom=WILL)
        error = await plays.expect(lambda s: s["type"] == "error", "an error")
        self.assertEqual((error["from"], error["to"]), ("rosaline@capulet.lan", WILL))

    async def test_errors_come_back_while_it_is_gone(self):
        """When her server has to open a stream for it, and on the stream that is open."""
        juliet = await self.begin()
        self.assertIn(await self.returned(juliet, WILL), GONE)
        plays = await self.component()
        juliet.send_message(WILL, "Here?")
        await plays.expect_message("Here?")
        plays.disconnect(wait=PATIENCE)
        await asyncio.wait_for(plays.gone.wait(), PATIENCE)
        self.assertIn(await self.returned(juliet, WILL), GONE)
        self.assertIn((await juliet.refused(juliet.make_iq_get("urn:xmpp:ping", ito=PLAYS)))[0], GONE)
        plays = await self.component()
        juliet.send_message(WILL, "Back again?")
        await plays.expect_message("Back again?")
        plays.send_message("juliet@capulet.lan", "Ay", mfrom=WILL)
        await juliet.expect_message("Ay")


class Commands(Abroad):
    """Ad-hoc commands (XEP-0050): an administrator is an account of this server."""

    MANY = 30

    def start_prosody(self, **how):
        return self.province.start_prosody("capulet.lan", THEIRS, ["juliet", "admin"], **how)

    async def asks(self, person, node):
        """What is answered to that command: a condition."""
        request = person.make_iq_set(ito="montague.lan")
        ET.SubElement(request.xml, f"{{{COMMANDS}}}command", node=node, action="execute")
        return (await person.refused(request))[0]

    async def items(self, person):
        items = await person["xep_0030"].get_items("montague.lan", node=COMMANDS, timeout=PATIENCE)
        return {node for _, node, _ in items["disco_items"]["items"]}

    async def test_nobody_from_elsewhere_administers(self):
        """Not even who has an administrator's name there. It is counted, and fills no log."""
        self.jackdaw.do("user", "rights", "romeo@montague.lan", "all")
        juliet = await self.begin("log.level=major")
        romeo, namesake = await self.enter("romeo@montague.lan"), await self.enter("admin@capulet.lan")
        self.assertIn("user add", await self.items(romeo))
        refused = self.metric("jackdaw_commands_refused")
        for person in (juliet, namesake):
            self.assertEqual(await self.items(person), set())
            for node in ("status", "user add", "nonsense"):
                self.assertEqual(await self.asks(person, node), "forbidden", node)
            for node, condition in (("user add", "forbidden"), ("nonsense", "item-not-found")):
                request = person.make_iq_get("http://jabber.org/protocol/disco#info", ito="montague.lan")
                request["disco_info"]["node"] = node
                self.assertEqual((await person.refused(request))[0], condition, node)
        for number in range(self.MANY):
            self.assertEqual(await self.asks(juliet, f"user add {number}"), "forbidden")
        self.assertEqual(self.metric("jackdaw_commands_refused"), refused + 6 + self.MANY)
        self.assertEqual([line for line in self.jackdaw.lines if "@capulet.lan" in line or "refused" in line], [])
        # Who wants to know it sees it.
        self.jackdaw.do("log", "watch", "DOMAIN", "--level", "problems")
        await self.asks(juliet, "user add")
        await self.until_logged("ad-hoc command refused", **{"from": "juliet@capulet.lan/balcony"})


if __name__ == "__main__":
    unittest.main(verbosity=1)
