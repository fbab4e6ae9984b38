#!/usr/bin/env python3
"""SCRAM with every channel binding, and PLAIN: TLS by PyOpenSSL, SASL by aiosasl, both of Debian.

What is bound is computed by the client's own library from its own end of the connection; aiosasl also checks the
server's signature (RFC 5802 §3), so that a log-in that succeeds here has proven both sides.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import itertools
import logging
import re
import socket
import struct
import sys
import unittest

import aiosasl
from aiosasl.channel_binding import ChannelBindingProvider, TLSServerEndPoint
from aiosasl.scram import SCRAMHashInfo
from OpenSSL import SSL, crypto

from people import PASSWORD, PATIENCE, Stage
from raw_client import HEADER, Ended, RawClient

Stage.PROGRAM = sys.argv.pop(1)

SASL = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
TLS_1_2, TLS_1_3 = SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION
NO_EXTENDED_MASTER_SECRET = 1  # SSL_OP_NO_EXTENDED_MASTER_SECRET of openssl/ssl.h; PyOpenSSL has no name for it
HASHES = ("SHA-1", "SHA-256", "SHA-512")
# What a connection has to bind to, the strongest first: RFC 9266 §3 takes tls-unique away from TLS 1.3.
BINDINGS = {TLS_1_2: ["tls-exporter", "tls-unique", "tls-server-end-point"],
            TLS_1_3: ["tls-exporter", "tls-server-end-point"]}


class TlsSocket:
    """PyOpenSSL's end of a connection, with the words of a socket."""

    def __init__(self, plain, version, options=0, session=None):
        plain.settimeout(None)  # PyOpenSSL waits in the kernel only
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", PATIENCE, 0))
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_min_proto_version(version)
        context.set_max_proto_version(version)
        context.set_options(options)
        # A certificate is shown, and then looked at, in a full handshake only (RFC 5246 §7.3, RFC 8446 §2.2).
        self.resumed = True
        context.set_verify(SSL.VERIFY_PEER, self.look_at)
        self.plain, self.tls = plain, SSL.Connection(context, plain)
        self.tls.set_tlsext_host_name(b"localhost")
        if session:
            self.tls.set_session(session)
        self.tls.set_connect_state()
        self.tls.do_handshake()

    def look_at(self, *_):
        self.resumed = False
        return True

    def sendall(self, octets):
        self.told(self.tls.sendall, octets)

    def recv(self, size):
        return self.told(self.tls.recv, size)

    @staticmethod
    def told(do, what):
        try:
            return do(what)
        except SSL.ZeroReturnError:
            return b""
        except SSL.Error as why:
            raise OSError(repr(why)) from why

    def close(self):
        self.plain.close()


class Binding(ChannelBindingProvider):
    """`name` and its data as the client's end of the connection has it, or `data` instead."""

    def __init__(self, stream, name, data=None):
        self.name, self.data = name, data or self.of(stream.socket.tls, name, stream.socket.resumed)

    @staticmethod
    def of(tls, name, resumed):
        if name == "tls-exporter":  # RFC 9266 §2: the context is there, and empty
            return tls.export_keying_material(b"EXPORTER-Channel-Binding", 32, b"")
        if name == "tls-unique":  # RFC 5929 §3.1: the first Finished; the server's when a session is resumed
            return tls.get_peer_finished() if resumed else tls.get_finished()
        if name == "tls-server-end-point":  # RFC 5929 §4.1: the hash that signs the certificate
            certificate = tls.get_peer_certificate()
            signed_with = certificate.to_cryptography().signature_hash_algorithm.name
            return bytes.fromhex(certificate.digest(signed_with).decode().replace(":", ""))
        return b"what is nobody's"

    @property
    def cb_name(self):
        return self.name.encode()

    def extract_cb_data(self):
        return self.data


