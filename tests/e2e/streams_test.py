"""Streams, log-in and binding as clients see them: slixmpp, and where it knows no bad manners a raw client under TLS.

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import base64
import logging
import re
import socket
import ssl
import sys
import time
import unittest

from slixmpp import Callback, MatchXPath

from people import PASSWORD, PATIENCE, Person, Stage
from raw_client import HEADER, Ended, RawClient

Stage.PROGRAM = sys.argv.pop(1)
SASL = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
BIND = "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>{}</resource></bind></iq>"
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
TLS.check_hostname, TLS.verify_mode = False, ssl.CERT_NONE


def auth(mechanism, words):
    return f"<auth {SASL} mechanism='{mechanism}'>{base64.b64encode(words.encode()).decode()}</auth>"


def plain(name, password=PASSWORD):
    return auth("PLAIN", f"\0{name}\0{password}")


class Speaker(RawClient):
    """A connection that has not logged in, unlike a RawClient."""

    def __init__(self, port, source="127.0.0.1"):
        self.bytes = b""
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE, (source, 0))

    def start_tls(self):
        self.socket = TLS.wrap_socket(self.socket)

    def open(self, domain="localhost"):
        """A new stream: the server's header and features."""
        self.send(HEADER.format(domain))
        return self.until(b"</stream:features>")

    def outcome(self, words):
        """Of SASL: "success" or the condition of the failure."""
        self.send(words)
        answer = re.compile(rb"<(success)[^>]*>(?:</success>)?|<failure[^>]*><([a-z-]*)/>.*?</failure>", re.S)
        while not (found := answer.search(self.bytes)):
            self.read()
        self.bytes = self.bytes[found.end():]
        return (found[1] or found[2]).decode()

    def bind(self, resource):
        self.send(BIND.format(resource))
        return re.search("<jid>([^<]*)</jid>", self.until(rb"id='bind'.*?</iq>"))[1]

    def end(self):
        """All that still comes until the server closes the connection."""
        try:
            while True:
                self.read()
        except Ended as why:
            assert str(why) == "closed", why
        return self.bytes.decode()


class Streams(Stage):
    """A stage for raw clients too. They wait for the server alone, so slixmpp may stand still meanwhile."""

    ACCOUNTS = ("romeo@localhost", "juliet@localhost")

    def setUp(self):
        super().setUp()
        (self.tls_port,) = (int(found[1]) for line in self.jackdaw.lines
                            if (found := re.match(r"Listening on 127\.0\.0\.1:(\d+) \(TLS\)", line)))

    def speaker(self, source="127.0.0.1", tls=True, resource=None):
        made = Speaker(self.tls_port if tls else self.port, source)
        self.addCleanup(lambda: made.close())
        if tls:
            made.start_tls()
            made.offered = made.open()
        if resource:
            self.assertEqual(made.outcome(plain("romeo")), "success")
            made.open()
            self.assertEqual(made.bind(resource), f"romeo@localhost/{resource}")
        return made

    def person(self, jid, kind=Person):
        """Somebody who is not connected yet, and the conditions of the stream errors that come."""
        made, errors = kind(jid), []
        self.here.append(made)
        made.add_event_handler("stream_error", lambda error: errors.append(error["condition"]))
        return made, errors

    async def knock(self, jid):
        """`jid` connects, and its binding is refused: the person and the error's condition."""
        person, _ = self.person(jid)
        person.connect(("127.0.0.1", self.port))
        answer = await person.expect(lambda stanza: stanza.name == "iq" and stanza["type"] == "error")
        return person, answer["error"]["condition"]

    async def bind(self, person, resource):
        """slixmpp tries again with another wish: the JID that it gets."""
        person.requested_jid.resource = resource
        await person._handle_stream_features(person["feature_bind"].features)
        await person.settle()
        return person.boundjid.full

    def assert_ended(self, said, condition):
        """RFC 6120 §4.9.1.1: the error, then the end of the stream."""
        self.assertRegex(said, f"<stream:error><{condition} xmlns='[a-z:]*xmpp-streams'.*</stream:stream>$")

    def sessions(self):
        return {session["jid"] for session in self.jackdaw.read("session", "list")}


