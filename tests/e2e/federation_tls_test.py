#!/usr/bin/env python3
"""With whom TLS is spoken and whose certificate counts: CommuniGate's list of secure domains, its "wherever possible",
its checks C8 to C13. A relay between the servers tells what was on the wire.

    federation_tls_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import sys
import unittest

from province import Houses, enter_namespace

enter_namespace()
Houses.PROGRAM = sys.argv.pop(1)
SECURE = ("s2s.secure_domains=capulet.lan",)
WORDS = "By any other name"


class Secure(Houses):
    """capulet.lan is listed: TLS and a valid certificate, or nothing."""

    async def refuses(self, romeo, juliet, why):
        """An error comes back, the log says why, nothing arrives."""
        self.be_patient("2s")
        self.assertEqual(await self.returned(romeo, juliet.boundjid.full, WORDS), "remote-server-timeout")
        self.be_patient("1h")
        await self.until_no_stream(why)
        self.assertEqual([s for s in await juliet.settle() if s["from"].domain == "montague.lan"], [])

    async def sees(self, certificate, why, *settings):
        self.start_prosody(certificate=certificate)
        self.serve(*SECURE, *self.be_certified(), *settings)
        await self.refuses(*await self.enter_both(), why)

    async def test_a_valid_certificate(self):
        self.start_prosody()
        self.serve(*SECURE, *self.be_certified())
        romeo, juliet = await self.enter_both()
        await self.says(romeo, juliet, WORDS)
        await self.until_logged("stream to another server", to="capulet.lan", security="TLSv1.3, verified")

    async def test_a_certificate_that_nobody_signed(self):
        await self.sees(self.province.certify("capulet.lan", signed=False), "self-signed certificate")

    async def test_a_certificate_for_another_name(self):
        await self.sees(self.province.certify("capulet.lan", ["DNS:verona.lan"]), "it is not for capulet.lan")

    async def test_a_certificate_that_has_expired(self):
        await self.sees(self.province.certify("capulet.lan", days=-1), "certificate has expired")

    async def test_an_authority_is_trusted_while_the_server_runs(self):
        self.start_prosody()
        self.serve(*SECURE)
        romeo, juliet = await self.enter_both()
        await self.refuses(romeo, juliet, "self-signed certificate in certificate chain")
        self.jackdaw.do("setting", "set", "s2s.trusted_certificates", self.province.authority)
        self.jackdaw.do("reload")
        await self.talk(romeo, juliet)

    async def test_a_renewed_certificate_is_accepted_without_a_restart_of_ours(self):
        prosody = self.start_prosody(certificate=self.province.certify("capulet.lan", days=-1))
        self.serve(*SECURE, *self.be_certified())
        romeo, juliet = await self.enter_both()
        await self.refuses(romeo, juliet, "certificate has expired")
        await juliet.go()
        prosody.end()
        self.province.certify("capulet.lan")
        prosody.start()
        await self.says(romeo, await self.enter("juliet@capulet.lan/orchard"), WORDS)

    async def test_a_common_name_alone_is_no_proof(self):
        await self.sees(self.province.certify("capulet.lan", []), "it is not for capulet.lan")

    async def test_a_common_name_is_one_with_the_setting(self):
        self.start_prosody(certificate=self.province.certify("capulet.lan", []))
        self.serve(*SECURE, *self.be_certified(), "s2s.accept_common_name=true")
        await self.talk(*await self.enter_both())

    async def test_a_common_name_beside_alternative_names_is_none(self):
        await self.sees(self.province.certify("capulet.lan", ["DNS:verona.lan"]), "it is not for capulet.lan",
                        "s2s.accept_common_name=true")

    async def test_nothing_leaves_in_clear(self):
        for pattern in ("capulet.lan", "*.lan"):
            with self.subTest(pattern):
                await self.nothing_leaves(pattern)

    async def nothing_leaves(self, pattern):
        relay = await self.put_between()
        prosody = self.start_prosody(s2s_allow_encryption=False, s2s_require_encryption=False)
        self.serve(f"s2s.secure_domains={pattern}")
        romeo, juliet = await self.enter_both()
        await self.refuses(romeo, juliet, "it offers no TLS")
        self.assertIn(b"<stream:features>", bytes(relay.answered))
        for word in (b"<message", b"<iq", b"<presence", b"<db:", WORDS.encode(), b"romeo"):
            self.assertNotIn(word, relay.sent)
        for person in (romeo, juliet):
            await person.go()
        self.jackdaw.end()
        prosody.end()
        await relay.close()


class WhereverPossible(Houses):
    """capulet.lan is not listed, and what protects nobody is allowed for the rest."""

    async def test_tls_is_used_and_nobody_asks_whose_certificate_it_is(self):
        relay = await self.put_between()
        self.start_prosody(certificate=self.province.certify("verona.lan", signed=False))
        self.serve("s2s.unlisted=wherever_possible")
        romeo, juliet = await self.enter_both()
        await self.says(romeo, juliet, WORDS)
        await self.until_logged("stream to another server", to="capulet.lan", security="TLSv1.3")
        self.assertNotIn(WORDS.encode(), relay.sent)

    async def test_a_broken_handshake_leaves_the_clear(self):
        relay = await self.put_between()
        relay.to_break = 1
        self.start_prosody(s2s_require_encryption=False)
        self.serve("s2s.unlisted=wherever_possible")
        romeo, juliet = await self.enter_both()
        await self.says(romeo, juliet, WORDS)
        await self.until_logged("stream to another server", to="capulet.lan", security="none")
        self.assertIn(b"<starttls", relay.sent)
        self.assertIn(WORDS.encode(), relay.sent)

    async def test_elsewhere_it_is_an_error(self):
        """The same handshake with the default, which wants TLS."""
        relay = await self.put_between()
        relay.to_break = 100
        self.start_prosody(s2s_require_encryption=False)
        self.serve("s2s.queue_age=2s")
        romeo, juliet = await self.enter_both()
        self.assertEqual(await self.returned(romeo, juliet.boundjid.full, WORDS), "remote-server-timeout")
        await self.until_no_stream("the TLS handshake failed")
        self.assertNotIn(WORDS.encode(), relay.sent)

    async def test_a_server_without_tls_is_spoken_with_in_clear(self):
        relay = await self.put_between()
        self.start_prosody(s2s_allow_encryption=False, s2s_require_encryption=False)
        self.serve("s2s.unlisted=wherever_possible")
        await self.talk(*await self.enter_both())
        self.assertIn(b"Art thou there?", relay.sent)


class Never(Houses):
    async def test_no_tls_is_asked_for(self):
        """Listed with "!" in front, which counts before every other line."""
        relay = await self.put_between()
        self.start_prosody(s2s_require_encryption=False)
        self.serve("s2s.secure_domains=*,!capulet.lan")
        await self.talk(*await self.enter_both())
        self.assertIn(b"<starttls", relay.answered)
        self.assertNotIn(b"<starttls", relay.sent)
        self.assertIn(b"Art thou there?", relay.sent)
        await self.until_logged("stream to another server", to="capulet.lan", security="none")


if __name__ == "__main__":
    unittest.main(verbosity=1)