class Stream(RawClient, aiosasl.SASLInterface):
    """A stream up to the features, without TLS when there is no `version`; aiosasl speaks SASL on it."""

    def __init__(self, port, version=None, options=0, session=None):
        # Not that of RawClient: it logs in with a password.
        self.bytes, self.challenges = b"", []
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.features = self.opens()
        if version:
            self.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
            self.until(rb"<proceed[^>]*/>")
            self.socket = TlsSocket(self.socket, version, options, session)
            self.features = self.opens()
        self.mechanisms = re.findall("<mechanism>([^<]*)</mechanism>", self.features)
        self.bindings = re.findall("<channel-binding type='([^']*)'/>", self.features)

    def opens(self):
        self.send(HEADER.format("localhost"))
        return self.until(rb"</stream:features>")

    async def initiate(self, mechanism, payload=None):
        self.send(f"<auth {SASL} mechanism='{mechanism}'>{base64.b64encode(payload).decode()}</auth>")
        return self.answer()

    async def respond(self, payload):
        self.send(f"<response {SASL}>{base64.b64encode(payload).decode()}</response>")
        return self.answer()

    async def abort(self):
        self.send(f"<abort {SASL}/>")
        self.answer()

    def answer(self):
        """What the server says to the last word of SASL (RFC 6120 §6.4.3 to §6.4.6)."""
        fits = re.compile(rb"<(challenge|success)[^>]*?(?:/>|>([^<]*)</\1>)|"
                          rb"<failure[^>]*><([a-z-]*)/>(?:<text[^>]*>([^<]*)</text>)?</failure>")
        while not (found := fits.search(self.bytes)):
            self.read()
        self.bytes = self.bytes[found.end():]
        if found[3]:
            raise aiosasl.SASLFailure(found[3].decode(), (found[4] or b"").decode())
        payload = base64.b64decode(found[2]) if found[2] else None
        if found[1] == b"challenge":
            self.challenges.append(dict(part.split("=", 1) for part in payload.decode().split(",")))
        return found[1].decode(), payload

    async def scram(self, mechanism, binding=None, *, name="romeo", password=PASSWORD, thinks_server_cannot=False):
        """A whole exchange; raises what aiosasl does when it fails."""
        async def who():
            return name, password
        how = aiosasl.SCRAMPLUS(who, binding) if binding else aiosasl.SCRAM(who, after_scram_plus=thinks_server_cannot)
        # RFC 7677 §4: at least 4096 iterations; aiosasl refuses fewer. It has no row of its own for SHA-512.
        digest = re.match(r"SCRAM-(SHA-\d+)", mechanism)[1].replace("-", "").lower()
        await how.authenticate(aiosasl.SASLStateMachine(self), (mechanism, SCRAMHashInfo(digest, 1, 4096)))

    async def plain(self, password=PASSWORD):
        async def who():
            return "romeo", password
        await aiosasl.PLAIN(who).authenticate(aiosasl.SASLStateMachine(self), "PLAIN")

    def binds(self):
        """After the log-in (RFC 6120 §7.6): the full JID that the server gives, and it answers."""
        assert "<mechanism>" not in self.opens(), "mechanisms are offered after the log-in"
        self.send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                  "<resource>garden</resource></bind></iq>")
        jid = re.search("<jid>([^<]*)</jid>", self.until(rb"id='bind'.*?</iq>"))[1]
        self.ping("alive")
        return jid


class Bound(Stage):
    ACCOUNTS = ("romeo@localhost",)

    def stream(self, version=None, **how):
        made = Stream(self.port, version, **how)
        self.addCleanup(made.close)
        return made

    async def refusal(self, exchange):
        """The condition and the text of a failure."""
        with self.assertRaises((aiosasl.SASLFailure, aiosasl.AuthenticationFailure)) as refused:
            await exchange
        self.assertIsNotNone(refused.exception.opaque_error, f"by the client itself: {refused.exception}")
        return refused.exception.opaque_error, refused.exception.text

    async def assert_logs_in(self, stream, mechanism, binding=None):
        await stream.scram(mechanism, binding)
        self.assertEqual(stream.binds(), "romeo@localhost/garden", mechanism)


