#!/usr/bin/env python3
"""`jackdaw route ADDRESS` tells where an address ends, and by which steps (CommuniGate's `Route`, its check C39).

    route_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import sys
import unittest

from province import OURS, THEIRS, Houses, enter_namespace
from services import Service

enter_namespace()
Houses.PROGRAM = sys.argv.pop(1)
PLAYS, SECRET = "plays.montague.lan", "a rose"


class Routes(Houses):
    DOMAINS = ("montague.lan", "verona.lan")
    # Of the domains here only the first two are others': behind tybalt.lan is our own port for servers.
    ZONE = {**Houses.ZONE, "host.mantua.lan": THEIRS, "tybalt.lan": OURS}
    SETTINGS = ("s2s.routes=mantua.lan=host.mantua.lan:15269, NoRelay:paris.lan = paris.lan@host.mantua.lan._via, "
                f"mercutio.lan={OURS}, benvolio.lan=xmpp.montague.lan:5222, rome.lan=padua.lan, padua.lan=rome.lan",
                f"component.password={SECRET}")

    def route(self, address):
        return self.jackdaw.do("route", address)

    def queue_of(self, domain):
        """What `jackdaw queue show` says, if anything waits."""
        return self.jackdaw.say("queue", "show", domain)[1]

    async def refused(self, speaker, to):
        """A message there returns at once, and no connection is made to ourselves."""
        self.assertEqual(await self.returned(speaker, to), "remote-server-not-found", to)
        self.assertEqual(self.logged("connection opened"), [])

    async def test_what_is_here(self):
        self.serve(*self.SETTINGS)
        self.jackdaw.do("alias", "add", "montague@montague.lan", "romeo@montague.lan")
        self.jackdaw.do("alias", "add", "romeo-of-montague@verona.lan", "romeo@montague.lan")
        self.assertEqual(self.route("romeo@montague.lan"), "romeo@montague.lan: an account of this server\n")
        self.assertIn("no account of this name", self.route("rosaline@montague.lan"))
        self.assertIn("a domain of this server", self.route("verona.lan"))
        for alias in ("montague@montague.lan", "romeo-of-montague@verona.lan", "Montague@montague.lan/garden"):
            first, *steps = self.route(alias).splitlines()
            self.assertIn("alias of romeo@montague.lan", first)
            self.assertIn("romeo@montague.lan: an account of this server", " ".join([first, *steps]))
        self.jackdaw.do("user", "lock", "romeo@montague.lan")
        self.assertIn("locked", self.route("montague@montague.lan"))
        self.jackdaw.do("alias", "delete", "montague@montague.lan")
        self.assertIn("no account of this name", self.route("montague@montague.lan"))
        self.assertNotIn("alias", self.route("montague@montague.lan"))
        # A component's, while it is there.
        self.assertNotIn("component", self.route(f"will@{PLAYS}"))
        plays = Service(PLAYS, SECRET)
        self.here.append(plays)
        plays.connect(OURS, 5222)
        await self.until(plays.bound.is_set, "the component is not connected")
        for address in (f"will@{PLAYS}/desk", PLAYS):
            self.assertEqual(self.route(address), f"{PLAYS}: a connected component\n")

    async def test_what_is_elsewhere(self):
        self.serve(*self.SETTINGS)
        romeo = await self.enter("romeo@montague.lan/garden")
        self.assertIn("capulet.lan:5269: 127.0.1.2", self.route("juliet@capulet.lan/balcony"))
        for domain, port in (("mantua.lan", 15269), ("paris.lan", 5269)):
            said = self.route(f"apothecary@{domain}")
            self.assertIn("another server", said)
            self.assertRegex(said, rf"host\.mantua\.lan:{port}\b.*static route")
        self.assertIn("no such name", self.route("nowhere.lan"))
        # By the DNS, by a route to an address, by a route to a host: each leads back to us.
        for domain in ("tybalt.lan", "mercutio.lan", "benvolio.lan"):
            self.assertIn("this server itself", self.route(f"somebody@{domain}"), domain)
            await self.refused(romeo, f"somebody@{domain}")
        self.assertNotIn("this server itself", self.route("capulet.lan"))
        # A route leads to a host, which has no route itself: two of them are no ring.
        for domain, host in (("rome.lan", "padua.lan"), ("padua.lan", "rome.lan")):
            self.assertRegex(self.route(domain), rf"{host}:5269\b.*static route")
            romeo.send_message(f"somebody@{domain}", "Art thou there?")
            await self.until(lambda: f"{host}: no such name" in self.queue_of(domain), "it looks for another host")
            self.assertIn("1 stanza returned", self.jackdaw.do("queue", "reject", domain))


if __name__ == "__main__":
    unittest.main(verbosity=1)
