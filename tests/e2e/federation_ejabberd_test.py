#!/usr/bin/env python3
"""Users of this server and of ejabberd's talk (RFC 6120, RFC 6121, XEP-0178, XEP-0220).

    federation_ejabberd_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import sys
import unittest

from conversations import Conversations, TwoHouses
from peers import start_ejabberd
from province import Houses, THEIRS, enter_namespace

enter_namespace()
Houses.PROGRAM = sys.argv.pop(1)
CLOSED = ("remote-server-not-found", "remote-server-timeout", "not-authorized")


class Ejabberd(Houses):
    def start_peer(self, **how):
        return start_ejabberd(self.province, "capulet.lan", THEIRS, ["juliet"], **how)

    def self_signed(self):
        return self.province.certify("capulet.lan", signed=False)

    def with_certificate(self, *settings):
        """We serve with one that the province's authority has signed, and trust that authority."""
        pem, key = self.province.certify("montague.lan")
        self.serve(f"s2s.trusted_certificates={self.province.authority}", f"tls.certificate={pem}", f"tls.key={key}",
                   *settings)

    async def until_it_says(self, words):
        await self.until(lambda: words in self.peer.log.read_text(), f"{words!r} is not in the log of ejabberd")


class Talk(Conversations, Ejabberd):
    """What users do, over dialback. Messages that wait for the peer are shown with jabberd2 and Prosody: ejabberd 23.01
    loses one that comes in the moment of its recipient's log-in."""

    test_the_peer_starts_again = None
    test_what_waits_for_the_peer_outlives_us = None

    async def test_our_end_is_our_users_end(self):
        """RFC 6121 §4.5: who is logged out by the end of the server is unavailable to those who see them. Not for
        jabberd2 2.7, which forgets what comes in one reading with the end of the stream."""
        self.start_both()
        romeo, juliet = await self.enter_both()
        await self.befriend(romeo, juliet)
        self.assertEqual(self.jackdaw.end(), 0)
        await juliet.expect_presence(romeo.boundjid.full, "unavailable")

    async def test_a_long_message(self):
        self.start_both()
        romeo, juliet = await self.enter_both()
        for speaker, listener in ((romeo, juliet), (juliet, romeo)):
            await self.says(speaker, listener, "Parting is such sweet sorrow \N{ROSE} <&> " * 5000)


class TwoDomains(TwoHouses, Ejabberd):
    async def test_each_domain_has_its_streams(self):
        await self.talk_with_both()


class Proof(Ejabberd):
    async def talk_over_dialback(self):
        await self.talk(*await self.enter_both())
        await self.until_logged("stream to another server", to="capulet.lan", security="TLSv1.3")
        await self.until_logged("another server's domain is proven", **{"from": "capulet.lan", "to": "montague.lan"})
        self.assertFalse(self.logged("authenticated", mechanism="EXTERNAL"))
        await self.until_it_says("Accepted inbound s2s dialback authentication montague.lan -> capulet.lan")
        await self.until_it_says("Accepted outbound s2s dialback authentication capulet.lan -> montague.lan")

    async def test_dialback_over_tls(self):
        """Nobody trusts the other's certificate."""
        self.peer = self.start_peer(certificate=self.self_signed())
        self.serve()
        await self.talk_over_dialback()

    async def test_tls_that_it_does_not_insist_on(self):
        self.peer = self.start_peer(certificate=self.self_signed(), s2s_use_starttls="optional")
        self.serve()
        await self.talk_over_dialback()

    async def test_certificates_instead_of_dialback(self):
        """SASL EXTERNAL both ways; ejabberd knows no dialback."""
        self.peer = self.start_peer(without=["mod_s2s_dialback"])
        self.with_certificate()
        await self.talk(*await self.enter_both())
        await self.until_logged("authenticated", domain="capulet.lan", mechanism="EXTERNAL")
        await self.until_logged("stream to another server", to="capulet.lan", security="TLSv1.3, verified")
        await self.until_it_says("Accepted inbound s2s EXTERNAL authentication montague.lan -> capulet.lan")
        await self.until_it_says("Accepted outbound s2s EXTERNAL authentication capulet.lan -> montague.lan")

    async def test_certificates_before_dialback(self):
        """Who has both shows the certificate."""
        self.peer = self.start_peer()
        self.with_certificate()
        await self.talk(*await self.enter_both())
        await self.until_logged("authenticated", domain="capulet.lan", mechanism="EXTERNAL")
        self.assertNotIn("dialback authentication", self.peer.log.read_text())

    async def test_a_certificate_one_way_and_dialback_the_other(self):
        """We trust ejabberd's certificate, it does not trust ours."""
        self.peer = self.start_peer()
        self.serve(f"s2s.trusted_certificates={self.province.authority}")
        await self.talk(*await self.enter_both())
        await self.until_logged("stream to another server", to="capulet.lan", security="TLSv1.3, verified")
        await self.until_it_says("Accepted inbound s2s dialback authentication montague.lan -> capulet.lan")


class Policy(Ejabberd):
    async def test_a_secure_domain_must_show_a_certificate_that_we_trust(self):
        self.peer = self.start_peer(certificate=self.self_signed())
        self.with_certificate("s2s.secure_domains=capulet.lan", "s2s.queue_age=3s")
        romeo, juliet = await self.enter_both()
        self.assertIn(await self.returned(romeo, "juliet@capulet.lan/balcony"), CLOSED)
        self.assertIn(await self.returned(juliet, "romeo@montague.lan/garden"), CLOSED)
        for person, stranger in ((romeo, "capulet.lan"), (juliet, "montague.lan")):
            self.assertEqual([s for s in await person.settle() if s["from"].domain == stranger], [])
        self.assertFalse(self.logged("another server's domain is proven"))
        self.assertEqual(self.metric("jackdaw_s2s_stanzas_sent"), 0)

    async def test_a_secure_domain_with_one_is_served(self):
        self.peer = self.start_peer()
        self.with_certificate("s2s.secure_domains=capulet.lan")
        await self.talk(*await self.enter_both())

    async def test_one_that_insists_on_certificates_does_not_take_our_self_signed_one(self):
        self.peer = self.start_peer(without=["mod_s2s_dialback"])
        self.serve(f"s2s.trusted_certificates={self.province.authority}", "s2s.queue_age=3s")
        romeo, juliet = await self.enter_both()
        self.assertIn(await self.returned(romeo, "juliet@capulet.lan/balcony"), CLOSED)
        self.assertIn(await self.returned(juliet, "romeo@montague.lan/garden"), CLOSED)

    async def test_nothing_goes_in_clear_to_one_without_tls(self):
        """s2s.unlisted is "encrypted" if nothing else is set."""
        self.peer = self.start_peer(certificate=self.self_signed(), s2s_use_starttls=False)
        self.serve("s2s.queue_age=3s")
        romeo, juliet = await self.enter_both()
        self.assertIn(await self.returned(romeo, "juliet@capulet.lan/balcony"), CLOSED)
        self.assertIn(await self.returned(juliet, "romeo@montague.lan/garden"), CLOSED)
        self.assertEqual(self.metric("jackdaw_s2s_stanzas_sent"), 0)

    async def test_wherever_possible_goes_on_in_clear(self):
        self.peer = self.start_peer(certificate=self.self_signed(), s2s_use_starttls=False)
        self.serve("s2s.unlisted=wherever_possible")
        await self.talk(*await self.enter_both())
        await self.until_logged("stream to another server", to="capulet.lan", security="none")


if __name__ == "__main__":
    unittest.main(verbosity=1)
