"""Client certificates prove accounts: SASL EXTERNAL (RFC 6120 §6.3.4, XEP-0178 §2) with certificates made by openssl.

    external_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import base64
import logging
import os
import re
import socket
import ssl
import sys
import tempfile
import time
import unittest

from authority import Authority
from people import Person
from program import Jackdaw, PATIENCE
from raw_client import HEADER, Ended, RawClient

PROGRAM = ""
PASSWORD = "r0m30myr0m30"
ROMEO, JULIET, ABROAD = "romeo@montague.example", "juliet@montague.example", "romeo@capulet.example"
NAMES = {}  # file names of certificates, made once
AUTHORITIES = {}


def xmpp(*jids):
    """The subjectAltName with these JIDs as id-on-xmppAddr (RFC 6120 §13.7.1.4)."""
    return ",".join(f"otherName:1.3.6.1.5.5.7.8.5;UTF8:{jid}" for jid in jids)


def make_certificates(folder):
    ours, theirs = Authority(folder, "ours"), Authority(folder, "theirs")
    AUTHORITIES["ours"] = ours
    NAMES.update(ours=ours.certificate, theirs=theirs.certificate, key=ours.client_key)
    for name, jids in {"romeo": [ROMEO], "two": [ROMEO, JULIET], "abroad": [ABROAD], "both": [ROMEO, ABROAD],
                       "stranger": ["mercutio@montague.example"], "domain": ["montague.example"]}.items():
        NAMES[name] = ours.sign(name, xmpp(*jids))
    NAMES["forged"] = theirs.sign("forged", xmpp(ROMEO))
    NAMES["expired"] = ours.sign("expired", xmpp(ROMEO), days=-1)
    NAMES["server"] = ours.sign("server", xmpp(ROMEO), usage="serverAuth")
    NAMES["mail"] = ours.sign("mail", f"email:{ROMEO}", subject="/CN=Romeo Montague")
    NAMES["cn"] = ours.sign("cn", subject="/CN=romeo")
    NAMES["self"] = ours.sign_itself("self", xmpp(ROMEO))


def context_with(certificate=None, version=ssl.TLSVersion.TLSv1_3):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    made.minimum_version = made.maximum_version = version
    if certificate:
        made.load_cert_chain(NAMES[certificate], NAMES["key"])
    return made


class Certified(RawClient):
    """A stream behind TLS with a client certificate; `mechanisms` has what is offered there."""

    def __init__(self, port, context, domain="montague.example", sni=None, at_once=False):
        # Not that of RawClient: it logs in with a password.
        self.bytes, self.at = b"", domain
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        if not at_once:
            self.send(HEADER.format(domain))
            self.until(rb"</stream:features>")
            self.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
            self.until(rb"<proceed[^>]*/>")
        self.socket = context.wrap_socket(self.socket, server_hostname=sni or domain)
        self.mechanisms = self.open()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def domain(self):
        return self.at

    def open(self):
        self.send(HEADER.format(self.at))
        return re.findall("<mechanism>([^<]*)</mechanism>", self.until(rb"</stream:features>"))

    def proves(self, authzid=None):
        """Asks for EXTERNAL: "success" or the condition of the failure. Without `authzid` it says "="."""
        words = base64.b64encode(authzid.encode()).decode() if authzid else "="
        self.send(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>{words}</auth>")
        return self.outcome()

    def outcome(self):
        answer = re.compile(rb"<(success)[^>]*>|<failure[^>]*><([a-z-]*)/>.*?</failure>", re.S)
        while not (found := answer.search(self.bytes)):
            self.read()
        self.bytes = self.bytes[found.end():]
        return (found[1] or found[2]).decode()

    def binds(self):
        """After the log-in: the full JID that the server gives."""
        assert self.open() == [], "mechanisms are offered after the log-in"
        self.send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                  "<resource>garden</resource></bind></iq>")
        return re.search("<jid>([^<]*)</jid>", self.until(rb"id='bind'.*?</iq>"))[1]


class External(unittest.TestCase):
    def setUp(self):
        self.jackdaw = Jackdaw(PROGRAM)
        self.addCleanup(self.jackdaw.close)
        self.jackdaw.do("setup", "--domain", "montague.example,capulet.example", "--password-stdin", password="one")
        for jid in (ROMEO, JULIET, ABROAD):
            self.jackdaw.do("user", "add", jid, "--password-stdin", password=PASSWORD)
        self.port = None

    def serve(self, *settings, ca="ours"):
        words = [f"auth.external_ca={NAMES[ca]}", *settings]
        self.port = self.jackdaw.start(*(word for setting in words for word in ("--set", setting)))

    def client(self, certificate=None, version=ssl.TLSVersion.TLSv1_3, **where):
        made = Certified(self.port, context_with(certificate, version), **where)
        self.addCleanup(made.close)
        return made

    def assert_unproven(self, client, why):
        """EXTERNAL is not offered, fails when it is tried, and everything else is there."""
        self.assertNotIn("EXTERNAL", client.mechanisms, why)
        self.assertIn("PLAIN", client.mechanisms, why)
        self.assertEqual(client.proves(), "invalid-mechanism", why)
        self.assertEqual(client.proves(ROMEO), "invalid-mechanism", why)


class Proven(External):
    def test_the_account_of_the_certificate(self):
        """RFC 6120 §6.3.4, XEP-0178 §2 step 10: it is offered first; "=" and the account's own name will do."""
        self.serve("auth.external=true")
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for authzid in (None, ROMEO):
                with self.client("romeo", version) as romeo:
                    self.assertEqual(romeo.mechanisms[0], "EXTERNAL")
                    self.assertEqual(romeo.proves(authzid), "success")
                    self.assertEqual(romeo.binds(), ROMEO + "/garden")
                    romeo.ping("alive")

    def test_tls_from_the_first_byte(self):
        """XEP-0368: there it is the same."""
        self.serve("auth.external=true")
        (found,) = (re.match(r"Listening on 127\.0\.0\.1:(\d+) \(TLS\)", line) for line in self.jackdaw.lines
                    if "(TLS)" in line)
        self.port = int(found[1])
        romeo = self.client("romeo", at_once=True)
        self.assertEqual(romeo.proves(), "success")
        self.assertEqual(romeo.binds(), ROMEO + "/garden")
        for name in (None, "forged", "abroad"):
            self.assert_unproven(self.client(name, at_once=True), name)

    def test_the_response_may_come_later(self):
        """RFC 6120 §6.4.2: without an initial response the server asks for it."""
        self.serve("auth.external=true")
        for response in ("=", "", base64.b64encode(ROMEO.encode()).decode()):
            romeo = self.client("romeo")
            romeo.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'/>")
            romeo.until(rb"<challenge[^>]*>(=</challenge>)?")
            romeo.send(f"<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{response}</response>")
            self.assertEqual(romeo.outcome(), "success", response)

    def test_nobody_else(self):
        """RFC 6120 §6.5.6: another account, a full JID, a word that is no JID; the stream goes on."""
        self.serve("auth.external=true")
        romeo = self.client("romeo")
        for authzid in (JULIET, ABROAD, "montague.example", "romeo", "@", ROMEO + "/garden"):
            self.assertEqual(romeo.proves(authzid), "invalid-authzid", authzid)
        self.assertEqual(romeo.proves(), "success")
        self.assertEqual(romeo.binds(), ROMEO + "/garden")

    def test_several_accounts_in_one_certificate(self):
        """XEP-0178 §2 step 10, case 2: the client says which."""
        self.serve("auth.external=true")
        client = self.client("two")
        self.assertIn("EXTERNAL", client.mechanisms)
        self.assertEqual(client.proves(), "invalid-authzid")
        self.assertEqual(client.proves(JULIET), "success")
        self.assertEqual(client.binds(), JULIET + "/garden")
        # One of each domain: there is no choice.
        for domain, jid in (("montague.example", ROMEO), ("capulet.example", ABROAD)):
            client = self.client("both", domain=domain)
            self.assertEqual(client.proves(), "success")
            self.assertEqual(client.binds(), jid + "/garden")

    def test_no_account_of_that_name(self):
        self.serve("auth.external=true")
        self.assertEqual(self.client("stranger").proves(), "not-authorized")
        self.jackdaw.do("user", "lock", ROMEO)
        self.assertEqual(self.client("romeo").proves(), "account-disabled")
        self.jackdaw.do("user", "unlock", ROMEO)
        self.assertEqual(self.client("romeo").proves(), "success")
        self.jackdaw.do("user", "delete", ROMEO)
        self.assertEqual(self.client("romeo").proves(), "not-authorized")

    def test_failures_come_to_an_end(self):
        """RFC 6120 §6.4.5: no endless tries."""
        self.serve("auth.external=true")
        romeo = self.client("romeo")
        for _ in range(10):
            self.assertEqual(romeo.proves(JULIET), "invalid-authzid")
        with self.assertRaises(Ended):
            while True:
                romeo.read()
        self.assertIn(b"<policy-violation", romeo.bytes)

    def test_a_real_client(self):
        """slixmpp logs in with its certificate, without a password, and talks to one with a password."""
        self.serve("auth.external=true")
        asyncio.run(self.talk())

    async def talk(self):
        romeo, juliet = Person(ROMEO + "/garden"), Person(JULIET + "/balcony")
        romeo.password = romeo.credentials["password"] = ""
        romeo.certfile, romeo.keyfile = NAMES["romeo"], NAMES["key"]
        romeo["feature_mechanisms"].use_mech = "EXTERNAL"
        await juliet.come(self.port)
        await romeo.come(self.port)
        self.assertEqual((romeo["feature_mechanisms"].mech.name, romeo.boundjid.full), ("EXTERNAL", ROMEO + "/garden"))
        romeo.send_message(JULIET, "Call me but love")
        self.assertEqual((await juliet.expect_message("Call me but love"))["from"], ROMEO + "/garden")
        juliet.send_message(ROMEO + "/garden", "How camest thou hither?")
        await romeo.expect_message("How camest thou hither?")
        await romeo.go()
        await juliet.go()


