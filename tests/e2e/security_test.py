#!/usr/bin/env python3
"""Known attacks on streams between servers and on memory: a server over raw sockets says what it should not to the real
program. What one connection alone can show is in tests/talks/security; docs/security.md lists all.

    security_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import base64
import re
import resource
import socket
import ssl
import sys
import unittest

from authority import Authority
from program import Jackdaw
from raw_client import HEADER, Ended, RawClient

PROGRAM = sys.argv.pop(1)
PATIENCE = 30
PASSWORD = "r0m30myr0m30"
SERVER_HEADER = ("<?xml version='1.0'?><stream:stream xmlns='jabber:server' "
                 "xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' "
                 "from='{}' to='{}' version='1.0'{}>")
DIALBACK = "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"
STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
USAGE = "serverAuth, clientAuth"
OURS, OTHER, THEIRS = "localhost", "montague.example", "capulet.example"
MESSAGE = "<message from='{}' to='{}' id='{}'><body>hi</body></message>"


class Peer(RawClient):
    """A stream of another server's, opened by either side."""

    def __init__(self, connection):
        self.bytes = b""
        self.socket = connection
        self.socket.settimeout(PATIENCE)

    def header(self, number=None, source=THEIRS, target=OURS):
        """Sends a header, one with an id where the other side has opened the stream."""
        self.send(SERVER_HEADER.format(source, target, f" id='{number}'" if number else ""))

    def open(self, source=THEIRS):
        """As the one who connects: the id of the stream."""
        self.header(source=source)
        return re.search(r" id='([^']+)'", self.until(b"</stream:features>"))[1]

    def answer(self, number, features=DIALBACK):
        """As the one who was connected to."""
        self.until(b"<stream:stream [^>]*>")
        self.header(number)
        self.send(f"<stream:features>{features}</stream:features>")

    def verdict(self, key, number, source=THEIRS, target=OURS):
        """What the server says to the question whether that key is its own."""
        self.send(f"<db:verify from='{source}' to='{target}' id='{number}'>{key}</db:verify>")
        return re.search(" type='([^']*)'", self.until(rb"<db:verify [^>]*?(?:/>|>.*?</db:verify>)"))[1]

    def say_last(self, words):
        self.send(words + "</stream:stream>")
        self.socket.shutdown(socket.SHUT_WR)

    def condition(self):
        """Of the stream error that the server ends the stream with."""
        while not self.bytes.endswith(b"</stream:stream>"):
            self.read()
        return re.search(rb"<stream:error><([a-z-]+) ", self.bytes)[1].decode()

    def end(self):
        """All that still comes until the server closes the connection."""
        try:
            while True:
                self.read()
        except Ended as why:
            assert str(why) == "closed", why
        return self.bytes.decode()


class Attacks(unittest.TestCase):
    def setUp(self):
        self.jackdaw, self.port = self.serve()
        self.romeo = self.enter()

    def serve(self):
        """A server of its own, whose messages to capulet.example come to `self.theirs`."""
        self.theirs = socket.create_server(("127.0.0.1", 0))
        self.theirs.settimeout(PATIENCE)
        self.addCleanup(self.theirs.close)
        jackdaw = Jackdaw(PROGRAM)
        self.addCleanup(jackdaw.close)
        jackdaw.do("setup", "--domain", f"{OURS},{OTHER}", "--password-stdin", password=PASSWORD)
        jackdaw.do("user", "add", f"romeo@{OURS}", "--password-stdin", password=PASSWORD)
        settings = ("auth.require_tls=false", "auth.plain_without_tls=true", "listen.channels_per_address=0",
                    "c2s.rate=0", "s2s.enabled=true", "s2s.unlisted=wherever_possible", "dns.servers=127.0.0.1@9",
                    f"s2s.routes={THEIRS}=127.0.0.1:{self.theirs.getsockname()[1]}", *self.more_settings(jackdaw))
        return jackdaw, jackdaw.start(*(word for setting in settings for word in ("--set", setting)))

    def more_settings(self, _jackdaw):
        return ()

    def enter(self):
        romeo = RawClient(self.port, f"romeo@{OURS}", PASSWORD)
        self.addCleanup(romeo.close)
        return romeo

    def connect(self):
        made = Peer(socket.create_connection(("127.0.0.1", self.port), PATIENCE))
        self.addCleanup(made.close)
        return made

    def accept(self):
        made = Peer(self.theirs.accept()[0])
        self.addCleanup(made.close)
        return made

    def write_to_juliet(self):
        self.romeo.send(f"<message to='juliet@{THEIRS}' id='juliet'><body>Art thou there?</body></message>")

    def key_for(self, number):
        """The key that the server proves itself with on a stream of that id, and that stream."""
        self.write_to_juliet()
        peer = self.accept()
        peer.answer(number)
        found = re.search(f"<db:result from='{OURS}' to='{THEIRS}'>([^<]+)</db:result>", peer.until(b"</db:result>"))
        return found[1], peer

    def heard(self):
        """What romeo got until the server answered him now."""
        return self.romeo.ping("now")