class Binding(Streams):
    async def test_the_client_names_its_resource_or_the_server_does(self):
        """RFC 6120 §7.6, §7.7. And RFC 3921 §3: the session request of old has an empty result."""
        named = await self.enter("romeo@localhost/garden & wall")
        first, second = await self.enter("romeo@localhost"), await self.enter("romeo@localhost")
        self.assertEqual(named.boundjid.full, "romeo@localhost/garden & wall")
        self.assertEqual(self.sessions(), {named.boundjid.full, first.boundjid.full, second.boundjid.full})
        self.assertEqual(len(self.sessions()), 3)
        named.send_message(first.boundjid, "It is the east")
        self.assertEqual((await first.expect_message("It is the east"))["from"], "romeo@localhost/garden & wall")
        request = named.Iq(stype="set", sto="localhost")
        request.enable("session")
        answer = await request.send(timeout=PATIENCE)
        self.assertEqual((answer["type"], len(answer.xml)), ("result", 0))

    async def test_the_newer_of_two_with_one_name_ends_the_older(self):
        """RFC 6120 §7.7.2.2, §4.9.3.3; c2s.bind_conflict is "replace" by default."""
        old, errors = self.person("romeo@localhost/garden")
        await old.come(self.port)
        new = await self.enter("romeo@localhost/garden")
        await asyncio.wait_for(old.gone.wait(), PATIENCE)
        self.assertEqual(errors, ["conflict"])
        await new.settle()
        self.assertEqual(self.sessions(), {"romeo@localhost/garden"})


class Conflict(Streams):
    ACCOUNTS = ("romeo@localhost", "juliet@localhost", "tybalt@capulet.example")
    SETTINGS = ("c2s.bind_conflict=refuse", "c2s.max_resources=2", "domain.capulet.example.c2s.bind_conflict=rename")

    async def test_the_newer_is_refused_and_takes_another_name(self):
        """RFC 6120 §7.7.2.2."""
        old, errors = self.person("romeo@localhost/garden")
        await old.come(self.port)
        new, condition = await self.knock("romeo@localhost/garden")
        self.assertEqual(condition, "conflict")
        self.assertEqual(await self.bind(new, "orchard"), "romeo@localhost/orchard")
        self.assertEqual((await old.settle(), errors), ([], []))
        self.assertEqual(self.sessions(), {"romeo@localhost/garden", "romeo@localhost/orchard"})

    async def test_so_many_devices_of_one_account_and_no_more(self):
        """RFC 6120 §7.6.2.1; others have their own places, and one that is given back is there for the next."""
        one, two = await self.enter("romeo@localhost/one"), await self.enter("romeo@localhost/two")
        three, condition = await self.knock("romeo@localhost/three")
        self.assertEqual(condition, "resource-constraint")
        await self.enter("juliet@localhost/balcony")
        await one.go()
        self.assertEqual(await self.bind(three, "three"), "romeo@localhost/three")
        await two.settle()

    async def test_elsewhere_the_newer_gets_a_name_near_its_wish(self):
        """RFC 6120 §7.7.2.2; each domain has its own settings."""
        old, new = await self.enter("tybalt@capulet.example/street"), await self.enter("tybalt@capulet.example/street")
        self.assertRegex(new.boundjid.full, "^tybalt@capulet.example/street-.")
        new.send_message("tybalt@capulet.example/street", "Who is there?")
        self.assertEqual((await old.expect_message("Who is there?"))["from"], new.boundjid.full)


class Follower(Person):
    """slixmpp 1.8.3 forgets the place it is told to go to, and would look its own domain up."""

    def connect(self, address=None, **how):
        super().connect(address or self.address, **how)
        self.default_domain = ""


