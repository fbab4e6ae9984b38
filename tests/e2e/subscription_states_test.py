#!/usr/bin/env python3
"""Every state of a subscription and every word that changes it, between two domains on two cores: what the other side
hears, and the states of both sides behind it (RFC 6121 Appendix A: the tables of A.2 hold for who speaks and, seen from
the other side, those of A.3 for who hears).

    subscription_states_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import sys
import unittest

from slixmpp import Presence

from conversations import roster_of
from people import Stage, heard_until_now

Stage.PROGRAM = sys.argv.pop(1)
ROMEO, JULIET = "romeo@montague.lan", "juliet@capulet.lan"
SUBSCRIBE, SUBSCRIBED, UNSUBSCRIBE, UNSUBSCRIBED = "subscribe", "subscribed", "unsubscribe", "unsubscribed"
KINDS = (SUBSCRIBE, SUBSCRIBED, UNSUBSCRIBE, UNSUBSCRIBED)

# The states of Appendix A.1, each with what leads to it: who says what.
STATES = {
    "None": (),
    "None + Pending Out": (("romeo", SUBSCRIBE),),
    "None + Pending In": (("juliet", SUBSCRIBE),),
    "None + Pending Out+In": (("romeo", SUBSCRIBE), ("juliet", SUBSCRIBE)),
    "To": (("romeo", SUBSCRIBE), ("juliet", SUBSCRIBED)),
    "To + Pending In": (("romeo", SUBSCRIBE), ("juliet", SUBSCRIBED), ("juliet", SUBSCRIBE)),
    "From": (("juliet", SUBSCRIBE), ("romeo", SUBSCRIBED)),
    "From + Pending Out": (("juliet", SUBSCRIBE), ("romeo", SUBSCRIBED), ("romeo", SUBSCRIBE)),
    "Both": (("romeo", SUBSCRIBE), ("juliet", SUBSCRIBED), ("juliet", SUBSCRIBE), ("romeo", SUBSCRIBED)),
}
MIRRORED = {
    "None": "None", "None + Pending Out": "None + Pending In", "None + Pending In": "None + Pending Out",
    "None + Pending Out+In": "None + Pending Out+In", "To": "From", "To + Pending In": "From + Pending Out",
    "From": "To", "From + Pending Out": "To + Pending In", "Both": "Both",
}
# By what is said: for each state whether the other side hears it, and the state behind it.
TABLES = {
    SUBSCRIBE: {  # A.2.1, A.3.1
        "None": (True, "None + Pending Out"), "None + Pending Out": (False, "None + Pending Out"),
        "None + Pending In": (True, "None + Pending Out+In"), "None + Pending Out+In": (False, "None + Pending Out+In"),
        "To": (False, "To"), "To + Pending In": (False, "To + Pending In"), "From": (True, "From + Pending Out"),
        "From + Pending Out": (False, "From + Pending Out"), "Both": (False, "Both"),
    },
    UNSUBSCRIBE: {  # A.2.2, A.3.2
        "None": (False, "None"), "None + Pending Out": (True, "None"), "None + Pending In": (False, "None + Pending In"),
        "None + Pending Out+In": (True, "None + Pending In"), "To": (True, "None"),
        "To + Pending In": (True, "None + Pending In"), "From": (False, "From"), "From + Pending Out": (True, "From"),
        "Both": (True, "From"),
    },
    SUBSCRIBED: {  # A.2.3, A.3.3
        "None": (False, "None"), "None + Pending Out": (False, "None + Pending Out"), "None + Pending In": (True, "From"),
        "None + Pending Out+In": (True, "From + Pending Out"), "To": (False, "To"), "To + Pending In": (True, "Both"),
        "From": (False, "From"), "From + Pending Out": (False, "From + Pending Out"), "Both": (False, "Both"),
    },
    UNSUBSCRIBED: {  # A.2.4, A.3.4
        "None": (False, "None"), "None + Pending Out": (False, "None + Pending Out"),
        "None + Pending In": (True, "None"), "None + Pending Out+In": (True, "None + Pending Out"), "To": (False, "To"),
        "To + Pending In": (True, "To"), "From": (True, "None"), "From + Pending Out": (True, "None + Pending Out"),
        "Both": (True, "To"),
    },
}


def heard_kinds(stanzas):
    """Of the presences that are about subscriptions."""
    return [stanza["type"] for stanza in stanzas if isinstance(stanza, Presence) and stanza["type"] in KINDS]


class States(Stage):
    ACCOUNTS = (ROMEO, JULIET)
    SETTINGS = ("server.cores=2", "c2s.rate=0")

    async def say(self, speaker, kind):
        """What the other side hears of it."""
        listener = self.juliet if speaker is self.romeo else self.romeo
        speaker.send_presence_subscription(pto=listener.boundjid.bare, ptype=kind)
        heard = await heard_until_now(listener, speaker)
        await heard_until_now(speaker, listener)
        return heard_kinds(heard)

    async def state_of(self, person, contact):
        """As a new device of theirs sees it: the roster, and the request that is delivered at each log-in (§3.1.3)."""
        device = await self.enter(f"{person.boundjid.bare}/look", presence=False)
        subscription, ask = (await roster_of(device)).get(contact.boundjid.bare, ("none", None))
        device.send_presence()
        pending_in = SUBSCRIBE in heard_kinds(await device.settle())
        await device.go()
        pending = ("Out" if ask == "subscribe" else "") + ("+" if ask and pending_in else "") + ("In" if pending_in else "")
        return subscription.capitalize() + (f" + Pending {pending}" if pending else "")

    async def forget(self):
        """Both remove each other: nothing is left, nor a pre-approval."""
        for person, contact in ((self.romeo, JULIET), (self.juliet, ROMEO)):
            await person.update_roster(contact, name="known")
            await person.del_roster_item(contact)
        for _ in range(2):
            await heard_until_now(self.juliet, self.romeo)
            await heard_until_now(self.romeo, self.juliet)

    async def hold(self, kind):
        self.romeo, self.juliet = await self.enter(f"{ROMEO}/garden"), await self.enter(f"{JULIET}/balcony")
        here = {"romeo": self.romeo, "juliet": self.juliet}
        self.assertEqual(TABLES[kind].keys(), STATES.keys())
        for state, way in STATES.items():
            with self.subTest(state):
                for who, word in way:
                    await self.say(here[who], word)
                self.assertEqual(await self.state_of(self.romeo, self.juliet), state)
                is_heard, behind = TABLES[kind][state]
                self.assertEqual(await self.say(self.romeo, kind), [kind] if is_heard else [])
                self.assertEqual(await self.state_of(self.romeo, self.juliet), behind)
                self.assertEqual(await self.state_of(self.juliet, self.romeo), MIRRORED[behind])
            await self.forget()

    async def test_subscribe(self):
        await self.hold(SUBSCRIBE)

    async def test_unsubscribe(self):
        await self.hold(UNSUBSCRIBE)

    async def test_subscribed(self):
        await self.hold(SUBSCRIBED)

    async def test_unsubscribed(self):
        await self.hold(UNSUBSCRIBED)


if __name__ == "__main__":
    unittest.main(verbosity=1)