class Keys(Attacks):
    def test_a_key_is_good_for_one_stream_and_one_pair(self):
        """CVE-2016-0756, XEP-0185 §3: no part of what a key stands for can be taken for a part of another."""
        key, _ = self.key_for("417")
        asks = self.connect()
        asks.open()
        self.assertEqual(asks.verdict(key, "417"), "valid")
        for number in ("", "41", "7", "4170", " 417", "417 ", f"{OURS} 417"):
            self.assertEqual(asks.verdict(key, number), "invalid", number)
        self.assertEqual(asks.verdict(key, "417", target=OTHER), "invalid")
        self.assertEqual(asks.verdict(key, "417", source="verona.example"), "invalid")
        self.assertEqual(asks.verdict(key, "417", source="example"), "invalid")
        for other in ("", key[:-1], key[1:], key + "0", key.upper(), "0" * len(key)):
            self.assertEqual(asks.verdict(other, "417"), "invalid", other)

    def test_each_server_has_a_secret_of_its_own(self):
        """CVE-2016-1232: what is known of one server's keys says nothing about another's."""
        key, _ = self.key_for("417")
        self.assertRegex(key, "^[0-9a-f]{64}$")
        _, self.port = self.serve()
        self.romeo = self.enter()
        other, _ = self.key_for("417")
        self.assertNotEqual(key, other)
        asks = self.connect()
        asks.open()
        self.assertEqual(asks.verdict(key, "417"), "invalid")

    def test_stream_ids_cannot_be_guessed(self):
        """RFC 6120 §4.7.3: of 128 random bits, and no two alike."""
        numbers = [self.connect().open() for _ in range(100)]
        self.assertEqual(len(set(numbers)), 100)
        self.assertEqual([number for number in numbers if not re.fullmatch("[0-9a-f]{32,}", number)], [])
        for begin in range(0, 32, 8):
            self.assertEqual(len({number[begin:begin + 8] for number in numbers}), 100, f"alike behind {begin}")


class Answers(Attacks):
    def claim(self):
        """Somebody says that he is capulet.example, whose own server is asked: both streams."""
        claims = self.connect()
        number = claims.open()
        claims.send(f"<db:result from='{THEIRS}' to='{OURS}'>abcdef</db:result>")
        asked = self.accept()
        asked.answer("31")
        question = asked.until(b"</db:verify>")
        self.assertIn(f"<db:verify from='{OURS}' to='{THEIRS}' id='{number}'>abcdef<", question)
        return claims, asked, number

    def test_only_the_answer_to_the_question_counts(self):
        """CVE-2012-3525, XEP-0220 §2.1.2: not of another id, domain or kind, nor said by the one who claims it."""
        claims, asked, number = self.claim()
        right = f"from='{THEIRS}' to='{OURS}' id='{number}'"
        for wrong in (f"db:verify from='{THEIRS}' to='{OURS}'", f"db:verify from='{THEIRS}' to='{OURS}' id='{number}0'",
                      f"db:verify from='verona.example' to='{OURS}' id='{number}'",
                      f"db:verify from='{THEIRS}' to='{OTHER}' id='{number}'",
                      f"db:verify from='{OURS}' to='{THEIRS}' id='{number}'", f"db:result {right}",
                      f"verify xmlns='urn:example' {right}"):
            asked.send(f"<{wrong} type='valid'/>")
        claims.send(f"<db:verify {right} type='valid'/><db:result {right} type='valid'/>")
        asked.say_last(f"<db:verify {right} type='invalid'/>")
        self.assertEqual(claims.condition(), "not-authorized")
        self.assertRegex(claims.bytes, b"<db:result [^>]* type='invalid'/>")
        self.assertNotIn(b"'valid'", claims.bytes)

    def test_what_was_proven_is_one_pair_of_domains(self):
        """RFC 6120 §8.1.2.2, XEP-0220 §2.3: no other senders, none of ours, no other recipients; nothing is relayed."""
        for sender, receiver in (("juliet@verona.example", f"romeo@{OURS}/raw"), (f"nurse@{OURS}", f"romeo@{OURS}/raw"),
                                 (OURS, f"romeo@{OURS}/raw"), (f"juliet@x.{THEIRS}", f"romeo@{OURS}/raw"),
                                 (f"juliet@{THEIRS}", f"romeo@{OTHER}"), (f"juliet@{THEIRS}", "nurse@verona.example"),
                                 (f"juliet@{THEIRS}", f"nurse@{THEIRS}")):
            with self.subTest(sender=sender, receiver=receiver):
                claims, asked, number = self.claim()
                asked.say_last(f"<db:verify from='{THEIRS}' to='{OURS}' id='{number}' type='valid'/>")
                claims.until(b"<db:result [^>]* type='valid'/>")
                claims.send(MESSAGE.format(f"juliet@{THEIRS}", f"romeo@{OURS}/raw", "true"))
                self.assertIn(f"from='juliet@{THEIRS}'", self.romeo.until(b"<message [^>]*id='true'.*?</message>"))
                claims.send(MESSAGE.format(sender, receiver, "false"))
                self.assertEqual(claims.condition(), "invalid-from")
                self.assertNotIn("false", self.heard())


