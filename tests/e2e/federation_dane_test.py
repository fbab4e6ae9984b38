#!/usr/bin/env python3
"""Another server's certificate is proven by TLSA records that DNSSEC proves (DANE: RFC 6698, RFC 7671, RFC 7673).

    federation_dane_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import pathlib
import ssl
import sys
import unittest

from province import BETWEEN, OURS, PATIENCE, Houses, Relay, THEIRS, enter_namespace
from signed_zone import CERT, DANE_TA, PKIX_EE, SignedZone

enter_namespace()
Houses.PROGRAM = sys.argv.pop(1)
HOST = "xmpp.capulet.lan"
SERVICE, PLACE = "_xmpp-server._tcp.capulet.lan", f"_5269._tcp.{HOST}"
WORDS = "By any other name"
STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
CLAIM = "<db:result from='capulet.lan' to='montague.lan'>abc</db:result>"


class Dane(Houses):
    """The zone lan. is signed, and Jackdaw has its key."""

    ZONE = {**Houses.ZONE, HOST: THEIRS}
    SERVICES = (*Houses.SERVICES, f"capulet.lan={HOST}:5269")

    def setUp(self):
        super().setUp()
        self.zone = SignedZone(self.province)

    def serve(self, *settings):
        anchor = f"dns.trust_anchor={self.zone.anchor}"
        super().serve(anchor, "dns.servers=127.0.0.53", *settings)

    def trust(self):
        """The setting with which certificates of the province's authority count without DANE."""
        return f"s2s.trusted_certificates={self.province.authority}"

    def secure(self):
        """The settings with which capulet.lan needs a valid certificate and accepts ours; it could not use dialback,
        whose question to us comes behind a proof of its own by a certificate that we trust without DANE."""
        pem, key = self.province.certify("montague.lan")
        return "s2s.secure_domains=capulet.lan", f"tls.certificate={pem}", f"tls.key={key}"

    def certify(self, *names, signed=True, chain=False, **how):
        """A certificate for capulet.lan or for `names`, and its key; with `chain` the authority's follows it."""
        pem, key = self.province.certify("capulet.lan", [f"DNS:{name}" for name in names] or None, signed=signed, **how)
        if chain:
            with open(pem, "a", encoding="ascii") as file:
                file.write(pathlib.Path(self.province.authority).read_text(encoding="ascii"))
        return pem, key

    def somebody_else(self):
        """A certificate that capulet.lan does not show."""
        return self.province.certify("tybalt.lan", signed=False)[0]

    async def relay(self):
        """What goes to the host of capulet.lan goes through it; before the zone is served."""
        relay = Relay(BETWEEN, THEIRS)
        await relay.start()
        self.addAsyncCleanup(relay.close)
        self.province.zone[HOST] = BETWEEN
        return relay

    async def accepts(self, *settings, certificate, security="TLSv1.3, verified", **prosody):
        """A message arrives: who they are."""
        self.start_prosody(certificate=certificate, **prosody)
        self.serve(*settings)
        romeo, juliet = await self.enter_both()
        await self.says(romeo, juliet, WORDS)
        await self.until_logged("stream to another server", to="capulet.lan", security=security)
        return romeo, juliet

    async def refuses(self, *settings, certificate, why, **prosody):
        """A message returns, the log says why, nothing arrives: who they are."""
        self.start_prosody(certificate=certificate, **prosody)
        self.serve(*settings)
        romeo, juliet = await self.enter_both()
        await self.is_refused(romeo, juliet, why)
        return romeo, juliet

    async def is_refused(self, romeo, juliet, why):
        self.be_patient("3s")
        self.assertEqual(await self.returned(romeo, juliet.boundjid.full, WORDS), "remote-server-timeout")
        self.be_patient("1h")
        self.assertEqual([s for s in await juliet.settle() if s["from"].domain == "montague.lan"], [])
        self.assertFalse([line for line in self.logged("stream to another server") if " security=" in line])
        await self.until_no_stream(why)