class EveryBinding(Bound):
    async def test_each_one_that_is_announced_logs_in_with_each_hash(self):
        """RFC 5802, RFC 7677, RFC 9266, RFC 5929; XEP-0440 §3: the announcement is what the connection has."""
        for version in BINDINGS:
            for digest, name in itertools.product(HASHES, BINDINGS[version]):
                stream = self.stream(version)
                self.assertEqual(stream.bindings, BINDINGS[version])
                await self.assert_logs_in(stream, f"SCRAM-{digest}-PLUS", Binding(stream, name))

    async def test_none_that_is_not_announced_is_taken(self):
        """RFC 9266 §3: TLS 1.3 has no tls-unique; "rose" is no binding at all. The stream goes on."""
        for version, names in ((TLS_1_3, ["tls-unique", "rose"]), (TLS_1_2, ["rose", "tls-unique-for-telnet"])):
            stream = self.stream(version)
            for name in names:
                self.assertNotIn(name, stream.bindings)
                for digest in HASHES:
                    refused = await self.refusal(stream.scram(f"SCRAM-{digest}-PLUS", Binding(stream, name)))
                    self.assertEqual(refused[0], "not-authorized", name)
            await self.assert_logs_in(stream, "SCRAM-SHA-256-PLUS", Binding(stream, "tls-exporter"))

    async def test_without_extended_master_secret_only_the_certificate_is_bound(self):
        """RFC 7627 §5.4, RFC 9266 §4: without it TLS 1.2 has no keys that are this connection's alone."""
        stream = self.stream(TLS_1_2, options=NO_EXTENDED_MASTER_SECRET)
        self.assertEqual(stream.bindings, ["tls-server-end-point"])
        for name in ("tls-exporter", "tls-unique"):
            refused = await self.refusal(stream.scram("SCRAM-SHA-256-PLUS", Binding(stream, name)))
            self.assertEqual(refused[0], "not-authorized", name)
        await self.assert_logs_in(stream, "SCRAM-SHA-256-PLUS", Binding(stream, "tls-server-end-point"))

    async def test_a_resumed_session_has_bindings_of_its_own(self):
        """RFC 5929 §3.1: the first Finished is the server's then; RFC 9266 §2: the exporter's data are new."""
        for version in BINDINGS:
            first = self.stream(version)
            session, before = first.socket.tls.get_session(), Binding(first, "tls-exporter").data
            for name in BINDINGS[version]:
                stream = self.stream(version, session=session)
                self.assertEqual((first.socket.resumed, stream.socket.resumed), (False, True))
                self.assertEqual(stream.bindings, BINDINGS[version])
                self.assertNotEqual(Binding(stream, "tls-exporter").data, before)
                await self.assert_logs_in(stream, "SCRAM-SHA-256-PLUS", Binding(stream, name))


class Certificates(Bound):
    async def test_the_certificates_own_hash_is_bound(self):
        """RFC 5929 §4.1: that of the signature; SHA-256 where it is SHA-1. A reload brings the new certificate."""
        for digest in ("sha1", "sha256", "sha384", "sha512"):
            self.give_certificate(digest)
            self.jackdaw.do("reload")
            for version in BINDINGS:
                stream = self.stream(version)
                theirs = TLSServerEndPoint(stream.socket.tls)  # knows certificates signed by RSA only
                signed_with = stream.socket.tls.get_peer_certificate().get_signature_algorithm()
                self.assertEqual(signed_with, f"{digest}WithRSAEncryption".encode())
                await self.assert_logs_in(stream, "SCRAM-SHA-256-PLUS", theirs)

    def give_certificate(self, digest):
        """A new one of its own, RSA, in place of localhost's."""
        key, made = crypto.PKey(), crypto.X509()
        key.generate_key(crypto.TYPE_RSA, 2048)
        made.set_version(2)
        made.set_serial_number(1)
        made.get_subject().CN = "localhost"
        made.set_issuer(made.get_subject())
        made.set_pubkey(key)
        made.gmtime_adj_notBefore(-3600)
        made.gmtime_adj_notAfter(86400)
        made.sign(key, digest)
        for end, octets in (("pem", crypto.dump_certificate(crypto.FILETYPE_PEM, made)),
                            ("key", crypto.dump_privatekey(crypto.FILETYPE_PEM, key))):
            with open(f"{self.jackdaw.data}/certs/localhost.{end}", "wb") as file:
                file.write(octets)