class Redirect(Streams):
    def setUp(self):
        super().setUp()
        self.other, self.SETTINGS = self.jackdaw, (f"c2s.redirect=127.0.0.1:{self.port}",)
        super().setUp()

    async def test_clients_are_sent_to_another_host_and_go_there(self):
        """RFC 6120 §4.9.3.19: before anything is offered."""
        stranger = self.speaker(tls=False)
        stranger.send(HEADER.format("localhost"))
        said = stranger.end()
        self.assert_ended(said, "see-other-host")
        self.assertIn(self.SETTINGS[0].replace("c2s.redirect=", ">") + "</see-other-host>", said)
        self.assertNotIn("<stream:features", said)
        romeo, errors = self.person("romeo@localhost/garden", Follower)
        await romeo.come(self.port)
        self.assertEqual(errors, ["see-other-host"])
        self.assertEqual(self.sessions(), set())
        self.jackdaw = self.other
        self.assertEqual(self.sessions(), {"romeo@localhost/garden"})


class Restarts(Streams):
    ACCOUNTS = ("romeo@localhost", "juliet@capulet.example")

    async def test_each_step_begins_a_new_stream(self):
        """RFC 6120 §4.3.3: a new header from both sides with a new id, and features of its own."""
        romeo = self.speaker(tls=False)
        streams = [romeo.open()]
        # §5.4.3.3: what was said in clear behind <starttls/> was never said.
        romeo.send(STARTTLS + plain("romeo"))
        romeo.until(b"<proceed [^>]*/>")
        romeo.start_tls()
        streams.append(romeo.open())
        self.assertEqual(romeo.outcome(plain("romeo")), "success")
        streams.append(romeo.open())
        self.assertEqual(romeo.bind("garden"), "romeo@localhost/garden")
        # §7.5: one stream has one resource.
        romeo.send(BIND.format("tomb"))
        self.assertIn("type='error'", romeo.until(rb"<iq [^>]*id='bind'.*?</iq>"))
        offers = [re.findall("<(starttls|mechanisms|bind) ", stream) for stream in streams]
        self.assertEqual(offers, [["starttls"], ["mechanisms"], ["bind"]])
        self.assertEqual(len({re.search("<stream:stream [^>]*id='([^']+)'", stream)[1] for stream in streams}), 3)

    async def test_whoever_skips_a_step_is_not_served(self):
        """RFC 6120 §5.3.1, §13.8.1: TLS comes first; §5.4.2.2: once; §6.4.6: behind <success/> comes a header."""
        early, twice, romeo = self.speaker(tls=False), self.speaker(), self.speaker()
        self.assertNotIn("<mechanism", early.open())
        early.send(plain("romeo"))
        self.assert_ended(early.end(), "not-authorized")
        twice.send(STARTTLS)
        self.assertEqual(twice.end(), "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>")
        self.assertEqual(romeo.outcome(plain("romeo")), "success")
        romeo.send(BIND.format("garden"))
        self.assert_ended(romeo.end(), "(invalid-namespace|bad-format)")
        # §4.3.3, §4.7.2: for the domain that was asked for before.
        romeo = self.speaker()
        self.assertEqual(romeo.outcome(plain("romeo")), "success")
        romeo.send(HEADER.format("capulet.example"))
        self.assert_ended(romeo.end(), "policy-violation")
        self.assertEqual(self.sessions(), set())