class Crowd(Attacks):
    """Dialback's questions are few at once, and those about domains whose DNS is silent take long."""
    claim = Answers.claim

    def more_settings(self, _jackdaw):
        return ("server.cores=1",)

    def test_one_address_leaves_dialback_to_the_others(self):
        for stream in range(26):
            crowd = Peer(socket.create_connection(("127.0.0.1", self.port), PATIENCE, source_address=("127.0.0.2", 0)))
            self.addCleanup(crowd.close)
            crowd.open()
            crowd.send("".join(f"<db:result from='d{stream}x{i}.lan' to='{OURS}'>x</db:result>" for i in range(8)))
        self.assertIn("resource-constraint", crowd.until(b"</db:result>"))
        claims, asked, number = self.claim()
        asked.say_last(f"<db:verify from='{THEIRS}' to='{OURS}' id='{number}' type='valid'/>")
        claims.until(b"<db:result [^>]* type='valid'/>")


class StreamsOfOurs(Attacks):
    def test_what_comes_in_clear_behind_proceed_is_forgotten(self):
        """CVE-2011-0411 on the client's side, RFC 6120 §5.4.3.3: a header that somebody between adds is never read."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{self.jackdaw.data}/certs/{OURS}.pem", f"{self.jackdaw.data}/certs/{OURS}.key")
        self.write_to_juliet()
        peer = self.accept()
        peer.answer("before", STARTTLS + DIALBACK)
        peer.until(b"<starttls [^>]*/>")
        forged = SERVER_HEADER.format(THEIRS, OURS, " id='forged'") + f"<stream:features>{DIALBACK}</stream:features>"
        peer.send("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" + forged +
                  f"<db:result from='{THEIRS}' to='{OURS}' type='valid'/>")
        self.assertEqual(peer.bytes, b"")
        peer.socket = context.wrap_socket(peer.socket, server_side=True)
        peer.answer("true")
        key = re.search(">([^<]+)</db:result>", peer.until(b"</db:result>"))[1]
        asks = self.connect()
        asks.open()
        verdicts = {number: asks.verdict(key, number) for number in ("before", "forged", "true")}
        self.assertEqual(verdicts, {"before": "invalid", "forged": "invalid", "true": "valid"})
        self.assertEqual(peer.bytes, b"")
        peer.send(f"<db:result from='{THEIRS}' to='{OURS}' type='valid'/>")
        peer.until(b"<message [^>]*id='juliet'.*?</message>")

    def test_only_the_answer_to_our_proof_counts(self):
        """CVE-2012-3525, XEP-0220 §2.1.1: nothing is sent before it."""
        _, peer = self.key_for("417")
        for wrong in (f"db:result from='verona.example' to='{OURS}'", f"db:result from='{THEIRS}' to='{OTHER}'",
                      f"db:result from='{OURS}' to='{THEIRS}'", f"db:verify from='{THEIRS}' to='{OURS}' id='417'"):
            peer.send(f"<{wrong} type='valid'/>")
        peer.send(f"<db:result from='{THEIRS}' to='{OURS}' type='invalid'/>")
        self.assertNotIn("<message", peer.end())

    def test_nothing_is_taken_on_a_stream_that_goes_one_way(self):
        """XEP-0288 §2.2: without bidi the other server speaks on streams of its own, where it proves itself."""
        _, peer = self.key_for("417")
        peer.send(f"<db:result from='{THEIRS}' to='{OURS}' type='valid'/>")
        peer.until(b"<message [^>]*id='juliet'.*?</message>")
        peer.send(MESSAGE.format(f"juliet@{THEIRS}", f"romeo@{OURS}/raw", "false"))
        peer.send(MESSAGE.format(f"nurse@{OURS}", f"romeo@{OURS}/raw", "false"))
        peer.send("</stream:stream>")
        peer.end()
        self.assertNotIn("false", self.heard())


class BothWays(Attacks):
    """A server that offers streams both ways (XEP-0288) and then does as it likes."""

    def begin(self):
        """A message to juliet waits; the stream that is opened for it goes both ways, and asks for the proof."""
        self.write_to_juliet()
        peer = self.accept()
        peer.answer("417", DIALBACK + "<bidi xmlns='urn:xmpp:features:bidi'/><sm xmlns='urn:xmpp:sm:3'/>")
        peer.until(b"<bidi xmlns='urn:xmpp:bidi'/>.*</db:result>")
        return peer

    def test_an_end_in_one_breath_with_the_proof(self):
        """The stream is over before it is used: the message goes on the next one, and the server is there."""
        valid = f"<db:result from='{THEIRS}' to='{OURS}' type='valid'/>"
        for words in ("</stream:stream>", "<nothing-known/>", "<stream:error><reset xmlns='urn:ietf:params:xml:ns:"
                      "xmpp-streams'/></stream:error></stream:stream>", "<enabled xmlns='urn:xmpp:sm:3'/></stream:stream>"):
            with self.subTest(words):
                peer = self.begin()
                peer.send(valid + words)
                peer.end()
                self.romeo.ping("here")
                again = self.accept()
                again.answer("418")
                again.until(b"</db:result>")
                again.send(valid)
                again.until(b"<message [^>]*id='juliet'.*?</message>")
                again.close()
                self.jackdaw.do("queue", "reject", THEIRS)

    def test_only_its_own_domain_speaks_on_it(self):
        peer = self.begin()
        peer.send(f"<db:result from='{THEIRS}' to='{OURS}' type='valid'/>" +
                  MESSAGE.format(f"juliet@{THEIRS}", f"romeo@{OURS}/raw", "true"))
        self.romeo.until(b"<message [^>]*id='true'.*?</message>")
        peer.send(MESSAGE.format(f"nurse@{OURS}", f"romeo@{OURS}/raw", "false"))
        self.assertEqual(peer.condition(), "invalid-from")
        self.assertNotIn("false", self.heard())

    def test_questions_without_end_are_not_answered_to_who_does_not_read(self):
        """Memory is bounded: nothing more is read."""
        self.jackdaw.do("setting", "set", "s2s.rate", "0")
        peer = self.begin()
        peer.send(f"<db:result from='{THEIRS}' to='{OURS}' type='valid'/>")
        peer.socket.settimeout(3)
        question = f"<db:verify from='{THEIRS}' to='{OURS}' id='1'>abcdef</db:verify>" * 1000
        sent = 0
        with self.assertRaises(Ended):
            while sent < 200_000_000:
                peer.send(question)
                sent += len(question)
        self.romeo.ping("here")
        self.assertLess(sent, 100_000_000)


class Certificates(Attacks):
    def more_settings(self, jackdaw):
        self.authority = Authority(jackdaw.place.name, "ours")
        return (f"s2s.trusted_certificates={self.authority.certificate}",)

    def under_tls(self, certificate):
        """Somebody who shows it and says that he is capulet.example, and the features."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(certificate, self.authority.client_key)
        peer = self.connect()
        peer.open()
        peer.send(STARTTLS)
        peer.until(b"<proceed [^>]*/>")
        peer.socket = context.wrap_socket(peer.socket)
        peer.header()
        return peer, peer.until(b"</stream:features>")

    def external(self, peer, authzid=""):
        words = base64.b64encode(authzid.encode()).decode() or "="
        peer.send(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>{words}</auth>")

    def sign(self, name, *words, **how):
        return self.authority.sign(name, *words, usage=USAGE, **how)

    def genuine(self):
        return self.sign("genuine", f"DNS:{THEIRS}")

    def test_what_proves_nothing(self):
        """CVE-2014-3451, CVE-2021-32919, CVE-2025-59154, RFC 9525 §6: EXTERNAL is neither offered nor accepted."""
        wrong = {"signed by itself": self.authority.make("self", f"DNS:{THEIRS}", "/CN=A server", 30, USAGE,
                                                        ("-key", self.authority.client_key)),
                 "for another domain": self.sign("other", "DNS:verona.example"),
                 "for one below": self.sign("below", f"DNS:x.{THEIRS}"),
                 "for one that begins like it": self.sign("longer", f"DNS:{THEIRS}.verona.example"),
                 "for all names": self.sign("all", "DNS:*, DNS:*.example.example"),
                 "a common name": self.sign("common", "", f"/CN={THEIRS}"),
                 "a common name within another": self.sign("within", "", f"/CN=x CN={THEIRS}"),
                 "a common name beside": self.sign("beside", "DNS:verona.example", f"/CN={THEIRS}"),
                 "a mail address": self.sign("mail", f"email:juliet@{THEIRS}"),
                 "no more": self.sign("old", f"DNS:{THEIRS}", days=-1)}
        for why, certificate in wrong.items():
            with self.subTest(why):
                peer, features = self.under_tls(certificate)
                self.assertNotIn("EXTERNAL", features)
                self.external(peer)
                self.assertEqual(peer.condition(), "not-authorized")
                self.assertNotIn(b"<success", peer.bytes)

    def test_nobody_acts_for_another_domain(self):
        """RFC 6120 §6.3.8, XEP-0178 §3: the identity to act for is the one that the certificate proves."""
        for authzid in ("verona.example", OURS, f"juliet@{THEIRS}", f"{THEIRS}\0.verona.example"):
            with self.subTest(authzid):
                peer, features = self.under_tls(self.genuine())
                self.assertIn("<mechanism>EXTERNAL</mechanism>", features)
                self.external(peer, authzid)
                self.assertEqual(peer.condition(), "not-authorized")
                self.assertNotIn(b"<success", peer.bytes)

    def test_the_domains_stay_those_of_the_proof(self):
        """CVE-2018-10847: a header behind the proof that names others ends the stream."""
        others = ((THEIRS, OTHER, "policy-violation"), ("verona.example", OURS, "policy-violation"),
                  (THEIRS, "verona.example", "host-unknown"))
        for source, target, condition in others:
            with self.subTest(source=source, target=target):
                peer, _ = self.under_tls(self.genuine())
                self.external(peer, THEIRS)
                peer.until(rb"<success[^>]*>(</success>)?")
                peer.header(source=source, target=target)
                peer.send(MESSAGE.format("juliet@" + source, f"romeo@{OURS}/raw", "false"))
                self.assertEqual(peer.condition(), condition)
                self.assertNotIn("false", self.heard())
        peer, _ = self.under_tls(self.genuine())
        self.external(peer, THEIRS)
        peer.until(rb"<success[^>]*>(</success>)?")
        peer.open()
        peer.send(MESSAGE.format(f"juliet@{THEIRS}", f"romeo@{OURS}/raw", "true"))
        self.romeo.until(b"<message [^>]*id='true'.*?</message>")


class Memory(Attacks):
    def resident(self):
        """Bytes of the server's memory."""
        with open(f"/proc/{self.jackdaw.server.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize()

    def test_names_are_not_kept(self):
        """Names of elements, attributes, namespaces and ids, new ones again and again, cost nothing later."""
        def say(turn):
            for number in range(200):
                words = " ".join(f"<e{turn}-{number}-{i} a{turn}-{number}-{i}='' xmlns='urn:{turn}:{number}:{i}'/>"
                                 for i in range(60))
                self.romeo.send(f"<message to='romeo@{OURS}/no' type='error' id='{turn}-{number}'>{words}</message>")
            self.romeo.ping(f"turn-{turn}")
        say(0)
        before = self.resident()
        for turn in range(1, 13):
            say(turn)
        self.assertLess(self.resident() - before, 3 << 20)

    def test_strangers_leave_nothing_behind(self):
        """CVE-2026-43506: connections that are cut before a log-in, amid a header, an element or a SASL exchange."""
        begun = HEADER.format(OURS)
        auth = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-256'>biws"
        words = ("<stream:str", begun, begun + "<iq id='" + "x" * 5000, begun + auth, begun + STARTTLS,
                 SERVER_HEADER.format(THEIRS, OURS, "") + "<db:verify from='")

        def visit():
            for turn in range(50):
                for word in words:
                    with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as stranger:
                        stranger.sendall(word.encode())
                        if turn % 2:
                            stranger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.heard()
        for _ in range(2):
            visit()
        before = self.resident()
        for _ in range(8):
            visit()
        self.assertLess(self.resident() - before, 3 << 20)
        self.assertTrue(self.jackdaw.answers())


if __name__ == "__main__":
    unittest.main(verbosity=1)