class Proven(Dane):
    """Secure records that the certificate matches."""

    async def test_a_certificate_that_nobody_signed(self):
        certificate = self.certify(signed=False)
        self.zone.tlsa(certificate[0], HOST)
        self.zone.serve()
        romeo, juliet = await self.accepts(certificate=certificate)
        await self.talk(romeo, juliet)

    async def test_it_is_enough_for_a_secure_domain(self):
        certificate = self.certify(signed=False)
        self.zone.tlsa(certificate[0], HOST)
        self.zone.serve()
        await self.accepts(*self.secure(), certificate=certificate)

    async def test_of_the_servers_own_key_neither_name_nor_age_count(self):
        """RFC 7671 §5.1."""
        certificate = self.certify("verona.lan", days=-1)
        self.zone.tlsa(certificate[0], HOST)
        self.zone.serve()
        await self.accepts(*self.secure(), certificate=certificate)

    async def test_the_authority_of_a_record(self):
        """It is in no other list of ours."""
        self.zone.tlsa(self.province.authority, HOST, usage=DANE_TA, selector=CERT)
        self.zone.serve()
        await self.accepts(*self.secure(), certificate=self.certify(chain=True))

    async def test_of_an_authority_the_name_of_the_host_counts_too(self):
        """RFC 7673 §4.2: the SRV record is as secure as the name it leads to."""
        self.zone.tlsa(self.province.authority, HOST, usage=DANE_TA, selector=CERT)
        self.zone.serve()
        await self.accepts(*self.secure(), certificate=self.certify(HOST, chain=True))

    async def test_one_record_of_several_is_enough(self):
        """As while a key is changed."""
        certificate = self.certify(signed=False)
        for pem in (self.somebody_else(), certificate[0]):
            self.zone.tlsa(pem, HOST)
        self.zone.serve()
        await self.accepts(*self.secure(), certificate=certificate)

    async def test_the_record_is_that_of_the_port(self):
        self.province.services[1:] = [f"capulet.lan={HOST}:15269"]
        certificate = self.certify(signed=False)
        self.zone.tlsa(self.somebody_else(), HOST)
        self.zone.tlsa(certificate[0], HOST, port=15269)
        self.zone.serve()
        await self.accepts(*self.secure(), certificate=certificate, port=15269)

    async def test_without_srv_records_it_is_that_of_the_domain(self):
        del self.province.services[1:]
        certificate = self.certify(signed=False)
        self.zone.tlsa(certificate[0], "capulet.lan")
        self.zone.serve()
        await self.accepts(*self.secure(), certificate=certificate)

    async def test_tls_at_once(self):
        """XEP-0368."""
        self.province.services[1:] = [f"tls capulet.lan={HOST}:5270"]
        pem, key = certificate = self.certify(signed=False)
        self.zone.tlsa(pem, HOST, port=5270)
        self.zone.serve()
        own = f'{{ certificate = "{pem}", key = "{key}", cafile = "{self.province.authority}" }}'
        await self.accepts(*self.secure(), certificate=certificate, s2s_direct_tls_ports="{ 5270 }",
                           s2s_direct_tls_ssl=own)

    async def test_a_ds_record_is_an_anchor_too(self):
        self.zone.anchor = self.zone.anchor_ds
        certificate = self.certify(signed=False)
        self.zone.tlsa(certificate[0], HOST)
        self.zone.serve()
        await self.accepts(*self.secure(), certificate=certificate)