class SomebodyBetween(Bound):
    async def test_wrong_data_are_refused(self):
        """RFC 5802 §5.1 (c): what is bound on another connection, and one bit too many. The stream goes on."""
        for version in BINDINGS:
            for name in BINDINGS[version]:
                stream, other = self.stream(version), self.stream(version)
                right = Binding(stream, name)
                wrong = [Binding(stream, name, data=bytes([right.data[0] ^ 1]) + right.data[1:]),
                         Binding(stream, name, data=right.data[:-1])]
                if name != "tls-server-end-point":  # that is the same on every connection with this certificate
                    wrong.append(Binding(other, name))
                for binding in wrong:
                    refused = await self.refusal(stream.scram("SCRAM-SHA-256-PLUS", binding))
                    self.assertEqual(refused, ("not-authorized", "the channel bindings do not match"))
                await self.assert_logs_in(stream, "SCRAM-SHA-256-PLUS", right)

    async def test_a_downgrade_is_refused(self):
        """RFC 5802 §6: "y" where -PLUS was offered: somebody took it off the list; "n" is a client's right."""
        for version in BINDINGS:
            for digest in HASHES:
                stream = self.stream(version)
                self.assertIn(f"SCRAM-{digest}-PLUS", stream.mechanisms)
                refused = await self.refusal(stream.scram(f"SCRAM-{digest}", thinks_server_cannot=True))
                self.assertEqual(refused[0], "not-authorized")
                self.assertEqual(stream.challenges, [], "refused before anything is asked")
                await self.assert_logs_in(stream, f"SCRAM-{digest}")

    async def test_mechanism_and_binding_belong_together(self):
        """RFC 5802 §6: -PLUS without a binding, a binding without -PLUS."""
        stream = self.stream(TLS_1_3)
        self.assertEqual((await self.refusal(stream.scram("SCRAM-SHA-256-PLUS")))[0], "malformed-request")
        exporter = Binding(stream, "tls-exporter")
        self.assertEqual((await self.refusal(stream.scram("SCRAM-SHA-256", exporter)))[0], "malformed-request")
        await self.assert_logs_in(stream, "SCRAM-SHA-256-PLUS", exporter)

    async def test_the_client_checks_the_server(self):
        """RFC 5802 §3: with another signature than the server's the same exchange fails at the client."""
        stream = self.stream(TLS_1_3)
        true_answer = stream.answer

        def forged():
            kind, payload = true_answer()
            return kind, b"v=" + base64.b64encode(b"somebody else's") if kind == "success" else payload
        stream.answer = forged
        with self.assertRaisesRegex(aiosasl.SASLFailure, "server signature invalid"):
            await stream.scram("SCRAM-SHA-256-PLUS", Binding(stream, "tls-exporter"))


