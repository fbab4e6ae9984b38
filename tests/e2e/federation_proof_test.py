#!/usr/bin/env python3
"""What proves another server's domain, as far as the other tests of federation do not show it: the kinds of names in
a certificate (RFC 6120 section 13.7, RFC 9525), the one answer of dialback that counts (XEP-0220), and a policy of TLS
that becomes stricter amid a proof.

    federation_proof_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import re
import signal
import sys
import unittest

from province import OURS, PATIENCE, THEIRS, Houses, enter_namespace

enter_namespace()
Houses.PROGRAM = sys.argv.pop(1)
CLOSED = ("remote-server-not-found", "remote-server-timeout", "not-authorized")  # what Prosody makes of a refusal
SRV_NAME, XMPP_ADDR = "otherName:1.3.6.1.5.5.7.8.7;IA5STRING:{}".format, "otherName:1.3.6.1.5.5.7.8.5;UTF8:{}".format


class Names(Houses):
    """Those of the certificate that Prosody shows, out and in; its common name is always capulet.lan."""

    def begin(self, names, *settings):
        self.prosody = self.start_prosody(certificate=self.province.certify("capulet.lan", names))
        self.serve(*self.be_certified(), *settings)

    async def show(self, names):
        """From now on, on new streams."""
        self.province.certify("capulet.lan", names)

        def said():
            return self.prosody.log.read_text(errors="replace").count("Reloading configuration")
        before = said()
        self.prosody.process.send_signal(signal.SIGHUP)
        await self.until(lambda: said() > before, "Prosody reads its files again")

    async def proves(self, romeo, juliet):
        await self.talk(romeo, juliet)
        await self.until_logged("stream to another server", to="capulet.lan", security="TLSv1.3, verified")
        await self.until_logged("authenticated", domain="capulet.lan", mechanism="EXTERNAL")
        self.assertFalse(self.logged("a domain is not proven"))

    async def proves_nothing(self, romeo, juliet):
        """Each gets an error, and the other hears nothing."""
        def tries():
            return self.logged("no stream to another server", to="capulet.lan")

        def refused():
            return len(self.logged("a domain is not proven", **{"from": "capulet.lan"}))
        tried, before = len(tries()), refused()
        his, hers = (asyncio.ensure_future(self.returned(speaker, listener.boundjid.full, "Ay"))
                     for speaker, listener in ((romeo, juliet), (juliet, romeo)))
        await self.try_now(lambda: len(tries()) > tried)
        self.jackdaw.do("queue", "reject", "capulet.lan")
        self.assertEqual(await his, "remote-server-timeout")
        self.assertIn(await hers, CLOSED)
        self.assertEqual([line for line in tries() if "it is not for capulet.lan" not in line], [])
        await self.until(lambda: refused() > before, "the log does not say that capulet.lan is not proven")
        for person, stranger in ((romeo, "capulet.lan"), (juliet, "montague.lan")):
            self.assertEqual([s for s in await person.settle() if s["from"].domain == stranger], [])

    async def try_now(self, happened):
        """Without the pause behind a try that came to nothing."""
        def happens():
            self.jackdaw.say("queue", "flush", "capulet.lan")  # perhaps nothing waits yet
            return happened()
        await self.until(happens, "capulet.lan is not tried")

    async def talk_now(self, romeo, juliet):
        await self.says(juliet, romeo, "Art thou there?")
        romeo.send_message(juliet.boundjid.full, "Ay")
        await self.try_now(lambda: self.logged("stream to another server", to="capulet.lan"))
        await juliet.expect_message("Ay")

    async def test_a_service_name(self):
        """RFC 4985."""
        self.begin([SRV_NAME("_xmpp-server.capulet.lan")], "s2s.secure_domains=capulet.lan")
        await self.proves(*await self.enter_both())

    async def test_an_address(self):
        """RFC 6120 §13.7.1.4; one of several names is enough."""
        self.begin([XMPP_ADDR("capulet.lan"), "DNS:verona.lan"], "s2s.unlisted=verified")
        await self.proves(*await self.enter_both())

    async def test_other_names(self):
        """Another service, another domain, a user. The common name beside them is none."""
        self.begin([SRV_NAME("_xmpp-client.capulet.lan")], "s2s.accept_common_name=true")
        self.jackdaw.do("setting", "set", "s2s.secure_domains", "capulet.lan")
        romeo, juliet = await self.enter_both()
        await self.proves_nothing(romeo, juliet)
        for name in (SRV_NAME("_xmpp-server.verona.lan"), XMPP_ADDR("juliet@capulet.lan")):
            await self.show([name])
            await self.proves_nothing(romeo, juliet)
        self.assertFalse(self.logged("another server's domain is proven"))
        # Where dialback over TLS is enough, that is what is left.
        self.jackdaw.do("setting", "set", "s2s.secure_domains", "")
        await self.talk_now(romeo, juliet)
        await self.until_logged("stream to another server", to="capulet.lan", security="TLSv1.3")
        self.assertFalse(self.logged("authenticated", mechanism="EXTERNAL"))

    async def test_a_common_name_alone(self):
        """One with the setting only."""
        self.begin([], "s2s.secure_domains=capulet.lan")
        romeo, juliet = await self.enter_both()
        await self.proves_nothing(romeo, juliet)
        self.jackdaw.do("setting", "set", "s2s.accept_common_name", "true")
        await self.talk_now(romeo, juliet)
        await self.until_logged("stream to another server", to="capulet.lan", security="TLSv1.3, verified")
        await self.until_logged("authenticated", domain="capulet.lan", mechanism="EXTERNAL")


class Peer:
    """One end of a stream between servers: it says what it is told."""

    def __init__(self, reader, writer):
        self.reader, self.writer, self.heard = reader, writer, ""

    def say(self, words):
        self.writer.write(words.encode())

    def header(self, more=""):
        self.say("<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' "
                 "xmlns:stream='http://etherx.jabber.org/streams' from='capulet.lan' to='montague.lan' version='1.0'"
                 f"{more}>")

    async def read(self):
        """False: the connection is closed."""
        data = await asyncio.wait_for(self.reader.read(65536), PATIENCE)
        self.heard += data.decode()
        return bool(data)

    async def until(self, pattern):
        """What comes up to this; it is forgotten."""
        while not (found := re.search(pattern, self.heard, re.S)):
            assert await self.read(), f"closed after {self.heard!r}, before {pattern!r}"
        said, self.heard = self.heard[:found.end()], self.heard[found.end():]
        return said

    async def rest(self):
        """What comes until the connection is closed."""
        try:
            while await self.read():
                pass
        except ConnectionError:
            pass
        return self.heard

    async def answer(self, more_features=""):
        """As the one who was connected to."""
        await self.until("<stream:stream [^>]*>")
        self.header(" id='417'")
        self.say("<stream:features><dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"
                 f"{more_features}</stream:features>")

    def message(self, words, sender="juliet@capulet.lan"):
        self.say(f"<message from='{sender}' to='romeo@montague.lan'><body>{words}</body></message>")


class Scripted(Houses):
    """The server of capulet.lan is this test, without TLS."""

    async def asyncSetUp(self):
        self.callers, self.peers = asyncio.Queue(), []
        self.door = await asyncio.start_server(lambda *ends: self.callers.put_nowait(ends), THEIRS, 5269)
        self.addCleanup(self.door.close)
        self.serve("s2s.queue_age=1h")
        self.set("s2s.unlisted", "wherever_possible")
        self.romeo = await self.enter("romeo@montague.lan/garden")

    def set(self, name, value):
        self.jackdaw.do("setting", "set", name, value)

    def peer(self, reader, writer):
        self.addCleanup(writer.close)
        return Peer(reader, writer)

    async def accept(self):
        return self.peer(*await asyncio.wait_for(self.callers.get(), PATIENCE))

    async def claim(self):
        """Somebody says that he is capulet.lan, whose server is asked: both streams, the id that is asked about."""
        claims = self.peer(*await asyncio.open_connection(OURS, 5269))
        claims.header()
        number = re.search(" id='([^']+)'", await claims.until("</stream:features>"))[1]
        claims.say("<db:result from='capulet.lan' to='montague.lan'>abcdef</db:result>")
        asked = await self.accept()
        await asked.answer()
        self.assertIn(f" id='{number}'", await asked.until("</db:verify>"))
        return claims, asked, number

    async def proof_of_ours(self, more_features=""):
        """Romeo says something; the stream that is opened for it, up to the proof that it begins with."""
        self.romeo.send_message("juliet@capulet.lan", "Art thou there?")
        peer = await self.accept()
        await peer.answer(more_features)
        await peer.until("</db:result>")
        return peer

    async def romeo_hears(self):
        """From capulet.lan or in its name, until now."""
        return [s["body"] for s in await self.romeo.settle() if s["from"].domain not in ("", "montague.lan")]


def verdict(number, kind):
    error = "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
    return (f"<db:verify from='capulet.lan' to='montague.lan' id='{number}' type='{kind}'>"
            f"{error if kind == 'error' else ''}</db:verify>")


def accepted(kind):
    return f"<db:result from='capulet.lan' to='montague.lan' type='{kind}'/>"


class Answers(Scripted):
    """XEP-0220: each answer of dialback belongs to a question of its stream, and a question has one answer."""

    async def test_the_first_answer_about_a_key_counts(self):
        for first, second in (("valid", "invalid"), ("valid", "valid"), ("invalid", "valid"), ("error", "valid")):
            with self.subTest(first=first, second=second):
                claims, asked, number = await self.claim()
                asked.say(verdict(number, first) + verdict(number, second))
                self.assertIn(f" type='{first}'", await claims.until("<db:result [^>]*>"))
                claims.message("Ay")
                claims.say("</stream:stream>")
                self.assertNotIn("<db:result", await claims.rest())
                self.assertEqual(await self.romeo_hears(), ["Ay"] if first == "valid" else [])

    async def test_an_answer_on_another_stream_is_none(self):
        """Two say at once that they are capulet.lan."""
        one, asked_of_one, number_of_one = await self.claim()
        other, asked_of_other, number_of_other = await self.claim()
        self.assertNotEqual(number_of_one, number_of_other)
        asked_of_other.say(verdict(number_of_one, "valid") + verdict(number_of_other, "invalid"))
        self.assertIn(" type='invalid'", await other.until("<db:result [^>]*>"))
        asked_of_one.say(verdict(number_of_other, "valid") + verdict(number_of_one, "valid"))
        self.assertIn(" type='valid'", await one.until("<db:result [^>]*>"))
        for claims, words in ((other, "I am another"), (one, "It is I")):
            claims.message(words)
            claims.say("</stream:stream>")
            self.assertNotIn("<db:result", await claims.rest())
        self.assertEqual(await self.romeo_hears(), ["It is I"])

    async def test_the_first_answer_to_our_proof_counts(self):
        peer = await self.proof_of_ours()
        peer.say(accepted("invalid") + accepted("valid"))
        self.assertNotIn("<message", await peer.rest())
        again = await self.accept()
        await again.answer()
        await again.until("</db:result>")
        again.say(accepted("valid") + accepted("invalid"))
        await again.until("Art thou there[?]</body></message>")
        self.romeo.send_message("juliet@capulet.lan", "Art thou still there?")
        await again.until("Art thou still there[?]</body></message>")
        self.assertEqual(await self.romeo_hears(), [])

    async def test_answers_that_nobody_waits_for_prove_nothing_on_a_stream_both_ways(self):
        peer = await self.proof_of_ours("<bidi xmlns='urn:xmpp:features:bidi'/>")
        peer.say(accepted("valid"))
        await peer.until("</message>")
        peer.message("Ay")
        await self.romeo.expect_message("Ay")
        for answer in (accepted("valid"), verdict("417", "valid")):
            peer.say(answer.replace("capulet.lan", "verona.lan"))
        peer.message("No", sender="nurse@verona.lan")
        self.assertIn("<invalid-from ", await peer.rest())
        self.assertEqual(await self.romeo_hears(), [])


class Raised(Scripted):
    """capulet.lan is listed while a proof is under way, in clear: what the policy wants at its end counts."""

    async def test_amid_a_proof_of_ours(self):
        peer = await self.proof_of_ours()
        self.door.close()
        self.set("s2s.secure_domains", "capulet.lan")
        peer.say(accepted("valid"))
        while "<message" not in peer.heard and await peer.read():
            pass
        self.assertNotIn("<message", peer.heard)
        self.jackdaw.do("queue", "reject", "capulet.lan")
        error = await self.romeo.expect(lambda s: s["type"] == "error")
        self.assertEqual(error["error"]["condition"], "remote-server-timeout")

    async def test_amid_a_proof_of_theirs(self):
        claims, asked, number = await self.claim()
        self.set("s2s.secure_domains", "capulet.lan")
        asked.say(verdict(number, "valid"))
        self.assertNotIn(" type='valid'", await claims.until("<db:result [^>]*>|</stream:stream>"))
        claims.message("Ay")
        claims.say("</stream:stream>")
        self.assertNotIn(" type='valid'", await claims.rest())
        self.assertEqual(await self.romeo_hears(), [])
        self.assertFalse(self.logged("another server's domain is proven"))


class BehindTheEnd(Scripted):
    """What a server says on a stream both ways that we have ended."""

    async def begin(self):
        peer = await self.proof_of_ours("<bidi xmlns='urn:xmpp:features:bidi'/>")
        peer.say(accepted("valid"))
        await peer.until("</message>")
        peer.message("Ay")
        await self.romeo.expect_message("Ay")
        return peer

    async def test_much_of_it_holds_no_core_up(self):
        """It was closed for idleness, so what was on its way is heard (RFC 6120 section 4.4)."""
        self.set("s2s.idle_timeout", "1s")
        peer = await self.begin()
        await peer.until("</stream:stream>")
        peer.say("".join(f"<message from='capulet.lan' to='nurse{number}@montague.lan' type='error'/>"
                         for number in range(20_000)))
        peer.message("By and by")
        peer.say("</stream:stream>")
        await self.romeo.expect_message("By and by")
        self.jackdaw.do("queue", "list")  # each core is asked
        self.assertEqual(await self.romeo_hears(), [])

    async def test_a_stricter_policy_does_not_hear_it(self):
        peer = await self.begin()
        self.set("s2s.secure_domains", "capulet.lan")
        await peer.until("<policy-violation ")
        peer.message("Nay")
        await peer.rest()
        self.assertEqual(await self.romeo_hears(), [])


if __name__ == "__main__":
    unittest.main(verbosity=1)