class Denied(Dane):
    """Secure records that the certificate does not match: it is not that server, whoever signed what it shows."""

    async def test_another_key(self):
        self.zone.tlsa(self.somebody_else(), HOST)
        self.zone.serve()
        await self.refuses(self.trust(), certificate=self.certify(), why="TLSA")

    async def test_another_key_of_a_secure_domain(self):
        self.zone.tlsa(self.somebody_else(), HOST)
        self.zone.serve()
        await self.refuses(*self.secure(), self.trust(), certificate=self.certify(), why="TLSA")

    async def test_another_authority(self):
        self.zone.tlsa(self.somebody_else(), HOST, usage=DANE_TA, selector=CERT)
        self.zone.serve()
        await self.refuses(self.trust(), certificate=self.certify(chain=True), why="TLSA")

    async def test_a_certificate_of_that_authority_for_another_name(self):
        self.zone.tlsa(self.province.authority, HOST, usage=DANE_TA, selector=CERT)
        self.zone.serve()
        await self.refuses(certificate=self.certify("verona.lan", chain=True), why="TLSA")

    async def test_an_expired_certificate_of_that_authority(self):
        self.zone.tlsa(self.province.authority, HOST, usage=DANE_TA, selector=CERT)
        self.zone.serve()
        await self.refuses(certificate=self.certify(chain=True, days=-1), why="TLSA")

    async def test_a_record_that_wants_a_known_authority_too(self):
        """Usage 1: the key alone is not enough, and the authority that signed is not known to us."""
        certificate = self.certify()
        self.zone.tlsa(certificate[0], HOST, usage=PKIX_EE)
        self.zone.serve()
        await self.refuses(certificate=certificate, why="TLSA")

    async def test_nothing_leaves_in_clear(self):
        """Not even where TLS is only wished for (RFC 7673 §3.4)."""
        for encrypts in (True, False):
            with self.subTest(encrypts=encrypts):
                await self.nothing_leaves(encrypts)

    async def nothing_leaves(self, encrypts):
        relay = await self.relay()
        self.zone.records.clear()
        self.zone.tlsa(self.somebody_else(), HOST)
        self.zone.serve()
        prosody = self.start_prosody(certificate=self.certify(), s2s_require_encryption=False,
                                     s2s_allow_encryption=encrypts)
        self.serve("s2s.unlisted=wherever_possible")
        romeo, juliet = await self.enter_both()
        await self.is_refused(romeo, juliet, "TLSA")
        for word in (b"<message", b"<iq", b"<presence", b"<db:", WORDS.encode(), b"romeo"):
            self.assertNotIn(word, relay.sent)
        for person in (romeo, juliet):
            await person.go()
        self.jackdaw.end()
        prosody.end()
        await relay.close()

    async def test_its_word_by_dialback_is_not_believed(self):
        """XEP-0220: we ask the server that the DNS names, and do not trust it."""
        self.zone.tlsa(self.somebody_else(), HOST)
        self.zone.serve()
        self.start_prosody(certificate=self.certify(signed=False))
        self.serve()
        romeo, juliet = await self.enter_both()
        await self.returned(juliet, romeo.boundjid.full)
        self.assertEqual([s for s in await romeo.settle() if s["from"].domain == "capulet.lan"], [])
        self.assertFalse(self.logged("another server's domain is proven", **{"from": "capulet.lan"}))

    async def test_a_new_record_ends_it(self):
        certificate = self.certify(signed=False)
        self.zone.tlsa(self.somebody_else(), HOST)
        self.zone.serve()
        romeo, juliet = await self.refuses(*self.secure(), certificate=certificate, why="TLSA")
        self.zone.records.clear()
        self.zone.tlsa(certificate[0], HOST)
        self.zone.serve()
        await self.says(romeo, juliet, WORDS)
        await self.until_logged("stream to another server", to="capulet.lan", security="TLSv1.3, verified")


class Unusable(Dane):
    """Records of which none can be used: TLS is spoken, and the certificate counts as without them (RFC 7671 §4.1)."""

    def publish(self):
        self.zone.tlsa(self.somebody_else(), HOST, usage=9)
        self.zone.tlsa(self.somebody_else(), HOST, selector=CERT, matching=9)
        self.zone.serve()

    async def test_a_certificate_that_nobody_signed(self):
        self.publish()
        await self.accepts(certificate=self.certify(signed=False), security="TLSv1.3")

    async def test_a_certificate_that_we_trust(self):
        self.publish()
        await self.accepts(*self.secure(), self.trust(), certificate=self.certify())

    async def test_nothing_leaves_in_clear(self):
        relay = await self.relay()
        self.publish()
        await self.refuses("s2s.unlisted=wherever_possible", certificate=self.certify(), why="TLS",
                           s2s_allow_encryption=False, s2s_require_encryption=False)
        self.assertNotIn(WORDS.encode(), relay.sent)


