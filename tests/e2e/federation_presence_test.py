#!/usr/bin/env python3
"""Subscriptions and presence between this server and Prosody, and what a restart of either leaves of them (RFC 6121
§3, §4).

    federation_presence_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import signal
import sys
import unittest

from people import PATIENCE
from province import Houses, enter_namespace

enter_namespace()
Houses.PROGRAM = sys.argv.pop(1)
ROMEO, JULIET = "romeo@montague.lan", "juliet@capulet.lan"


async def subscription_of(person, contact):
    """What the person's roster says of the contact: the state, and whether an answer is awaited."""
    roster = await person.make_iq_get("jabber:iq:roster").send(timeout=PATIENCE)
    for item in roster.xml.iter("{jabber:iq:roster}item"):
        if item.get("jid") == contact:
            return item.get("subscription"), item.get("ask")
    return None


class Presence(Houses):
    async def friends(self):
        self.prosody = self.start_prosody()
        self.serve()
        romeo, juliet = await self.enter_both()
        await self.befriend(romeo, juliet)
        return romeo, juliet

    async def see_each_other(self, romeo, juliet):
        self.assertEqual(await subscription_of(romeo, JULIET), ("both", None))
        self.assertEqual(await subscription_of(juliet, ROMEO), ("both", None))
        for one, other in ((romeo, juliet), (juliet, romeo)):
            one.send_presence(pshow="away", pstatus=f"I am {one.boundjid.bare}")
            came = await other.expect_presence(one.boundjid.full, fits=lambda p: p["status"])
            self.assertEqual((came["show"], came["status"]), ("away", f"I am {one.boundjid.bare}"))
        await self.talk(romeo, juliet)

    async def test_each_step_of_a_subscription(self):
        self.start_prosody()
        self.serve()
        romeo, juliet = await self.enter_both()
        for asks, answers in ((romeo, juliet), (juliet, romeo)):
            one, other = asks.boundjid.bare, answers.boundjid.bare
            asked_before = await subscription_of(asks, other)
            asks.send_presence_subscription(pto=other, ptype="subscribe")
            await answers.expect_presence(one, "subscribe")
            self.assertEqual(await subscription_of(asks, other), ("from" if asked_before else "none", "subscribe"))
            answers.send_presence_subscription(pto=one, ptype="subscribed")
            await asks.expect_presence(other, "subscribed")
            await asks.expect_presence(answers.boundjid.full)
            self.assertEqual(await subscription_of(asks, other), ("both" if asked_before else "to", None))
            self.assertEqual(await subscription_of(answers, one), ("both" if asked_before else "from", None))
        await self.see_each_other(romeo, juliet)

    async def test_a_request_is_refused(self):
        self.start_prosody()
        self.serve()
        romeo, juliet = await self.enter_both()
        for asks, answers in ((romeo, juliet), (juliet, romeo)):
            asks.send_presence_subscription(pto=answers.boundjid.bare, ptype="subscribe")
            await answers.expect_presence(asks.boundjid.bare, "subscribe")
            answers.send_presence_subscription(pto=asks.boundjid.bare, ptype="unsubscribed")
            await asks.expect_push(answers.boundjid.bare, subscription="none", ask=None)

    async def test_a_subscription_ends_from_either_side(self):
        romeo, juliet = await self.friends()
        for ends, hears in ((romeo, juliet), (juliet, romeo)):
            ends.send_presence_subscription(pto=hears.boundjid.bare, ptype="unsubscribed")
            await hears.expect_presence(ends.boundjid.full, "unavailable")
        for person, contact in ((romeo, JULIET), (juliet, ROMEO)):
            await self.talk(romeo, juliet)
            self.assertEqual(await subscription_of(person, contact), ("none", None))

    async def test_a_request_waits_for_who_is_not_there(self):
        self.start_prosody()
        self.serve()
        for present, absent in ((ROMEO, JULIET), (JULIET, ROMEO)):
            asks = await self.enter(present + "/garden")
            asks.send_presence_subscription(pto=absent, ptype="subscribe")
            await asks.expect_push(absent, ask="subscribe")
            answers = await self.enter(absent + "/balcony", presence=False)
            await answers.get_roster(timeout=PATIENCE)
            answers.send_presence()
            await answers.expect_presence(present, "subscribe")
            answers.send_presence_subscription(pto=present, ptype="subscribed")
            await asks.expect_presence(answers.boundjid.full)
            await answers.go()
            await asks.expect_presence(answers.boundjid.full, "unavailable")
            await asks.go()

    async def test_who_is_lost_is_unavailable_and_who_returns_sees_and_is_seen(self):
        lost, sees = await self.friends()
        for _ in range(2):
            name = lost.boundjid.full
            lost.abort()
            await sees.expect_presence(name, "unavailable")
            again = await self.enter(name)
            await sees.expect_presence(name)
            await again.expect_presence(sees.boundjid.full)  # the probe's answer
            lost, sees = sees, again
        await self.see_each_other(lost, sees)

    async def test_prosody_restarts(self):
        romeo, juliet = await self.friends()
        for how in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(how):
                self.prosody.end(how)
                await juliet.gone.wait()
                if how == signal.SIGTERM:
                    await romeo.expect_presence(juliet.boundjid.full, "unavailable")
                self.prosody.start()
                juliet = await self.enter("juliet@capulet.lan/balcony")
                await romeo.expect_presence(juliet.boundjid.full)
                await juliet.expect_presence(romeo.boundjid.full)
                await self.see_each_other(romeo, juliet)

    async def test_jackdaw_restarts(self):
        romeo, juliet = await self.friends()
        for how in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(how):
                self.jackdaw.end(how)
                await romeo.gone.wait()
                self.serve()
                romeo = await self.enter("romeo@montague.lan/garden")
                await juliet.expect_presence(romeo.boundjid.full)
                await romeo.expect_presence(juliet.boundjid.full)
                await self.see_each_other(romeo, juliet)

    async def test_a_probe_brings_a_truth_that_has_changed_meanwhile(self):
        """Juliet leaves while we are down: romeo, when he returns, is not told that she is there."""
        romeo, juliet = await self.friends()
        self.jackdaw.end(signal.SIGKILL)
        await romeo.gone.wait()
        await juliet.go()
        self.serve()
        romeo, nurse = await self.enter("romeo@montague.lan/garden"), await self.enter("juliet@capulet.lan/orchard")
        await romeo.expect_presence(nurse.boundjid.full)
        self.assertEqual([s for s in await romeo.settle() if s["from"] == "juliet@capulet.lan/balcony"
                          and s["type"] == "available"], [])


if __name__ == "__main__":
    unittest.main(verbosity=1)
