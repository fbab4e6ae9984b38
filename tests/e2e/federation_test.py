#!/usr/bin/env python3
"""Users of this server and of Prosody's talk: finding the server, the proof of its domain, what it may send to us (RFC
6120, XEP-0178, XEP-0220).

    federation_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import sys
import unittest

from province import Houses, THEIRS, enter_namespace

enter_namespace()
Houses.PROGRAM = sys.argv.pop(1)


class Federation(Houses):
    async def test_dialback_over_tls(self):
        """Nobody trusts the other's certificate."""
        self.start_prosody(certificate=self.province.certify("capulet.lan", signed=False))
        self.serve()
        await self.talk(*await self.enter_both())
        await self.until_logged("stream to another server", to="capulet.lan", security="TLSv1.3")
        await self.until_logged("another server's domain is proven", **{"from": "capulet.lan", "to": "montague.lan"})
        self.assertFalse(self.logged("authenticated", mechanism="EXTERNAL"))


class Incoming(Houses):
    """What capulet.lan must show before it may send to us."""

    async def test_a_certificate_that_we_trust_is_a_proof(self):
        self.start_prosody()
        self.serve(f"s2s.trusted_certificates={self.province.authority}")
        await self.talk(*await self.enter_both())
        await self.until_logged("authenticated", domain="capulet.lan", mechanism="EXTERNAL")

    async def test_one_that_we_do_not_trust_leaves_dialback(self):
        self.start_prosody(certificate=self.province.certify("capulet.lan", signed=False))
        self.serve(f"s2s.trusted_certificates={self.province.authority}")
        await self.talk(*await self.enter_both())
        self.assertFalse(self.logged("authenticated", mechanism="EXTERNAL"))

    async def test_a_secure_domain_must_show_a_certificate_that_we_trust(self):
        self.start_prosody(certificate=self.province.certify("capulet.lan", signed=False))
        self.serve(f"s2s.trusted_certificates={self.province.authority}", "s2s.secure_domains=capulet.lan")
        romeo, juliet = await self.enter_both()
        condition = await self.returned(juliet, "romeo@montague.lan/garden")
        self.assertIn(condition, ("remote-server-not-found", "remote-server-timeout", "not-authorized"))
        await self.until_logged("a domain is not proven", **{"from": "capulet.lan"})
        self.assertGreater(self.metric("jackdaw_s2s_proofs_refused"), 0)
        self.assertEqual([s for s in await romeo.settle() if s["from"].domain == "capulet.lan"], [])

    async def test_a_secure_domain_with_one_is_served(self):
        self.start_prosody()
        self.serve(f"s2s.trusted_certificates={self.province.authority}", "s2s.secure_domains=capulet.lan")
        await self.talk(*await self.enter_both())

    async def test_a_server_that_wants_certificates_accepts_ours(self):
        """s2s_secure_auth of Prosody: ours is of the authority that it trusts, so it sends and reads."""
        self.start_prosody(s2s_secure_auth=True)
        self.serve(*self.be_certified())
        await self.talk(*await self.enter_both())


class Routes(Houses):
    """s2s.routes: the server is not looked up (CommuniGate's Router record, its check C14)."""

    ZONE = {**Houses.ZONE, "capulet.lan": "127.0.1.9", "host.verona.lan": THEIRS}

    async def test_the_host_of_a_route_is_asked_and_its_name_is_accepted(self):
        self.start_prosody(certificate=self.province.certify("host.verona.lan"))
        self.serve("s2s.routes=capulet.lan=host.verona.lan", "s2s.secure_domains=capulet.lan", *self.be_certified())
        romeo, juliet = await self.enter_both()
        await self.says(romeo, juliet, "Art thou there?")
        await self.until_logged("stream to another server", to="capulet.lan", security="TLSv1.3, verified")

    async def test_what_that_host_sends_is_accepted_too(self):
        self.start_prosody(certificate=self.province.certify("host.verona.lan"))
        self.serve("s2s.routes=capulet.lan=host.verona.lan", "s2s.secure_domains=capulet.lan", *self.be_certified())
        await self.talk(*await self.enter_both())

    async def test_without_a_route_that_name_proves_nothing(self):
        self.province.stop_dns()
        self.province.zone["capulet.lan"] = THEIRS
        self.province.start_dns()
        self.start_prosody(certificate=self.province.certify("host.verona.lan"))
        self.serve("s2s.secure_domains=capulet.lan", f"s2s.trusted_certificates={self.province.authority}",
                   "s2s.queue_age=3s")
        romeo, juliet = await self.enter_both()
        self.assertEqual(await self.returned(romeo, "juliet@capulet.lan/balcony"), "remote-server-timeout")
        self.assertEqual([s for s in await juliet.settle() if s["from"].domain == "montague.lan"], [])

    async def test_a_port_may_be_named(self):
        self.start_prosody(port=15269)
        self.serve("s2s.routes=capulet.lan=host.verona.lan:15269")
        romeo, juliet = await self.enter_both()
        await self.says(romeo, juliet, "Art thou there?")


if __name__ == "__main__":
    unittest.main(verbosity=1)