class Passwords(Bound):
    async def test_plain_under_tls(self):
        """RFC 4616, RFC 6120 §6.3.4: offered last; the wrong password is refused."""
        for version in BINDINGS:
            stream = self.stream(version)
            self.assertEqual(stream.mechanisms, [f"SCRAM-{d}-PLUS" for d in reversed(HASHES)]
                             + [f"SCRAM-{d}" for d in reversed(HASHES)] + ["PLAIN"])
            self.assertEqual((await self.refusal(stream.plain("wherefore")))[0], "not-authorized")
            await stream.plain()
            self.assertEqual(stream.binds(), "romeo@localhost/garden")

    async def test_nothing_in_clear(self):
        """RFC 6120 §5.3.1, §13.8.1: TLS is required, no mechanism is there before it, and PLAIN ends the stream."""
        stream = self.stream()
        self.assertIn("<required/>", stream.features)
        self.assertEqual((stream.mechanisms, stream.bindings), ([], []))
        with self.assertRaises(Ended):
            await stream.plain()
        self.assertIn(b"<not-authorized", stream.bytes)
        self.assertNotIn(b"<success", stream.bytes)

    async def test_a_wrong_password(self):
        """RFC 5802 §3, RFC 6120 §6.5.10: refused by every SCRAM; the stream goes on."""
        for mechanisms in ([f"SCRAM-{digest}-PLUS" for digest in HASHES], [f"SCRAM-{digest}" for digest in HASHES]):
            stream = self.stream(TLS_1_3)
            for mechanism in mechanisms:
                exporter = Binding(stream, "tls-exporter") if "PLUS" in mechanism else None
                refused = await self.refusal(stream.scram(mechanism, exporter, password="wherefore"))
                self.assertEqual(refused[0], "not-authorized", mechanism)
            await self.assert_logs_in(stream, mechanisms[0], exporter)

    async def test_an_unknown_name_looks_like_a_known_one(self):
        """RFC 6120 §13.11, RFC 5802 §9: the same kind of challenge, the same salt each time, the same refusal."""
        asked = {name: await self.ask(name) for name in ("romeo", "mercutio", "tybalt")}
        for digest in range(len(HASHES)):
            known, *unknown = (asked[name][0][digest] for name in asked)
            for challenge in unknown:
                self.assertEqual(list(challenge), list(known))
                self.assertEqual(challenge["i"], known["i"])
                self.assertEqual([len(challenge[part]) for part in "rs"], [len(known[part]) for part in "rs"])
            self.assertEqual(len({challenge["s"] for challenge in (known, *unknown)}), 3, "each name has its salt")
        self.assertEqual(len({str(refusals) for _, refusals in asked.values()}), 1, "the refusals tell them apart")
        # Also after a restart.
        self.assertEqual(self.jackdaw.end(), 0)
        self.port = self.jackdaw.start()
        for name, (challenges, refusals) in asked.items():
            again = await self.ask(name)
            self.assertEqual([challenge["s"] for challenge in again[0]], [challenge["s"] for challenge in challenges])
            self.assertEqual(again[1], refusals)

    async def ask(self, name):
        """The challenges and the refusals for a wrong password, one of each hash."""
        stream = self.stream(TLS_1_3)
        refusals = [await self.refusal(stream.scram(f"SCRAM-{digest}", name=name, password="wherefore"))
                    for digest in HASHES]
        return stream.challenges, refusals


class InClear(Bound):
    SETTINGS = ("auth.require_tls=false",)

    async def test_scram_without_bindings(self):
        """RFC 5802 §6: nothing to bind to, so no -PLUS is offered, and "y" is as good as "n"; XEP-0440: no list."""
        for digest, thinks_server_cannot in itertools.product(HASHES, (False, True)):
            stream = self.stream()
            self.assertEqual(stream.mechanisms, [f"SCRAM-{d}" for d in reversed(HASHES)])
            self.assertNotIn("sasl-channel-binding", stream.features)
            await stream.scram(f"SCRAM-{digest}", thinks_server_cannot=thinks_server_cannot)
            self.assertEqual(stream.binds(), "romeo@localhost/garden")

    async def test_plain_is_refused(self):
        """RFC 6120 §6.3.4, §6.5.7: it is not offered without TLS, and invalid when it is tried."""
        stream = self.stream()
        self.assertEqual((await self.refusal(stream.plain()))[0], "invalid-mechanism")
        await self.assert_logs_in(stream, "SCRAM-SHA-256")


if __name__ == "__main__":
    logging.disable()
    unittest.main(verbosity=1)
