#!/usr/bin/env python3
"""Users of this server and of jabberd2's talk: a server of the time before SASL EXTERNAL, with dialback (RFC 6121,
XEP-0220).

    federation_jabberd2_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import re
import sys
import unittest

from conversations import JULIET, ROMEO, Conversations, TwoHouses, hears
from people import PATIENCE
from peers import start_jabberd2
from province import Houses, THEIRS, enter_namespace

enter_namespace()
Houses.PROGRAM = sys.argv.pop(1)
CLOSED = ("remote-server-not-found", "remote-server-timeout")


class Jabberd2(Houses):
    def start_peer(self, **how):
        return start_jabberd2(self.province, "capulet.lan", THEIRS, ["juliet"], **how)

    async def enter(self, jid, presence=True, **how):
        """COMPAT(jabberd2 2.7): it does not send one's presence to oneself (RFC 6121 §4.2.2)."""
        if not presence or "@capulet.lan" not in jid:
            return await super().enter(jid, presence=presence, **how)
        came = await super().enter(jid, presence=False, **how)
        await came.get_roster(timeout=PATIENCE)
        came.send_presence()
        await came["xep_0199"].send_ping("capulet.lan", timeout=PATIENCE)
        return came


class Talk(Conversations, Jabberd2):
    """What users do, over dialback."""

    DISCO_REACHES_ITS_CLIENTS = False  # COMPAT(jabberd2 2.7): it answers for them
    CHANGED = ("prefix", "client", "nothing")  # COMPAT(jabberd2 2.7): it writes them in other namespaces

    async def test_they_part(self):
        """COMPAT(jabberd2 2.7): who unsubscribes waits for the other's "unsubscribed", which RFC 6121 §3.3 has not."""
        self.start_both()
        romeo, juliet = await self.enter_both()
        await self.befriend(romeo, juliet)
        juliet.send_presence_subscription(pto=ROMEO, ptype="unsubscribed")
        await hears(romeo, ("unsubscribed", JULIET), ("unavailable", JULIET), ("push", JULIET, "from", None))
        await self.rosters_are(romeo, juliet, {JULIET: ("from", None)}, {ROMEO: ("to", None)})
        romeo.send_presence_subscription(pto=JULIET, ptype="unsubscribed")
        await hears(juliet, ("unsubscribed", ROMEO), ("unavailable", ROMEO), ("push", ROMEO, "none", None))
        await self.rosters_are(romeo, juliet, {JULIET: ("none", None)}, {ROMEO: ("none", None)})
        await self.befriend(juliet, romeo)
        await romeo.del_roster_item(JULIET)
        await hears(juliet, ("unsubscribe", ROMEO), ("unsubscribed", ROMEO), ("unavailable", ROMEO),
                    ("push", ROMEO, "none", None))
        await hears(romeo, ("unavailable", JULIET))
        await self.rosters_are(romeo, juliet, {}, {ROMEO: ("none", None)})


class TwoDomains(TwoHouses, Jabberd2):
    async def test_one_stream_of_its_proves_itself_to_both(self):
        """XEP-0220: its out-conn-reuse sends to all domains of one address on one stream."""
        await self.talk_with_both()
        proofs = self.logged("another server's domain is proven", **{"from": "capulet.lan"})
        self.assertEqual(len({re.search(r"XMPP\w-\d+", line)[0] for line in proofs}), 1, proofs)


class Proof(Jabberd2):
    async def test_dialback_over_tls(self):
        self.peer = self.start_peer(certificate=self.province.certify("capulet.lan", signed=False))
        self.serve()
        await self.talk(*await self.enter_both())
        await self.until_logged("stream to another server", to="capulet.lan", security="TLSv1.3")
        await self.until_logged("another server's domain is proven", **{"from": "capulet.lan", "to": "montague.lan"})
        self.assertFalse(self.logged("authenticated", mechanism="EXTERNAL"))

    async def test_tls_that_it_does_not_insist_on(self):
        self.peer = self.start_peer(tls="optional")
        self.serve(f"s2s.trusted_certificates={self.province.authority}")
        await self.talk(*await self.enter_both())
        await self.until_logged("stream to another server", to="capulet.lan", security="TLSv1.3, verified")


class Policy(Jabberd2):
    async def test_a_secure_domain_must_show_a_certificate_that_we_trust(self):
        self.peer = self.start_peer(certificate=self.province.certify("capulet.lan", signed=False))
        self.serve("s2s.secure_domains=capulet.lan", "s2s.queue_age=3s",
                   f"s2s.trusted_certificates={self.province.authority}")
        romeo, juliet = await self.enter_both()
        self.assertIn(await self.returned(romeo, "juliet@capulet.lan/balcony"), CLOSED)
        self.assertIn(await self.returned(juliet, "romeo@montague.lan/garden"), CLOSED)
        for person, stranger in ((romeo, "capulet.lan"), (juliet, "montague.lan")):
            self.assertEqual([s for s in await person.settle() if s["from"].domain == stranger], [])
        self.assertFalse(self.logged("another server's domain is proven"))
        self.assertEqual(self.metric("jackdaw_s2s_stanzas_sent"), 0)

    async def test_a_secure_domain_with_one_is_served(self):
        """The certificate is no proof in itself here; dialback over that stream is."""
        self.peer = self.start_peer()
        self.serve("s2s.secure_domains=capulet.lan", f"s2s.trusted_certificates={self.province.authority}")
        await self.talk(*await self.enter_both())

    async def test_nothing_goes_in_clear_to_one_without_tls(self):
        """s2s.unlisted is "encrypted" if nothing else is set."""
        self.peer = self.start_peer(tls="none")
        self.serve("s2s.queue_age=3s")
        romeo, juliet = await self.enter_both()
        self.assertIn(await self.returned(romeo, "juliet@capulet.lan/balcony"), CLOSED)
        self.assertIn(await self.returned(juliet, "romeo@montague.lan/garden"), CLOSED)
        self.assertEqual(self.metric("jackdaw_s2s_stanzas_sent"), 0)

    async def test_wherever_possible_goes_on_in_clear(self):
        """Without TLS its header is that of before XMPP 1.0: no version, and no addresses (RFC 3920 §8.3)."""
        self.peer = self.start_peer(tls="none")
        self.serve("s2s.unlisted=wherever_possible")
        await self.talk(*await self.enter_both())
        await self.until_logged("stream to another server", to="capulet.lan", security="none")


if __name__ == "__main__":
    unittest.main(verbosity=1)
