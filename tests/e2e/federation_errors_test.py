#!/usr/bin/env python3
"""What a sender hears when another server cannot be reached or refuses, and what no error may cause (RFC 6120 §8.3,
§10.4).

    federation_errors_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import sys
import unittest

import slixmpp

from people import PATIENCE
from province import Houses, THEIRS, enter_namespace

enter_namespace()
Houses.PROGRAM = sys.argv.pop(1)
AGE = "s2s.queue_age=3s"


class Unreachable(Houses):
    async def test_a_domain_that_does_not_exist(self):
        self.serve()
        romeo = await self.enter("romeo@montague.lan/garden")
        self.assertEqual(await self.returned(romeo, "juliet@nowhere.lan/balcony"), "remote-server-not-found")
        self.assertEqual(await self.returned(romeo, "nowhere.lan"), "remote-server-not-found")

    async def test_a_domain_that_says_that_it_has_no_server(self):
        """RFC 2782: a record with the root as its target."""
        self.province.stop_dns()
        self.province.services.append("capulet.lan=.:0")
        self.province.start_dns()
        self.serve()
        romeo = await self.enter("romeo@montague.lan/garden")
        self.assertEqual(await self.returned(romeo, "juliet@capulet.lan"), "remote-server-not-found")

    async def test_dns_is_dead_and_comes_back(self):
        self.start_prosody()
        self.serve(AGE)
        romeo, juliet = await self.enter_both()
        self.province.stop_dns()
        self.assertEqual(await self.returned(romeo, juliet.boundjid.full), "remote-server-timeout")
        self.province.start_dns()
        await self.until_it_arrives(romeo, juliet)

    async def test_nothing_listens_and_then_somebody_does(self):
        self.serve(AGE)
        romeo = await self.enter("romeo@montague.lan/garden")
        self.assertEqual(await self.returned(romeo, "juliet@capulet.lan/balcony"), "remote-server-timeout")
        self.start_prosody()
        juliet = await self.enter("juliet@capulet.lan/balcony")
        await self.until_it_arrives(romeo, juliet)

    async def test_the_server_there_serves_others(self):
        self.province.start_prosody("verona.lan", THEIRS)
        self.serve(AGE)
        romeo = await self.enter("romeo@montague.lan/garden")
        self.assertEqual(await self.returned(romeo, "juliet@capulet.lan/balcony"), "remote-server-not-found")
        await self.until_no_stream("host-unknown")

    async def test_our_own_address_is_no_other_server(self):
        """A domain whose DNS names us, and that we do not serve."""
        self.province.stop_dns()
        self.province.services.append("tybalt.lan=xmpp.montague.lan:5269")
        self.province.start_dns()
        self.serve(AGE)
        romeo = await self.enter("romeo@montague.lan/garden")
        self.assertEqual(await self.returned(romeo, "juliet@tybalt.lan"), "remote-server-not-found")
        await self.until_no_stream("is an address of this server")
        self.assertEqual(self.logged("connection opened"), [])

    async def test_an_iq_is_answered_with_the_error(self):
        self.serve(AGE)
        romeo = await self.enter("romeo@montague.lan/garden")
        request = romeo.make_iq_get("jabber:iq:version", ito="nowhere.lan")
        self.assertEqual(await romeo.refused(request), ("remote-server-not-found", "cancel"))
        request = romeo.make_iq_get("jabber:iq:version", ito="juliet@capulet.lan/balcony")
        self.assertEqual(await romeo.refused(request), ("remote-server-timeout", "wait"))

    async def test_errors_and_answers_return_to_nobody(self):
        self.serve()
        romeo = await self.enter("romeo@montague.lan/garden")
        for kind in ("error", "result"):
            romeo.send_raw(f"<iq type='{kind}' id='lost' to='juliet@nowhere.lan/balcony'/>")
        romeo.send_raw("<message type='error' id='lost' to='juliet@nowhere.lan'><error type='cancel'>"
                       "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>")
        romeo.send_raw("<presence type='error' id='lost' to='juliet@nowhere.lan'/>")
        self.assertEqual(await self.returned(romeo, "juliet@nowhere.lan"), "remote-server-not-found")
        self.assertEqual([s for s in await romeo.settle() if s["id"] == "lost"], [])


class Reachable(Houses):
    async def test_an_iq_is_answered_both_ways(self):
        self.start_prosody()
        self.serve()
        romeo, juliet = await self.enter_both()
        for asks, answers in ((romeo, juliet), (juliet, romeo)):
            answer = await asks["xep_0199"].send_ping(answers.boundjid, timeout=PATIENCE)
            self.assertEqual((answer["type"], answer["from"]), ("result", answers.boundjid))
            answer = await asks["xep_0199"].send_ping(answers.boundjid.domain, timeout=PATIENCE)
            self.assertEqual((answer["type"], answer["from"]), ("result", answers.boundjid.domain))

    async def test_nobody_of_that_name_is_there(self):
        self.start_prosody()
        self.serve()
        romeo, juliet = await self.enter_both()
        for asks, domain in ((romeo, "capulet.lan"), (juliet, "montague.lan")):
            request = asks.make_iq_get("jabber:iq:version", ito=f"rosaline@{domain}/balcony")
            self.assertEqual((await asks.refused(request))[0], "service-unavailable")
            self.assertEqual(await self.returned(asks, f"rosaline@{domain}"), "service-unavailable")

    async def test_an_error_from_there_is_not_answered(self):
        self.start_prosody()
        self.serve()
        romeo, juliet = await self.enter_both()
        for speaker, listener in ((romeo, juliet), (juliet, romeo)):
            for to in (f"rosaline@{listener.boundjid.domain}", f"{listener.boundjid.bare}/nowhere"):
                error = speaker.make_message(to, mtype="error")
                error["id"] = "lost"
                error["error"]["condition"] = "item-not-found"
                error.send()
            await self.says(speaker, listener, "Peace")
            await self.says(listener, speaker, "I hate the word")
            lost = [s for person in (speaker, listener) for s in await person.settle() if s["id"] == "lost"]
            self.assertEqual([s for s in lost if isinstance(s, slixmpp.Message) and s["to"] == speaker.boundjid], [])


if __name__ == "__main__":
    unittest.main(verbosity=1)