class Closing(Streams):
    async def test_each_side_says_good_bye(self):
        """RFC 6120 §4.4: the other side closes too, before and after the log-in; what came before is served."""
        juliet = await self.enter("juliet@localhost/balcony")
        stranger, romeo = self.speaker(), self.speaker(resource="garden")
        stranger.send("</stream:stream>")
        romeo.send("<message to='juliet@localhost/balcony'><body>Parting is sweet</body></message></stream:stream>")
        self.assertEqual((stranger.end(), romeo.end()), ("</stream:stream>", "</stream:stream>"))
        await juliet.expect_message("Parting is sweet")
        why = []
        juliet.add_event_handler("disconnected", why.append)
        await juliet.go()
        self.assertEqual((why, self.sessions()), (["End of stream"], set()))

    async def test_the_server_says_why_it_closes(self):
        """RFC 6120 §4.9.3.14: the administrator ends one session; §4.9.3.20: the server goes down."""
        romeo, errors = self.person("romeo@localhost/garden")
        juliet, others_errors = self.person("juliet@localhost/balcony")
        for person in (romeo, juliet):
            await person.come(self.port)
        nurse = self.speaker(resource="nurse")
        self.jackdaw.do("session", "kill", "romeo@localhost/garden")
        await asyncio.wait_for(romeo.gone.wait(), PATIENCE)
        await juliet.settle()
        self.assertEqual((errors, others_errors), (["policy-violation"], []))
        ended = asyncio.get_running_loop().run_in_executor(None, self.jackdaw.end)
        self.assert_ended(nurse.end(), "system-shutdown")
        nurse.close()
        await asyncio.wait_for(juliet.gone.wait(), PATIENCE)
        self.assertEqual((others_errors, await ended), (["system-shutdown"], 0))


class Silence(Streams):
    SETTINGS = ("c2s.idle=1s",)

    async def test_who_is_silent_is_asked_and_stays_by_answering(self):
        """RFC 6120 §4.6.1, §4.6.4: by a ping (XEP-0199 §4.1) or <r/> (XEP-0198 §4); not who sends white space."""
        juliet = await self.enter("juliet@localhost/balcony")
        (romeo, _), (nurse, _) = self.person("romeo@localhost/garden"), self.person("juliet@localhost/nurse")
        nurse.register_plugin("xep_0198")
        romeo.whitespace_keepalive_interval, asked = 0.1, asyncio.Semaphore(0)
        await romeo.come(self.port)
        await nurse.come(self.port)
        await nurse.settle()
        nurse.register_handler(Callback("asked", MatchXPath("{urn:xmpp:sm:3}r"), lambda _: asked.release()))

        def pings(person):
            heard = [person.heard.get_nowait() for _ in range(person.heard.qsize())]
            return [stanza for stanza in heard if "urn:xmpp:ping" in str(stanza)]
        # In the time between three questions to one who is silent another one who is silent is asked too. A machine
        # that has no time for romeo's white space makes him silent: then there is another round.
        for _ in range(8):
            pings(romeo)
            for _ in range(3):
                await juliet.expect(lambda stanza: stanza["from"] == "localhost" and "urn:xmpp:ping" in str(stanza))
            if not (asked_romeo := pings(romeo)):
                break
        self.assertEqual(asked_romeo, [], "white space does not help")
        # Two may be about the stanzas that she got in the beginning, the third is about nothing.
        for _ in range(3):
            await asyncio.wait_for(asked.acquire(), PATIENCE)
        self.assertEqual(pings(nurse), [])
        await asyncio.gather(*(person.settle() for person in (juliet, nurse, romeo)))