class NotSecure(Dane):
    """What DNSSEC does not prove is no record: everything is as without DANE."""

    ZONE = {**Dane.ZONE, "xmpp.verona.lan": THEIRS}

    async def test_a_record_of_an_unsigned_zone_proves_nothing(self):
        certificate = self.certify(signed=False)
        self.zone.tlsa(certificate[0], HOST)
        self.zone.serve(unsigned=["capulet.lan"])
        await self.accepts(certificate=certificate, security="TLSv1.3")

    async def test_nor_for_a_secure_domain(self):
        certificate = self.certify(signed=False)
        self.zone.tlsa(certificate[0], HOST)
        self.zone.serve(unsigned=["capulet.lan"])
        await self.refuses(*self.secure(), certificate=certificate, why="self-signed certificate")

    async def test_it_denies_nothing_either(self):
        self.zone.tlsa(self.somebody_else(), HOST)
        self.zone.serve(unsigned=["capulet.lan"])
        await self.accepts(certificate=self.certify(signed=False), security="TLSv1.3")

    async def test_beside_it_a_certificate_counts_as_ever(self):
        self.zone.tlsa(self.somebody_else(), HOST)
        self.zone.serve(unsigned=["capulet.lan"])
        await self.accepts(*self.secure(), self.trust(), certificate=self.certify())

    async def test_a_signed_host_of_an_unsigned_srv_record(self):
        """RFC 7673 §3.1: who chose the host may have been anybody."""
        self.province.services[1:] = ["capulet.lan=xmpp.verona.lan:5269"]
        certificate = self.certify(signed=False)
        self.zone.tlsa(certificate[0], "xmpp.verona.lan")
        self.zone.serve(unsigned=["capulet.lan"])
        await self.refuses(*self.secure(), certificate=certificate, why="self-signed certificate")

    async def test_an_unsigned_host_of_a_signed_srv_record(self):
        self.province.services[1:] = ["capulet.lan=xmpp.verona.lan:5269"]
        certificate = self.certify(signed=False)
        self.zone.tlsa(certificate[0], "xmpp.verona.lan")
        self.zone.serve(unsigned=["verona.lan"])
        await self.refuses(*self.secure(), certificate=certificate, why="self-signed certificate")

    async def test_no_record(self):
        self.zone.serve()
        await self.accepts(certificate=self.certify(signed=False), security="TLSv1.3")

    async def test_no_record_of_a_secure_domain(self):
        self.zone.serve()
        await self.accepts(*self.secure(), self.trust(), certificate=self.certify())

    async def test_no_record_and_a_certificate_that_nobody_signed(self):
        self.zone.serve()
        await self.refuses(*self.secure(), self.trust(), certificate=self.certify(signed=False),
                           why="self-signed certificate")

    async def test_records_of_an_insecure_domain(self):
        """Which the setting excepts."""
        self.zone.tlsa(self.somebody_else(), HOST)
        self.zone.serve()
        await self.accepts("dns.insecure=capulet.lan", certificate=self.certify(signed=False), security="TLSv1.3")

    async def test_without_an_anchor_there_is_no_dane(self):
        self.zone.tlsa(self.somebody_else(), HOST)
        self.zone.serve()
        await self.accepts("dns.trust_anchor=", certificate=self.certify(signed=False), security="TLSv1.3")


