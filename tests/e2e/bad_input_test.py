#!/usr/bin/env python3
"""Everything that RFC 6120 forbids to send, sent to the real program by a raw client under TLS. Each time the condition
that the RFC names arrives, the log and the counters tell it, and two slixmpp clients talk on as if nothing had been.

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import base64
import re
import socket
import ssl
import sys
import time
import unittest
import xml.etree.ElementTree as ET

from people import PASSWORD, PATIENCE, Stage
from raw_client import HEADER, Ended, RawClient

Stage.PROGRAM = sys.argv.pop(1)
STREAMS = "{urn:ietf:params:xml:ns:xmpp-streams}"
STANZAS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"
MOST = 512 * 1024  # c2s.max_stanza
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
TLS.check_hostname, TLS.verify_mode = False, ssl.CERT_NONE
TO = "to='juliet@localhost/balcony'"


def body(inside):
    return f"<message {TO}><body>".encode() + inside + b"</body></message>"


def header(**changes):
    """A stream header with these attributes instead of the usual ones; None: without it."""
    usual = {"xmlns": "jabber:client", "xmlns_stream": "http://etherx.jabber.org/streams", "to": "localhost",
             "version": "1.0"}
    words = [f"{name.replace('_', ':')}='{value}'" for name, value in {**usual, **changes}.items() if value]
    return f"<stream:stream {' '.join(words)}>".encode()


# Instead of a stream header.
AT_FIRST = (
    ("not-well-formed", "no XML (§4.9.3.13)", b"GET / HTTP/1.1\r\n\r\n"),
    ("not-well-formed", "an attribute twice", header().replace(b"version", b"to='localhost' version")),
    ("not-well-formed", "an invalid byte", header(to="local.").replace(b"local.", b"local\xff")),
    ("restricted-xml", "a document type (§11.1)", b"<!DOCTYPE lolz [<!ENTITY lol 'lol'>]>" + header()),
    ("restricted-xml", "a comment", b"<!-- hello -->" + header()),
    ("restricted-xml", "a processing instruction", b"<?xml-stylesheet href='a'?>" + header()),
    ("unsupported-version", "an earlier one (§4.7.5)", header(version="0.9")),
    ("unsupported-version", "no number", header(version="rose")),
    ("unsupported-encoding", "Latin-1 (§4.9.3.22)", b"<?xml version='1.0' encoding='ISO-8859-1'?>" + header()),
    ("unsupported-encoding", "UTF-16 (§11.6)", header().decode().encode("utf-16")),
    ("bad-namespace-prefix", "no prefix for streams (§4.9.3.2)", header(xmlns_stream=None)),
    ("invalid-namespace", "of the stream (§4.9.3.10)", header(xmlns_stream="urn:rose")),
    ("invalid-namespace", "of the stanzas", header(xmlns="urn:rose")),
    ("bad-format", "not <stream/> (§4.9.3.1)", header().replace(b"<stream:stream", b"<stream:river")),
    ("host-unknown", "a domain of others (§4.9.3.6)", header(to="verona.example")),
    ("host-unknown", "no domain at all", header(to="a b")),
    ("improper-addressing", "no domain (§4.9.3.7)", header(to=None)),
    ("policy-violation", "a header without end (§13.12)", b"<stream:stream " + b" " * 12000 + header()[15:]),
)

# Before the log-in.
TOO_EARLY = (
    ("not-authorized", "a message (§4.9.3.12)", f"<message {TO}><body>early</body></message>".encode()),
    ("not-authorized", "presence", b"<presence/>"),
    ("not-authorized", "binding", b"<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"),
    ("not-authorized", "stream management", b"<enable xmlns='urn:xmpp:sm:3'/>"),
    ("not-well-formed", "tags that do not match", b"<message></presence>"),
    ("restricted-xml", "a comment", b"<!-- hello -->"),
    ("bad-format", "text", b"hello"),
    ("policy-violation", "more than 10,000 bytes", b"<auth>" + b"A" * 12000),
    ("policy-violation", "more than 32 elements", b"<a>" + b"<b/>" * 40),
    ("policy-violation", "more than 16 levels", b"<a>" * 20),
    ("policy-violation", "more than 64 KiB in all", b" " * 70000),
)

# Behind the log-in: XML.
BAD_XML = (
    ("not-well-formed", "tags that do not match (§4.9.3.13)", b"<message><body>unfinished</message>"),
    ("not-well-formed", "another closing tag", b"</stream:river>"),
    ("not-well-formed", "an attribute twice", b"<message id='1' id='1'/>"),
    ("not-well-formed", "twice under two prefixes", b"<a xmlns:x='urn:x' xmlns:y='urn:x' x:b='' y:b=''/>"),
    ("not-well-formed", "no quotes", b"<message id=1/>"),
    ("not-well-formed", "no value", b"<message id/>"),
    ("not-well-formed", "no blank", b"<message id='1'to='2'/>"),
    ("not-well-formed", "a tag in an attribute", b"<message id='<'/>"),
    ("not-well-formed", "a name that is none", b"<1/>"),
    ("not-well-formed", "]]> in text", body(b"]]>")),
    ("not-well-formed", "a declaration of nothing", b"<message xmlns:x=''/>"),
    ("not-well-formed", "an XML declaration's prefix", b"<message xmlns:xmlns='urn:x'/>"),
    ("not-well-formed", "no UTF-8 (§11.6)", body(b"\xff")),
    ("not-well-formed", "an overlong form", body(b"\xc0\xaf")),
    ("not-well-formed", "a surrogate", body(b"\xed\xa0\x80")),
    ("not-well-formed", "beyond Unicode", body(b"\xf4\x90\x80\x80")),
    ("not-well-formed", "half a character", body(b"\xe2\x82")),
    ("not-well-formed", "no UTF-8 in an attribute", b"<message id='\xff'/>"),
    ("not-well-formed", "a control character (XML 1.0 §2.2)", body(b"\x01")),
    ("not-well-formed", "a zero", body(b"\x00")),
    ("not-well-formed", "U+FFFE", body(b"\xef\xbf\xbe")),
) + tuple(("not-well-formed", f"a reference {name}", body(name.encode())) for name in (
    "&#1;", "&#0;", "&#xD800;", "&#xFFFE;", "&#x110000;", "&#;", "&#x;", "&")) + (
    ("restricted-xml", "an entity (§4.9.3.18, §11.1)", body(b"&lol;")),
    ("restricted-xml", "an entity in an attribute", b"<message id='&lol;'/>"),
    ("restricted-xml", "a comment", body(b"<!-- a secret -->")),
    ("restricted-xml", "a processing instruction", body(b"<?target data?>")),
    ("restricted-xml", "a document type", b"<!DOCTYPE a [<!ENTITY lol 'lol'>]>"),
    ("bad-namespace-prefix", "of an element (§4.9.3.2)", b"<message><x:body/></message>"),
    ("bad-namespace-prefix", "of an attribute", b"<message x:id='1'/>"),
    ("bad-format", "text between stanzas (§4.9.3.1, §11.7)", b"hello"),
)

# Behind the log-in: well-formed, but not what a client may say.
BAD_STANZAS = (
    ("invalid-namespace", "a stanza of servers (§4.9.3.10)", f"<message xmlns='jabber:server' {TO}/>".encode()),
    ("unsupported-stanza-type", "no stanza (§4.9.3.24)", b"<pubsub/>"),
    ("unsupported-stanza-type", "of another namespace", b"<rose xmlns='urn:rose'/>"),
    ("unsupported-stanza-type", "a stanza's name in it", b"<message xmlns='urn:rose'/>"),
) + tuple(("invalid-from", f"{name!r} (§4.9.3.9, §8.1.2.1)", f"<message from='{name}' {TO}/>".encode()) for name in (
    "romeo@localhost/garden", "tybalt@localhost/other", "localhost", "tybalt@verona.example", "@", ""))

# Behind the log-in: what costs too much (§4.9.3.14, §13.12). The middle word is from the log.
TOO_MUCH = (
    ("larger", "a stanza", body(b"x" * (MOST + 1))),
    ("larger", "a name", b"<message>" + b"<" + b"n" * 1100 + b"/></message>"),
    ("larger", "a stanza without end", b"<message id='" + b"x" * (MOST + 1)),
    ("elements", "children", b"<message>" + b"<a/>" * 65600 + b"</message>"),
    ("deeper", "levels", b"<message>" + b"<a>" * 300 + b"</a>" * 300 + b"</message>"),
    ("attributes", "attributes", b"<message " + b" ".join(b"a%d=''" % i for i in range(200)) + b"/>"),
    ("namespaces", "declarations", b"<message " + b" ".join(b"xmlns:n%d='urn:n'" % i for i in range(80)) + b"/>"),
    ("namespaces", "declarations one in the other", b"".join(b"<a xmlns:n%d='urn:n'>" % i for i in range(80))),
    ("namespaces", "a long name of one", b"<message xmlns:n='" + b"n" * 2000 + b"'/>"),
    # What would grow when it is written for others: references, and a namespace for each of many elements.
    ("larger", "CDATA", body(b"<![CDATA[" + b"&" * 150_000 + b"]]>")),
    ("larger", "prefixes", b"<message xmlns:n='" + b"n" * 1000 + b"'>" + b"<n:a/>" * 2000 + b"</message>"),
)

# Behind the log-in: answered with a stanza error.
PING = "<ping xmlns='urn:xmpp:ping'/>"
BAD_ADDRESSES = tuple(("jid-malformed", f"<message to='{to}' id='x'><body>a</body></message>") for to in (
    "@localhost", "juliet@", "a b@localhost", "juliet@localhost/", "a&quot;b@localhost", "a@b@c", "",
    "a" * 1024 + "@localhost", "juliet@localhost/" + "a" * 1024, "juliet@" + "a" * 64 + ".example")) + (
    ("jid-malformed", "<presence to='a@b@c' id='x'/>"),
    ("jid-malformed", f"<iq to='@' type='get' id='x'>{PING}</iq>"),
    ("bad-request", f"<iq type='rose' id='x'>{PING}</iq>"),
    ("bad-request", f"<iq id='x'>{PING}</iq>"),
    ("bad-request", f"<iq type='get' id='x'>{PING}{PING}</iq>"),
    ("bad-request", "<iq type='get' id='x'/>"),
    ("bad-request", f"<iq type='get'>{PING}</iq>"),
    ("bad-request", "<presence type='rose' id='x'/>"),
)


class Stranger(RawClient):
    """A connection behind TLS and, with a resource, a session of tybalt's."""

    def __init__(self, port, resource=None, opened=True):
        # Not that of RawClient: it logs in without TLS.
        self.bytes, self.last_stream = b"", b""
        self.socket = TLS.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
        if opened or resource:
            self.open()
        if resource:
            words = base64.b64encode(f"\0tybalt\0{PASSWORD}".encode()).decode()
            self.send(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{words}</auth>")
            self.until(rb"<success[^>]*>(</success>)?")
            self.open()
            self.send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                      f"<resource>{resource}</resource></bind></iq>")
            self.until(rb"id='bind'.*?</iq>")

    def open(self):
        self.send(HEADER.format("localhost"))
        self.last_stream = self.until(rb"</stream:features>").encode()

    def send_bytes(self, words, at_once=1 << 20):
        """As much of it as the server wants to have: what it will not read any more is not an error here."""
        try:
            for begin in range(0, len(words), at_once):
                self.socket.sendall(words[begin:begin + at_once])
        except OSError:
            pass

    def end(self):
        """The children of the server's last stream, when it has closed that and the connection."""
        try:
            while True:
                self.read()
        except Ended as why:
            assert str(why) == "closed", why
        return list(ET.fromstring(self.last_stream + self.bytes))