class LogIns(Streams):
    async def test_only_what_is_offered_is_accepted(self):
        """RFC 6120 §6.3.3, §6.5.7; §6.4.4, §6.5.1: an exchange may be given up; the stream goes on."""
        romeo = self.speaker()
        offered = re.findall("<mechanism>([^<]*)</mechanism>", romeo.offered)
        self.assertIn("PLAIN", offered)
        for mechanism in ("ANONYMOUS", "DIGEST-MD5", "EXTERNAL", "plain", "", "PLAIN SCRAM-SHA-1"):
            self.assertNotIn(mechanism, offered)
            self.assertEqual(romeo.outcome(auth(mechanism, "\0romeo\0" + PASSWORD)), "invalid-mechanism", mechanism)
        romeo.send(auth("SCRAM-SHA-256", "n,,n=romeo,r=rose"))
        romeo.until(b"<challenge .*?</challenge>")
        self.assertEqual(romeo.outcome(f"<abort {SASL}/>"), "aborted")
        self.assertEqual(romeo.outcome(plain("romeo")), "success")
        # §6.4.5: five wrong passwords, or ten tries that are not even that, are enough.
        for tries, words, condition in ((5, plain("nobody"), "not-authorized"),
                                        (10, auth("X-ROSE", "="), "invalid-mechanism")):
            stranger = self.speaker()
            for _ in range(tries):
                self.assertEqual(stranger.outcome(words), condition)
            self.assert_ended(stranger.end(), "policy-violation")

    async def test_nobody_is_another(self):
        """RFC 6120 §6.3.8, §6.5.6: the identity to act for is the account's own, with SCRAM and with PLAIN."""
        for mechanism in ("PLAIN", "SCRAM-SHA-256-PLUS"):
            for authzid in ("juliet@localhost", "romeo@localhost/garden", "romeo@verona.example", "romeo@localhost"):
                (thief, _), refused = self.person("romeo@localhost/garden"), []
                thief.add_event_handler("failed_auth", lambda failure, all_=refused: all_.append(failure["condition"]))
                thief["feature_mechanisms"].use_mech, thief.credentials["authzid"] = mechanism, authzid
                if authzid == "romeo@localhost":
                    await thief.come(self.port)
                else:
                    thief.connect(("127.0.0.1", self.port))
                    await asyncio.wait_for(thief.gone.wait(), PATIENCE)
                    self.assertEqual(refused, ["invalid-authzid"], (mechanism, authzid))
            self.assertEqual((refused, thief["feature_mechanisms"].mech.name), ([], mechanism))


class Guessing(Streams):
    def guess(self, source):
        """Five wrong passwords for romeo from there, and when the last one was sent."""
        tybalt = self.speaker(source)
        for _ in range(5):
            last = time.monotonic()
            self.assertEqual(tybalt.outcome(plain("romeo", "wrong")), "not-authorized")
        self.assert_ended(tybalt.end(), "policy-violation")
        return last

    def tries(self, source, name="romeo"):
        return self.speaker(source).outcome(plain(name))

    async def test_guessing_from_one_address_stops_only_that(self):
        """RFC 6120 §13.12: after five failures that address must wait for that account, whatever the password."""
        # The wait is five seconds: where this machine was busy for longer, success says nothing.
        for _ in range(5):
            last, outcome = self.guess("127.0.0.2"), self.tries("127.0.0.2")
            if outcome != "success" or time.monotonic() < last + 5:
                break
        self.assertEqual(outcome, "temporary-auth-failure")
        for source, name in (("127.0.0.2", "juliet"), ("127.0.0.3", "romeo"), ("127.0.0.1", "romeo")):
            self.assertEqual(self.tries(source, name), "success", (source, name))
        # The wait comes to an end; who asks meanwhile does not make it longer.
        until = time.monotonic() + PATIENCE
        while (outcome := self.tries("127.0.0.2")) == "temporary-auth-failure":
            self.assertLess(time.monotonic(), until)
            await asyncio.sleep(0.25)
        self.assertEqual(outcome, "success")

    async def test_guessing_from_everywhere_does_not_lock_the_user_out(self):
        """RFC 6120 §13.12: ten failures a minute slow strangers down, not the address where the user was before."""
        self.assertEqual(self.tries("127.0.0.1"), "success")
        began = time.monotonic()
        for number in range(2):
            self.guess(f"127.0.1.{number + 1}")
        outcome = self.tries("127.0.2.1")
        if time.monotonic() < began + 60:
            self.assertEqual(outcome, "temporary-auth-failure")
        await self.enter("romeo@localhost/garden")


if __name__ == "__main__":
    logging.disable()
    unittest.main(verbosity=1)