class Bogus(Dane):
    """An answer that somebody has changed is none, and without one nothing goes on (RFC 7673 §3.1)."""

    async def bogus(self, *broken, record=True, why="DNSSEC"):
        certificate = self.certify()
        if record:
            self.zone.tlsa(certificate[0], HOST)
        self.zone.serve(broken=broken)
        await self.refuses(self.trust(), certificate=certificate, why=why)

    async def test_a_changed_tlsa_record(self):
        await self.bogus(f"{PLACE} TLSA")

    async def test_a_changed_srv_record(self):
        await self.bogus(f"{SERVICE} SRV")

    async def test_a_changed_address(self):
        await self.bogus(f"{HOST} A", why=HOST)

    async def test_a_forged_absence_of_tlsa_records(self):
        """The host has addresses of both families, so that nothing else is denied."""
        self.zone.records.append(f"{HOST}. AAAA ::1")
        await self.bogus(f"{HOST} NSEC", record=False)

    async def test_a_forged_absence_of_addresses(self):
        """RFC 7672 §2.2.2: with an unknown one of the two questions for addresses DANE is not off, but the host."""
        self.zone.tlsa(self.somebody_else(), HOST)
        await self.bogus(f"{HOST} NSEC", record=False, why=HOST)

    async def test_it_is_no_matter_of_policy(self):
        relay = await self.relay()
        self.zone.tlsa(self.somebody_else(), HOST)
        self.zone.serve(broken=[f"{PLACE} TLSA"])
        await self.refuses("s2s.unlisted=wherever_possible", certificate=self.certify(), why="DNSSEC",
                           s2s_require_encryption=False)
        self.assertNotIn(WORDS.encode(), relay.sent)


class Stripped(Dane):
    """The zone is signed, but the DNS server that we have passes no signatures on."""

    def is_warned(self):
        return [line for line in self.jackdaw.lines if "DNSSEC" in line and "DANE is off" in line]

    async def test_dane_is_off_and_federation_goes_on(self):
        certificate = self.certify(signed=False)
        self.zone.tlsa(self.somebody_else(), HOST)
        self.zone.serve(signed=False)
        romeo, juliet = await self.accepts(certificate=certificate, security="TLSv1.3")
        await self.talk(romeo, juliet)
        self.assertEqual(len(self.is_warned()), 1, self.is_warned())

    async def test_a_secure_domain_needs_a_certificate_as_ever(self):
        certificate = self.certify(signed=False)
        self.zone.tlsa(certificate[0], HOST)
        self.zone.serve(signed=False)
        await self.refuses(*self.secure(), certificate=certificate, why="self-signed certificate")
        self.assertTrue(self.is_warned())

    async def test_a_secure_domain_with_one_is_served(self):
        self.zone.serve(signed=False)
        await self.accepts(*self.secure(), self.trust(), certificate=self.certify())
        self.assertTrue(self.is_warned())

    async def test_a_server_that_passes_them_on_causes_no_warning(self):
        self.zone.serve()
        await self.accepts(certificate=self.certify(signed=False), security="TLSv1.3")
        self.assertFalse(self.is_warned())


class Late(Dane):
    """DNS servers that come after the server."""

    async def test_what_they_prove_counts_from_the_first_answer_on(self):
        self.zone.tlsa(self.somebody_else(), HOST)
        self.zone.serve()
        self.start_prosody(certificate=self.certify(signed=False))
        self.province.stop_dns()
        self.serve()
        romeo, juliet = await self.enter_both()
        self.be_patient("3s")
        self.assertEqual(await self.returned(romeo, juliet.boundjid.full), "remote-server-timeout")
        self.zone.serve()
        await self.is_refused(romeo, juliet, "TLSA")