class Expiring(External):
    def test_a_session_ends_with_the_certificate_that_proved_it(self):
        """RFC 6120 §13.7.2.3."""
        self.serve("auth.external=true")
        NAMES["short"] = AUTHORITIES["ours"].sign_for(15, "short", xmpp(ROMEO))
        romeo, stays = self.client("short"), self.client("two")
        self.assertEqual((romeo.proves(), stays.proves(JULIET)), ("success", "success"))
        romeo.binds()
        stays.binds()
        romeo.until(rb"<stream:error><reset [^>]*/><text[^>]*>[^<]*has expired[^<]*</text></stream:error></stream:stream>")
        self.assert_unproven(self.client("short"), "it has expired")
        stays.send("<iq type='get' id='still' to='montague.example'><ping xmlns='urn:xmpp:ping'/></iq>")
        stays.until(rb"<iq [^>]*id='still'[^>]*>")


class Unproven(External):
    def test_certificates_that_prove_nothing(self):
        """RFC 6120 §13.7.2: whoever has one of these logs in as everybody else does; the handshake does not fail."""
        self.serve("auth.external=true")
        for name in (None, "forged", "self", "expired", "server", "abroad", "domain", "mail", "cn"):
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                self.assert_unproven(self.client(name, version), (name, version))

    def test_other_mechanisms_stay(self):
        self.serve("auth.external=true")
        for name in (None, "romeo", "forged", "abroad"):
            juliet = self.client(name)
            words = base64.b64encode(f"\0juliet\0{PASSWORD}".encode()).decode()
            juliet.send(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{words}</auth>")
            self.assertEqual(juliet.outcome(), "success", name)
            self.assertEqual(juliet.binds(), JULIET + "/garden")

    def test_before_tls(self):
        """RFC 6120 §6.3.4: what is in clear proves nothing."""
        self.serve("auth.external=true", "auth.require_tls=false")
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as stranger:
            stranger.sendall(HEADER.format("montague.example").encode())
            said = b""
            while b"</stream:features>" not in said:
                said += stranger.recv(65536)
        self.assertIn(b"<mechanism>SCRAM-SHA-256<", said)
        self.assertNotIn(b"EXTERNAL", said)

    def test_another_domain_by_sni(self):
        """Each domain has authorities of its own: who was verified by one's is unknown to the other."""
        self.serve("auth.external=true", f"domain.capulet.example.auth.external_ca={NAMES['theirs']}")
        self.assertEqual(self.client("both").proves(), "success")
        self.assert_unproven(self.client("both", domain="capulet.example"), "their authority")
        self.assert_unproven(self.client("both", domain="capulet.example", sni="montague.example"), "verified by ours")
        self.assert_unproven(self.client("forged", sni="capulet.example"), "verified by theirs")


class Setting(External):
    def test_off_by_default(self):
        self.serve()
        self.assertEqual(self.jackdaw.read("setting", "get", "auth.external")["value"], "false")
        self.assert_unproven(self.client("romeo"), "off")

    def test_one_domain_at_run_time(self):
        """It holds for the next connection; "auth.external" of one domain is not the other's."""
        self.serve()
        self.jackdaw.do("setting", "set", "auth.external", "true", "--domain", "montague.example")
        self.assertTrue(self.becomes("both", True))
        self.assert_unproven(self.client("both", domain="capulet.example"), "off for this domain")
        self.jackdaw.do("setting", "set", "auth.external", "false", "--domain", "montague.example")
        self.assertTrue(self.becomes("both", False))

    def test_an_authority_that_is_taken_away(self):
        """A connection that has not logged in yet proves nothing by an authority that is trusted no longer."""
        self.port = self.jackdaw.start("--set", "auth.external=true", "--set", "server.cores=1")
        self.jackdaw.do("setting", "set", "auth.external_ca", NAMES["ours"])
        self.assertTrue(self.becomes("romeo", True))
        early = self.client("romeo")
        self.assertIn("EXTERNAL", early.mechanisms)
        self.jackdaw.do("setting", "set", "auth.external_ca", NAMES["theirs"])
        self.assertTrue(self.becomes("romeo", False))
        self.assertEqual(self.client("forged").proves(), "success")
        self.assertEqual(early.proves(), "not-authorized")

    def test_the_mapping_is_chosen(self):
        """RFC 6120 §13.7.1.4 names one place; others only where the administrator says so (XEP-0178 §2, case 3)."""
        self.serve("auth.external=true")
        self.assertEqual(self.jackdaw.read("setting", "get", "auth.external_field")["value"], "xmppaddr")
        for field, name in (("email", "mail"), ("cn", "cn"), ("xmppaddr", "romeo")):
            self.jackdaw.do("setting", "set", "auth.external_field", field)
            self.assertTrue(self.becomes(name, True), field)
            for other in {"mail", "cn", "romeo"} - {name}:
                self.assert_unproven(self.client(other), (field, other))
            with self.client(name) as client:
                self.assertEqual(client.proves(JULIET), "invalid-authzid")
                self.assertEqual(client.proves(), "success")
                self.assertEqual(client.binds(), ROMEO + "/garden")
        self.assertIn("xmppaddr", self.jackdaw.refused("setting", "set", "auth.external_field", "uid"))

    def test_an_authority_that_cannot_be_read(self):
        """The server says so and does not start, or stays as it is."""
        missing = os.path.join(self.jackdaw.place.name, "nowhere.pem")
        said = self.jackdaw.refused("serve", "--set", "auth.external=true", "--set", f"auth.external_ca={missing}",
                                    "--set", "listen.client=127.0.0.1:0", "--set", "listen.tls=",
                                    "--set", "listen.server=")
        self.assertIn("auth.external_ca", said)
        self.port = self.jackdaw.start("--set", "auth.external=true")
        self.jackdaw.do("setting", "set", "auth.external_ca", NAMES["ours"])
        for wrong in (missing, NAMES["key"]):
            self.assertIn("auth.external_ca", self.jackdaw.refused("setting", "set", "auth.external_ca", wrong))
        self.assertTrue(self.becomes("romeo", True))
        self.assertEqual(self.client("romeo").proves(), "success")

    def becomes(self, certificate, offered):
        """Does a new connection with that certificate see EXTERNAL, or see it no more, in good time?"""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            with self.client(certificate) as client:
                if ("EXTERNAL" in client.mechanisms) == offered:
                    return True
        return False


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    logging.disable()
    with tempfile.TemporaryDirectory(prefix="jackdaw-e2e-certificates-") as place:
        make_certificates(place)
        unittest.main(verbosity=1)
