#!/usr/bin/env python3
"""The policy of TLS for other servers, as far as federation_tls_test.py does not show it: "verified" and "plain" for
domains that are not listed, where trusted certificates are taken from (CommuniGate's check C13), and a policy that
becomes stricter while streams are open: none of them carries on under the old one, whoever has opened it.

    federation_policy_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

from authority import Authority
from province import OURS, THEIRS, Houses, Relay, enter_namespace
from signed_zone import SignedZone

enter_namespace()
Houses.PROGRAM = sys.argv.pop(1)
BEFORE_OURS = "127.0.1.4"
SELF_SIGNED = "self-signed certificate"
UNKNOWN_AUTHORITY = "self-signed certificate in certificate chain"
CLOSED = ("remote-server-not-found", "remote-server-timeout", "not-authorized")  # what Prosody makes of a refusal
SYSTEMS = "/etc/ssl/certs"


class Policy(Houses):
    """What holds for capulet.lan, both ways."""

    def set(self, name, value):
        self.jackdaw.do("setting", "set", name, value)

    async def until_streams(self, ours, theirs):
        """The log says that there were so many that we have opened or borrowed, and that others have proven."""
        def number():
            return [len(self.logged(event))
                    for event in ("stream to another server", "another server's domain is proven")]
        await self.until(lambda: number() == [ours, theirs], f"not {ours} and {theirs} streams")

    async def talk_again(self, romeo, juliet, word):
        """Both ways, with words that were not said before."""
        await self.says(romeo, juliet, f"{word}, quoth he")
        await self.says(juliet, romeo, f"{word}, quoth she")

    async def nothing_passes(self, romeo, juliet, word, why=SELF_SIGNED):
        """Each gets an error, and the other hears nothing; the log says why."""
        sent = self.metric("jackdaw_s2s_stanzas_sent")
        self.be_patient("1s")
        his, hers = await asyncio.gather(self.returned(romeo, juliet.boundjid.full, f"{word}, quoth he"),
                                         self.returned(juliet, romeo.boundjid.full, f"{word}, quoth she"))
        self.be_patient("2m")
        self.assertEqual(his, "remote-server-timeout")
        self.assertIn(hers, CLOSED)
        await self.until_no_stream(why)
        for person, stranger in ((romeo, "capulet.lan"), (juliet, "montague.lan")):
            came = [s for s in await person.settle() if s["from"].domain == stranger]
            self.assertEqual(came, [])
        self.assertEqual(self.metric("jackdaw_s2s_stanzas_sent"), sent)

    async def dialback_is_refused(self):
        await self.until_logged("a domain is not proven", **{"from": "capulet.lan", "condition": "not-authorized"})

    async def put_between_both(self):
        """Relays in front of Prosody and of ours."""
        self.province.zone["xmpp.montague.lan"] = BEFORE_OURS
        theirs, ours = await self.put_between(), Relay(BEFORE_OURS, OURS)
        await ours.start()
        self.addAsyncCleanup(ours.close)
        return theirs, ours


class Unlisted(Policy):
    async def test_verified(self):
        """Dialback over TLS is not enough, which is all that "encrypted" wants."""
        self.start_prosody(certificate=self.province.certify("capulet.lan", signed=False))
        self.serve(*self.be_certified())
        self.set("s2s.unlisted", "verified")
        romeo, juliet = await self.enter_both()
        await self.nothing_passes(romeo, juliet, "No")
        await self.dialback_is_refused()
        self.set("s2s.unlisted", "encrypted")
        await self.talk_again(juliet, romeo, "Ay")

    async def test_plain(self):
        """TLS is neither asked for nor offered; who is on the way reads all."""
        theirs, ours = await self.put_between_both()
        self.start_prosody(s2s_require_encryption=False)
        self.serve("s2s.unlisted=plain", *self.be_certified())
        await self.until_logged("other servers are spoken with in clear: who is on the way can read and change everything")
        await self.talk_again(*await self.enter_both(), "Ay")
        self.assertIn(b"<starttls", theirs.answered)
        for seen in (theirs.sent, ours.sent, ours.answered):
            self.assertNotIn(b"<starttls", seen)
        self.assertIn(b"Ay, quoth he", theirs.sent)
        self.assertIn(b"Ay, quoth she", ours.sent)
        for relay in (theirs, ours):
            self.assertIn(b"<db:result", relay.sent)
        await self.until_logged("stream to another server", to="capulet.lan", security="none")
        await self.until_logged("another server's domain is proven", **{"from": "capulet.lan"})
        self.assertFalse(self.logged("authenticated", mechanism="EXTERNAL"))

    async def test_a_listed_domain_beside_plain(self):
        """TLS with a valid certificate, or nothing."""
        theirs, ours = await self.put_between_both()
        prosody = self.start_prosody(s2s_allow_encryption=False, s2s_require_encryption=False)
        self.serve("s2s.unlisted=plain", "s2s.secure_domains=capulet.lan", *self.be_certified())
        romeo, juliet = await self.enter_both()
        await self.nothing_passes(romeo, juliet, "No", why="it offers no TLS")
        prosody.end()
        self.start_prosody()
        await self.says(romeo, await self.enter("juliet@capulet.lan/orchard"), "Ay, quoth he")
        await self.until_logged("stream to another server", to="capulet.lan", security="TLSv1.3, verified")
        for seen in (theirs.sent, theirs.answered, ours.sent, ours.answered):
            self.assertNotIn(b"quoth", seen)


class Trusted(Policy):
    """Where the certificates are that prove others; capulet.lan must show a valid one, out and in."""

    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.province.place.name)
        self.others = [Authority(self.province.place.name, name).certificate for name in ("verona", "mantua")]

    def bundle(self, path, *certificates):
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(f"{os.path.basename(each)}\n{pathlib.Path(each).read_text()}" for each in certificates))
        return path

    def serve(self, *settings):
        own = [word for word in self.be_certified() if word.startswith("tls.")]
        super().serve("s2s.unlisted=verified", *own, *settings)

    async def proves_itself(self, romeo, juliet):
        await self.talk_again(romeo, juliet, "Ay")
        await self.until_logged("stream to another server", to="capulet.lan", security="TLSv1.3, verified")
        await self.until_logged("authenticated", domain="capulet.lan", mechanism="EXTERNAL")

    async def test_a_directory_to_which_one_is_added(self):
        """It counts from a reload on."""
        trusted = self.folder / "trusted"
        for name, authority in zip(("verona.pem", "mantua.crt"), self.others):
            self.bundle(trusted / name, authority)
        (trusted / "README").write_text("Trusted by the prince.\n")
        self.start_prosody()
        self.serve(f"s2s.trusted_certificates={trusted}")
        romeo, juliet = await self.enter_both()
        await self.nothing_passes(romeo, juliet, "No", UNKNOWN_AUTHORITY)
        await self.dialback_is_refused()
        shutil.copy(self.province.authority, trusted / "capulet.pem")
        self.jackdaw.do("reload")
        await self.proves_itself(romeo, juliet)

    async def test_those_of_the_system(self):
        """Where the setting is empty: a file with several. What is added there counts from a reload on, too."""
        systems = self.bundle(self.folder / "systems" / "ca-certificates.crt", *self.others)
        subprocess.run(["mount", "--bind", systems.parent, SYSTEMS], check=True)
        self.addCleanup(subprocess.run, ["umount", SYSTEMS], check=True)
        self.start_prosody()
        self.serve()
        romeo, juliet = await self.enter_both()
        await self.nothing_passes(romeo, juliet, "No", UNKNOWN_AUTHORITY)
        self.bundle(systems, *self.others, self.province.authority)
        self.jackdaw.do("reload")
        await self.says(romeo, juliet, "Ay, quoth he")
        await self.until_logged("stream to another server", to="capulet.lan", security="TLSv1.3, verified")


class Raised(Policy):
    """capulet.lan is listed while streams are open."""

    OURS_THERE = "Incoming s2s stream montague.lan->capulet.lan"
    THEIRS_THERE = "Outgoing s2s stream capulet.lan->montague.lan"

    async def begin(self, signed=False, **how):
        self.prosody = self.start_prosody(certificate=self.province.certify("capulet.lan", signed=signed), **how)
        self.serve(*self.be_certified())
        return await self.enter_both()

    async def until_closed(self, stream):
        """Prosody has seen its end: what is said from then on goes by another one."""
        await self.until(lambda: f"{stream} closed" in self.prosody.log.read_text(errors="replace"),
                         f"{stream} is not closed", patience=15)

    async def test_one_stream_each_way(self):
        romeo, juliet = await self.begin()
        await self.talk_again(romeo, juliet, "Ay")
        self.set("s2s.secure_domains", "capulet.lan")
        await self.until_logged("stream to another server lost", to="capulet.lan")
        await self.until_closed(self.THEIRS_THERE)
        await self.nothing_passes(romeo, juliet, "No")
        await self.dialback_is_refused()

    async def test_a_stream_of_ours_both_ways(self):
        romeo, juliet = await self.begin(modules=["s2s_bidi"])
        await self.talk_again(romeo, juliet, "Ay")
        await self.until_logged("stream to another server", to="capulet.lan", both_ways="yes")
        await self.until_streams(1, 0)
        self.set("s2s.secure_domains", "capulet.lan")
        await self.until_closed(self.OURS_THERE)
        await self.nothing_passes(romeo, juliet, "No")

    async def test_a_stream_of_theirs_both_ways(self):
        romeo, juliet = await self.begin(modules=["s2s_bidi"])
        await self.says(juliet, romeo, "Romeo!")
        await self.talk_again(romeo, juliet, "Ay")
        await self.until_logged("stream to another server", to="capulet.lan", both_ways="yes")
        await self.until_streams(1, 1)
        self.set("s2s.secure_domains", "capulet.lan")
        await self.until_closed(self.THEIRS_THERE)
        await self.nothing_passes(romeo, juliet, "No")

    async def test_a_stream_of_theirs_both_ways_that_we_did_not_send_on(self):
        romeo, juliet = await self.begin(modules=["s2s_bidi"])
        await self.says(juliet, romeo, "Romeo!")
        await self.until_streams(0, 1)
        self.set("s2s.unlisted", "verified")
        await self.until_closed(self.THEIRS_THERE)
        await self.nothing_passes(romeo, juliet, "No")

    async def test_streams_in_clear(self):
        """TLS is wanted now, and found: nothing more is read on the way."""
        theirs, ours = await self.put_between_both()
        romeo, juliet = await self.begin(s2s_require_encryption=False)
        self.set("s2s.unlisted", "plain")
        await self.talk_again(romeo, juliet, "Ay")
        self.assertIn(b"Ay, quoth she", ours.sent)
        self.set("s2s.unlisted", "encrypted")
        await self.until_logged("stream to another server lost", to="capulet.lan")
        await self.until_closed(self.THEIRS_THERE)
        await self.talk_again(romeo, juliet, "No")
        for seen in (theirs.sent, ours.sent):
            self.assertNotIn(b"No, quoth", seen)


class Kept(Policy):
    """Streams that are as the new policy wants them go on: one each way, or one both ways."""

    async def are_kept(self, certificate, *settings, each=([], ["s2s_bidi"])):
        for modules in each:
            with self.subTest(modules=modules):
                prosody = self.start_prosody(certificate=certificate, modules=modules)
                self.serve(*settings)
                romeo, juliet = await self.enter_both()
                await self.talk_again(romeo, juliet, "Ay")
                await self.until_logged("stream to another server", to="capulet.lan", security="TLSv1.3, verified")
                self.set("s2s.secure_domains", "capulet.lan")
                self.set("s2s.idle_timeout", "5m")  # settings that have nothing to do with it change, too
                await self.talk_again(romeo, juliet, "Ay again")
                self.assertEqual(self.logged("stream to another server lost") + self.logged("stream ended"), [])
                await self.until_streams(1, 0 if modules else 1)
                self.set("s2s.secure_domains", "")
                for person in (romeo, juliet):
                    await person.go()
                self.jackdaw.end()
                prosody.end()


class KeptByAnAuthority(Kept):
    async def test_with_a_certificate_that_we_trust(self):
        await self.are_kept(self.province.certify("capulet.lan"), *self.be_certified())


class KeptByTheDns(Kept):
    ZONE = {**Houses.ZONE, "xmpp.capulet.lan": THEIRS}
    SERVICES = (*Houses.SERVICES, "capulet.lan=xmpp.capulet.lan:5269")

    async def test_with_a_certificate_that_a_record_names(self):
        """DANE: nobody has signed it, and its name does not count then (RFC 7671 §5.1)."""
        zone = SignedZone(self.province)
        certificate = self.province.certify("capulet.lan", ["DNS:verona.lan"], signed=False)
        zone.tlsa(certificate[0], "xmpp.capulet.lan")
        zone.serve()
        await self.are_kept(certificate, f"dns.trust_anchor={zone.anchor}", "dns.servers=127.0.0.53",
                            *self.be_certified(), each=(["s2s_bidi"],))


if __name__ == "__main__":
    unittest.main(verbosity=1)
