"""People with slixmpp: clients that others wrote, whose every stanza can be awaited; and a stage for them.

They speak TLS 1.2 where SCRAM is bound: slixmpp 1.8 knows only tls-unique, which TLS 1.3 has not (RFC 9266 §3).

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import itertools
import ssl
import unittest

import slixmpp

from program import Jackdaw

PASSWORD = "r0m30myr0m30"
PATIENCE = 40
BODY = "{jabber:client}body"
WORDS = map("word {}".format, itertools.count())


class Person(slixmpp.ClientXMPP):
    """A client that decides nothing itself: it subscribes nobody and approves nobody unasked."""

    def __init__(self, jid, password=PASSWORD):
        super().__init__(jid, password)
        self.ssl_context.check_hostname = False
        self.ssl_context.verify_mode = ssl.CERT_NONE
        self.ssl_context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.auto_authorize = self.auto_subscribe = None
        self.heard = asyncio.Queue()  # every stanza that came, in order
        self.add_filter("in", self.note)
        self.started, self.failed, self.gone = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.add_event_handler("session_start", lambda _: self.started.set())
        self.add_event_handler("session_resumed", lambda _: self.started.set())
        self.add_event_handler("failed_auth", lambda _: self.failed.set())
        self.add_event_handler("disconnected", lambda _: self.gone.set())
        for plugin in ("xep_0030", "xep_0199", "xep_0203"):
            self.register_plugin(plugin)

    def note(self, stanza):
        if isinstance(stanza, (slixmpp.Message, slixmpp.Presence, slixmpp.Iq)):
            self.heard.put_nowait(stanza)
        return stanza

    async def come(self, port, presence=True, address="127.0.0.1"):
        """Connects over STARTTLS, logs in, binds; with `presence` it also gets the roster and becomes available."""
        self.connect((address, port), disable_starttls=False, force_starttls=True)
        await asyncio.wait_for(self.started.wait(), PATIENCE)
        assert self.transport.get_extra_info("ssl_object"), "not encrypted"
        if presence:
            await self.get_roster(timeout=PATIENCE)
            self.send_presence()
            await self.expect_presence(self.boundjid.full)

    async def expect(self, fits, what="a stanza"):
        """The next stanza that fits; others are passed over."""
        passed = []

        async def look():
            while not fits(stanza := await self.heard.get()):
                passed.append(str(stanza))
            return stanza
        try:
            return await asyncio.wait_for(look(), PATIENCE)
        except asyncio.TimeoutError:
            raise AssertionError(f"{self.boundjid}: {what} did not come, but {passed}") from None

    async def expect_message(self, body):
        return await self.expect(lambda s: isinstance(s, slixmpp.Message) and s["body"] == body, f"a message {body!r}")

    async def expect_presence(self, sender, kind="available", fits=lambda presence: True):
        """From that full JID, or from any resource of that bare one. An available one has its show as slixmpp's type."""
        def is_it(stanza):
            if not isinstance(stanza, slixmpp.Presence) or sender not in (stanza["from"].full, stanza["from"].bare):
                return False
            return stanza.xml.get("type", "available") == kind and fits(stanza)
        return await self.expect(is_it, f"{kind} presence of {sender}")

    async def expect_push(self, jid, **values):
        """A roster push about `jid` with these attributes (subscription, ask, name)."""
        def is_it(stanza):
            item = stanza.xml.find("{jabber:iq:roster}query/{jabber:iq:roster}item")
            return stanza.xml.get("type") == "set" and item is not None and item.get("jid") == jid and all(
                item.get(name) == value for name, value in values.items())
        return await self.expect(is_it, f"a push about {jid} with {values}")

    async def settle(self):
        """Everything the server had for us until it answered a ping: the stanzas, but the ping's answer."""
        answer = await self["xep_0199"].send_ping(self.boundjid.domain, timeout=PATIENCE)
        came = []
        while (stanza := await asyncio.wait_for(self.heard.get(), PATIENCE))["id"] != answer["id"]:
            came.append(stanza)
        return came

    async def refused(self, request):
        """Sends an iq that must be refused: the condition and the type of its error."""
        try:
            answer = await request.send(timeout=PATIENCE)
        except slixmpp.exceptions.IqError as error:
            return error.iq["error"]["condition"], error.iq["error"]["type"]
        raise AssertionError(f"not refused: {answer}")

    async def go(self):
        """Says good-bye: unavailable presence, the closing of the stream."""
        self.disconnect(wait=PATIENCE)
        await asyncio.wait_for(self.gone.wait(), PATIENCE)


async def heard_until_now(listener, speaker):
    """What `speaker` caused until now, and what else came: stanzas of one to another keep order (RFC 6120 §10.1)."""
    word, came = next(WORDS), []
    speaker.send_message(listener.boundjid.full, word)
    while (stanza := await asyncio.wait_for(listener.heard.get(), PATIENCE)).xml.findtext(BODY) != word:
        came.append(stanza)
    return came


class Stage(unittest.IsolatedAsyncioTestCase):
    """A server of its own for each test, with these accounts; who came leaves when the test is over."""

    PROGRAM = None    # set by the test file
    SERVER = Jackdaw
    SETTINGS = ()     # name=value
    ACCOUNTS = ("romeo@localhost", "juliet@localhost", "tybalt@localhost")

    def setUp(self):
        self.jackdaw = self.SERVER(self.PROGRAM)
        self.addCleanup(self.jackdaw.close)
        domains = list(dict.fromkeys(jid.split("@")[1] for jid in self.ACCOUNTS))
        self.jackdaw.do("setup", "--domain", ",".join(domains), "--password-stdin", password=PASSWORD)
        for jid in self.ACCOUNTS:
            self.jackdaw.do("user", "add", jid, "--password-stdin", password=PASSWORD)
        self.port = self.jackdaw.start(*itertools.chain.from_iterable(("--set", setting) for setting in self.SETTINGS))
        self.here = []

    async def enter(self, jid, **how):
        """`jid` (with or without a resource) logs in: the person."""
        person = Person(jid)
        self.here.append(person)
        await person.come(self.port, **how)
        return person

    async def at_the_door(self, domain="localhost"):
        """Somebody behind TLS who does not log in, and the stream features."""
        stranger, features = Person(f"mercutio@{domain}"), asyncio.get_running_loop().create_future()
        stranger.register_plugin("xep_0077", {"create_account": False})
        stranger._always_send_everything = True  # slixmpp keeps what is sent before the log-in
        stranger.unregister_feature("mechanisms", 100)
        stranger.register_feature("mechanisms", features.set_result, restart=True)
        self.here.append(stranger)
        stranger.connect(("127.0.0.1", self.port), force_starttls=True)
        return stranger, (await asyncio.wait_for(features, PATIENCE))["features"]

    async def befriend(self, one, other):
        """Both see each other's presence from now on (RFC 6121 §3)."""
        for asks, answers in ((one, other), (other, one)):
            asks.send_presence_subscription(pto=answers.boundjid.bare, ptype="subscribe")
            await answers.expect_presence(asks.boundjid.bare, "subscribe")
            answers.send_presence_subscription(pto=asks.boundjid.bare, ptype="subscribed")
            await asks.expect_presence(answers.boundjid.bare, "subscribed")
            await asks.expect_presence(answers.boundjid.full)

    async def asyncTearDown(self):
        for person in self.here:
            if person.transport and not person.gone.is_set():
                person.abort()
                await asyncio.wait_for(person.gone.wait(), PATIENCE)