class Watched(Stage):
    """Everything about connections is in the log; romeo and juliet are there."""

    SETTINGS = ("log.level=low-level", f"c2s.max_stanza={MOST}", "c2s.rate=0", "c2s.max_resources=100")

    async def asyncSetUp(self):
        self.romeo = await self.enter("romeo@localhost/garden")
        self.juliet = await self.enter("juliet@localhost/balcony")
        (self.tls_port,) = (int(found[1]) for line in self.jackdaw.lines
                            if (found := re.match(r"Listening on 127\.0\.0\.1:(\d+) \(TLS\)", line)))
        self.accepted, self.sent = 2, 0

    def counters(self):
        """Those that are not zero."""
        lines = (line.rsplit(" ", 1) for line in self.jackdaw.do("metrics").splitlines() if line[:1] not in "#")
        return {name: int(value) for name, value in lines if value != "0" and (
            "stream_errors" in name or "malformed" in name or "failures" in name)}

    def grown(self, before):
        return {name: value - before.get(name, 0) for name, value in self.counters().items()
                if value != before.get(name, 0)}

    async def line(self, pattern):
        """The last line of the log that fits, when the log has it: it is written by and by."""
        until = time.monotonic() + PATIENCE
        while True:
            fits = [line for line in list(self.jackdaw.lines) if re.search(pattern, line)]
            if fits and (pattern != "accepted" or len(fits) >= self.accepted):
                return fits[-1]
            self.assertLess(time.monotonic(), until, f"{pattern!r} is not in the log")
            await asyncio.sleep(0.01)

    async def stranger(self, **how):
        """A stranger, and the tag and number that the log has for it."""
        await self.line("accepted")
        made = await asyncio.to_thread(Stranger, self.tls_port, **how)
        self.addCleanup(made.close)
        self.accepted += 1
        number = re.search(r"XMPPI-(\d+) connection accepted", await self.line("accepted"))[1]
        return made, f"{'XMPPS' if 'resource' in how else 'XMPPI'}-{number}"

    async def talk_on(self):
        """What comes to her next is what he says now."""
        self.sent += 1
        self.romeo.send_message("juliet@localhost/balcony", f"Sweet, {self.sent}")
        got = await self.juliet.expect(lambda stanza: True)
        self.assertEqual((got.name, got["body"]), ("message", f"Sweet, {self.sent}"))

    async def refuse(self, cases, at_once=1 << 20, **how):
        """Each of the cases ends a stream of its own, and nothing else."""
        for condition, what, words in cases:
            with self.subTest(what, condition=condition):
                before = self.counters()
                stranger, tag = await self.stranger(**how)
                await asyncio.to_thread(stranger.send_bytes, words, at_once)
                heard = await asyncio.to_thread(stranger.end)
                # RFC 6120 §4.9.1.1: the error is the last word. §4.9.2: the condition stands first.
                self.assertEqual(heard[-1].tag, "{http://etherx.jabber.org/streams}error")
                self.assertEqual(heard[-1][0].tag, STREAMS + condition)
                self.assertEqual(self.grown(before), {f'jackdaw_stream_errors_total{{condition="{condition}"}}': 1})
                said = await self.line(f" 3 {tag} stream ended")
                self.assertIn(f"condition={condition} ", said)
                # What was sent is not repeated in the log.
                self.assertNotIn("lol", said)
                self.assertIn("jid=tybalt@localhost/street" if "resource" in how else "address=127.0.0.1", said)
                await self.talk_on()
        self.assertEqual((await self.romeo.settle(), await self.juliet.settle()), ([], []))
        self.assertEqual({one["jid"] for one in self.jackdaw.read("session", "list")},
                         {"romeo@localhost/garden", "juliet@localhost/balcony"})