class Incoming(Dane):
    """capulet.lan connects to us, and needs a valid certificate (RFC 7712 §5)."""

    async def hears(self, certificate, *settings):
        """What juliet says arrives, on a stream that her server's certificate has proven."""
        self.start_prosody(certificate=certificate)
        self.serve(*(settings or self.secure()))
        romeo, juliet = await self.enter_both()
        await self.says(juliet, romeo, WORDS)
        await self.until_logged("authenticated", domain="capulet.lan", mechanism="EXTERNAL")

    async def hears_nothing(self, certificate, *settings):
        self.start_prosody(certificate=certificate)
        self.serve(*(settings or self.secure()))
        romeo, juliet = await self.enter_both()
        await self.returned(juliet, romeo.boundjid.full)
        self.assertEqual([s for s in await romeo.settle() if s["from"].domain == "capulet.lan"], [])
        self.assertFalse(self.logged("another server's domain is proven"))

    async def test_a_certificate_that_nobody_signed(self):
        certificate = self.certify(signed=False)
        self.zone.tlsa(certificate[0], HOST)
        self.zone.serve()
        await self.hears(certificate)

    async def test_of_the_servers_own_key_neither_name_nor_age_count(self):
        certificate = self.certify("verona.lan", days=-1)
        self.zone.tlsa(certificate[0], HOST)
        self.zone.serve()
        await self.hears(certificate)

    async def test_the_authority_of_a_record(self):
        self.zone.tlsa(self.province.authority, HOST, usage=DANE_TA, selector=CERT)
        self.zone.serve()
        await self.hears(self.certify(chain=True))

    async def test_the_authority_of_a_record_and_another_name(self):
        self.zone.tlsa(self.province.authority, HOST, usage=DANE_TA, selector=CERT)
        self.zone.serve()
        await self.hears_nothing(self.certify("verona.lan", chain=True))

    async def test_a_record_of_somebody_else(self):
        self.zone.tlsa(self.somebody_else(), HOST)
        self.zone.serve()
        await self.hears_nothing(self.certify(signed=False))

    async def test_beside_a_record_of_somebody_else_a_trusted_certificate_counts(self):
        self.zone.tlsa(self.somebody_else(), HOST)
        self.zone.serve()
        await self.hears(self.certify(), *self.secure(), self.trust())

    async def bogus(self, certificate, *settings, broken=f"{PLACE} TLSA"):
        """The proof of its records, which fit, or of the way to them, is wrong: it is refused, whatever it shows."""
        self.zone.tlsa(certificate[0], HOST)
        self.zone.serve(broken=[broken])
        await self.hears_nothing(certificate, *settings)

    async def test_a_wrong_proof_on_the_way_to_its_host(self):
        await self.bogus(self.certify(), *self.secure(), self.trust(), broken=f"{SERVICE} SRV")

    async def test_a_wrong_proof_of_its_hosts_address(self):
        await self.bogus(self.certify(), *self.secure(), self.trust(), broken=f"{HOST} A")

    async def test_a_wrong_proof_of_a_domain_that_the_header_does_not_name(self):
        """Dialback says later who it is."""
        pem, key = certificate = self.certify()
        self.zone.tlsa(pem, HOST)
        self.zone.serve(broken=[f"{PLACE} TLSA"])
        self.serve("s2s.unlisted=encrypted", self.trust())
        for sender in ("from='capulet.lan'", "from='tybalt.lan'", ""):
            with self.subTest(sender=sender):
                self.assertNotIn(b"type='valid'", await self.claim(sender, certificate))

    async def claim(self, sender, certificate):
        """What a stream with this sender in its header hears when it says that it is capulet.lan."""
        reader, writer = await asyncio.open_connection(OURS, 5269)
        header = ("<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' "
                  f"xmlns:stream='http://etherx.jabber.org/streams' {sender} to='montague.lan' version='1.0'>")
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(*certificate)
        for words, answer in ((header, b"</stream:features>"), (STARTTLS, b"<proceed"), (None, None),
                              (header, b"</stream:features>"), (CLAIM, b"</db:result>")):
            if words is None:
                await writer.start_tls(context)
                continue
            writer.write(words.encode())
            heard = await asyncio.wait_for(reader.readuntil(answer), PATIENCE)
        writer.close()
        return heard

    async def test_a_wrong_proof_and_a_trusted_certificate(self):
        """By SASL EXTERNAL."""
        await self.bogus(self.certify(), *self.secure(), self.trust())

    async def test_a_wrong_proof_and_a_trusted_certificate_where_dialback_is_enough(self):
        await self.bogus(self.certify(), "s2s.unlisted=encrypted", self.trust())

    async def test_a_wrong_proof_and_dialback(self):
        await self.bogus(self.certify(signed=False), "s2s.unlisted=encrypted")


if __name__ == "__main__":
    unittest.main(verbosity=1)