class BadInput(Watched):
    async def test_a_bad_header_gets_a_header_and_the_reason(self):
        """RFC 6120 §4.9.1.2."""
        await self.refuse(AT_FIRST, opened=False)

    async def test_nothing_is_served_before_the_log_in(self):
        await self.refuse(TOO_EARLY)

    async def test_xml_that_is_none_ends_a_session(self):
        await self.refuse(BAD_XML, resource="street")

    async def test_it_is_the_same_byte_by_byte(self):
        """RFC 6120 §11: streams are read as they come; each byte is a TLS record of its own."""
        await self.refuse([case for case in AT_FIRST if len(case[2]) < 300], 1, opened=False)
        await self.refuse(BAD_XML, 1, resource="street")

    async def test_stanzas_that_a_client_may_not_send_end_its_session(self):
        await self.refuse(BAD_STANZAS, resource="street")

    async def test_what_costs_too_much_ends_a_session(self):
        """RFC 6120 §4.9.3.14; the log names the limit."""
        for why, what, words in TOO_MUCH:
            await self.refuse([("policy-violation", what, words)], resource="street")
            self.assertRegex(await self.line("stream ended"), f'why=".*{why}', what)

    async def test_a_wrong_address_is_answered_and_the_session_goes_on(self):
        """RFC 6120 §8.3.3.8, §8.3.3.1, §8.2.3: stanza errors; RFC 7622 §3 says what is no JID."""
        tybalt, tag = await self.stranger(resource="street")
        for condition, words in BAD_ADDRESSES:
            with self.subTest(words[:60]):
                before = self.counters()
                tybalt.send(words)
                answer = ET.fromstring(await asyncio.to_thread(tybalt.until, rb"<(iq|message|presence) .*?</\1>"))
                self.assertEqual((answer.get("type"), answer.get("id", "x")), ("error", "x"))
                self.assertIsNotNone(answer.find(f".//{STANZAS}{condition}"))
                self.assertEqual(self.grown(before), {"jackdaw_stanzas_malformed_total": 1})
                await self.line(f" 4 {tag} stanza refused condition={condition} kind={answer.tag}")
                await self.talk_on()
        await asyncio.to_thread(tybalt.ping, "alive")

    async def test_all_at_once_disturb_nobody(self):
        """Every bad input on a connection of its own, while romeo and juliet talk."""
        cases = [*BAD_XML, *BAD_STANZAS, *(("policy-violation", *case[1:]) for case in TOO_MUCH)]

        def misbehave(number, condition, words):
            stranger = Stranger(self.tls_port, resource=f"street{number}")
            stranger.send_bytes(words)
            heard = stranger.end()
            stranger.close()
            return heard[-1][0].tag == STREAMS + condition

        before = self.counters()
        everybody = asyncio.gather(*(asyncio.to_thread(misbehave, number, condition, words)
                                     for number, (condition, _, words) in enumerate(cases)))
        while not everybody.done():
            await self.talk_on()
        self.assertEqual([case[:2] for case, as_told in zip(cases, await everybody) if not as_told], [])
        counted = {}
        for condition, *_ in cases:
            name = f'jackdaw_stream_errors_total{{condition="{condition}"}}'
            counted[name] = counted.get(name, 0) + 1
        self.assertEqual(self.grown(before), counted)
        self.assertEqual((await self.romeo.settle(), await self.juliet.settle()), ([], []))


class Quiet(Watched):
    SETTINGS = ()

    async def test_strangers_do_not_fill_the_log_unless_it_is_asked_for(self):
        """At the usual log.level there is nothing about them; at "problems" there is."""
        def misbehave():
            stranger = Stranger(self.tls_port)
            stranger.send_bytes(b"<message></presence>")
            stranger.end()
            stranger.close()
        await asyncio.to_thread(misbehave)
        # The log is written in order: the command came later.
        self.jackdaw.do("setting", "set", "roster.max_items", "999")
        await self.line("ADMIN operation done operation=.?setting set roster")
        self.assertEqual([line for line in self.jackdaw.lines if "XMPP" in line], [])
        self.jackdaw.do("setting", "set", "log.level", "problems")
        # From some moment on.
        until = time.monotonic() + PATIENCE
        while not any("XMPP" in line for line in list(self.jackdaw.lines)):
            self.assertLess(time.monotonic(), until)
            await asyncio.to_thread(misbehave)
        self.assertRegex(await self.line("XMPP"), r" 3 XMPPI-\d+ stream ended condition=not-well-formed ")
        await self.talk_on()


if __name__ == "__main__":
    unittest.main(verbosity=1)
