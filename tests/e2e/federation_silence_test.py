#!/usr/bin/env python3
"""Streams both ways (XEP-0288) that cross or are closed while people write, and peers that die without a word.

Two of our servers open a stream to each other at the same moment, round after round: nothing is lost, doubled or out
of order, and what one domain says to another takes one stream at a time. What is on its way on a stream that is closed
arrives. A peer behind a network that is cut is found dead on a stream of any kind, though nothing is sent on it.

    federation_silence_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import random
import re
import subprocess
import sys
import time
import unittest

from people import PASSWORD, PATIENCE
from program import Jackdaw
from province import BETWEEN, HERE, LANE, OURS, THEIRS, THERE, Houses, Relay, Road, enter_namespace

enter_namespace()
Houses.PROGRAM = sys.argv.pop(1)
MONTAGUES = ("montague.lan", "mantua.lan", "verona.lan")
CAPULETS = ("capulet.lan", "paris.lan", "tybalt.lan")
UNTIL_LOST = 120  # seconds in which a silent peer is known to be dead


class Crossing(Houses):
    """A second Jackdaw serves the Capulets' domains; everybody of one house writes to everybody of the other."""

    DOMAINS = MONTAGUES
    ZONE = {**{name: OURS for name in MONTAGUES}, **{name: THEIRS for name in CAPULETS}}
    SERVICES = ()
    DOORS = {name: THEIRS for name in CAPULETS}
    MANY = 3  # messages of each to each, in a round

    def setUp(self):
        super().setUp()
        self.other = Jackdaw(self.PROGRAM)
        self.addCleanup(self.other.close)
        self.other.do("setup", "--domain", ",".join(CAPULETS), "--password-stdin", password=PASSWORD)
        for domain in CAPULETS:
            self.other.do("user", "add", f"juliet@{domain}", "--password-stdin", password=PASSWORD)

    async def begin(self, idle="2s"):
        """Both servers trust each other's certificates, and everybody is there. Streams are closed when they were idle
        so long."""
        for names, jackdaw, address in ((MONTAGUES, self.jackdaw, OURS), (CAPULETS, self.other, THEIRS)):
            pem, key = self.province.certify(names[0], [f"DNS:{name}" for name in names])
            settings = (f"listen.client={address}:5222", f"listen.server={address}:5269", "listen.tls=",
                        f"tls.certificate={pem}", f"tls.key={key}", "log.level=all", f"s2s.idle_timeout={idle}",
                        f"s2s.trusted_certificates={self.province.authority}")
            jackdaw.start(*(word for setting in settings for word in ("--set", setting)), choose_ports=False,
                          address=address)
        self.romeos = [await self.enter(f"romeo@{name}/garden") for name in MONTAGUES]
        self.juliets = [await self.enter(f"juliet@{name}/balcony") for name in CAPULETS]
        self.sent = {}  # the bodies, by the full JIDs of the speaker and the listener

    def write(self, speaker, listener):
        bodies = self.sent.setdefault((speaker.boundjid.full, listener.boundjid.full), [])
        bodies.append(f"kiss {len(bodies)} of {speaker.boundjid.domain}")
        speaker.send_message(listener.boundjid.full, bodies[-1])

    def everybody_writes(self, *speakers):
        for _ in range(self.MANY):
            for speaker in speakers or self.romeos + self.juliets:
                for listener in self.juliets if speaker in self.romeos else self.romeos:
                    self.write(speaker, listener)

    async def everything_arrives(self):
        """All that was said since the last time, in order and once; nothing comes back."""
        for listener in self.romeos + self.juliets:
            name = listener.boundjid.full
            missing = sum(len(bodies) for (_, to), bodies in self.sent.items() if to == name)
            came = {}
            while missing:
                message = await listener.expect(lambda s: s.name == "message", f"{missing} messages for {name}")
                self.assertNotEqual(message["type"], "error", message)
                came.setdefault((message["from"].full, name), []).append(message["body"])
                missing -= 1
            self.assertEqual(came, {pair: bodies for pair, bodies in self.sent.items() if pair[1] == name})
        self.sent.clear()

    async def nothing_more_comes(self):
        for person in self.romeos + self.juliets:
            self.assertEqual([s for s in await person.settle() if s.name == "message"], [])

    async def until_no_stream(self):
        def are_closed():
            return all(re.search(rf"^{name} 0$", jackdaw.do("metrics"), re.MULTILINE)
                       for jackdaw in (self.jackdaw, self.other)
                       for name in ("jackdaw_s2s_streams_in", "jackdaw_s2s_streams_out"))
        await self.until(are_closed, "streams stay open though nothing is said")

    def heard_on(self, jackdaw, since):
        """On which streams (their tags) messages of other servers have come since that line of the log, by their
        domains."""
        streams = {}
        for line in jackdaw.lines[since:]:
            found = re.search(r' (XMPP[IO]-\d+) heard xml="<message .*kiss \d+ of ', line)
            if found:
                ends = [re.search(rf' {name}=\W*\w+@([a-z.]+)/', line)[1] for name in ("from", "to")]
                streams.setdefault(tuple(ends), set()).add(found[1])
        return streams

    async def take_one_stream_each(self, since):
        """What one domain has said to another since then has come on one stream, and nothing waits in a queue."""
        for jackdaw, listeners, speakers, first in ((self.jackdaw, MONTAGUES, CAPULETS, since[0]),
                                                    (self.other, CAPULETS, MONTAGUES, since[1])):
            pairs = {(speaker, listener) for speaker in speakers for listener in listeners}
            await self.until(lambda: self.heard_on(jackdaw, first).keys() == pairs, "not all is in the log")
            self.assertEqual({pair: len(streams) for pair, streams in self.heard_on(jackdaw, first).items()},
                             {pair: 1 for pair in pairs})
            rows = await self.until(lambda: self.settled(jackdaw), "something waits")
            self.assertEqual({(row["target"], row["source"]) for row in rows}, pairs)
            self.assertEqual(len(rows), len(pairs))

    @staticmethod
    def settled(jackdaw):
        rows = jackdaw.read("queue", "list")
        return rows if all(row["state"] in ("open", "closed") and row["stanzas"] == 0 for row in rows) else None

    def log_so_far(self):
        return len(self.jackdaw.lines), len(self.other.lines)

    def opened(self, jackdaw, since):
        """The pairs for which that server has opened a stream of its own that goes both ways."""
        lines = [line for line in jackdaw.lines[since:] if re.search(r" XMPPO-\d+ stream to another server from", line)]
        self.assertTrue(all(" both_ways=yes" in line for line in lines))
        return {frozenset(re.findall(r" (?:from|to)=([a-z.]+)", line)) for line in lines}

    async def test_both_open_a_stream_at_once(self):
        await self.begin()
        crossed = 0
        for _ in range(4):
            since = self.log_so_far()
            self.everybody_writes()
            await self.everything_arrives()
            self.everybody_writes()  # with all streams open
            await self.everything_arrives()
            await self.take_one_stream_each(since)
            crossed += len(self.opened(self.jackdaw, since[0]) & self.opened(self.other, since[1]))
            await self.nothing_more_comes()
            await self.until_no_stream()
        self.assertGreater(crossed, 0, "no streams have crossed")

    async def test_one_stream_is_enough_where_one_is_first(self):
        """Either house in its turn. The stream of who was first carries the answers, and is closed by and by."""
        await self.begin()
        for first, second in ((self.romeos, self.juliets), (self.juliets, self.romeos)):
            since = self.log_so_far()
            for speakers in (first, second, first + second):
                self.everybody_writes(*speakers)
                await self.everything_arrives()
            await self.take_one_stream_each(since)
            ours, theirs = self.opened(self.jackdaw, since[0]), self.opened(self.other, since[1])
            self.assertEqual((len(ours), len(theirs)), (9, 0) if first is self.romeos else (0, 9))
            await self.until_no_stream()
            await self.nothing_more_comes()

    async def test_people_write_when_streams_are_being_closed(self):
        """One of two, or both, a second behind the last word or a little less or more."""
        await self.begin(idle="1s")
        moments, since, ends = random.Random(1597), self.log_so_far(), time.monotonic() + 9

        async def write(one, other):
            there, back = (one, other), (other, one)
            while time.monotonic() < ends:
                for speaker, listener in moments.choice(((there,), (back,), (there, back))):
                    self.write(speaker, listener)
                await asyncio.sleep(moments.uniform(0.9, 2.3))
        await asyncio.gather(*(write(romeo, juliet) for romeo in self.romeos for juliet in self.juliets))
        await self.everything_arrives()
        await self.nothing_more_comes()
        closed = [line for line in self.jackdaw.lines[since[0]:] if " stream to another server closed " in line]
        self.assertGreater(len(closed), 9, "hardly a stream was closed meanwhile")


class Held(Relay):
    """What the other server says waits here until it may pass."""

    def __init__(self, *where):
        super().__init__(*where)
        self.may_pass = asyncio.Event()
        self.may_pass.set()

    async def pass_on(self, reader, writer, seen, until=None):
        try:
            while data := await reader.read(65536):
                if seen is self.answered:
                    await self.may_pass.wait()
                seen += data
                writer.write(data)
        finally:
            writer.close()


class Closing(Houses):
    ZONE = {**Houses.ZONE, "capulet.lan": BETWEEN}

    async def test_what_is_on_its_way_when_we_close_a_stream_arrives(self):
        """RFC 6120 §4.4: who closes a stream goes on to process what comes until the other has closed it too."""
        relay = Held(BETWEEN, THEIRS)
        await relay.start()
        self.addAsyncCleanup(relay.close)
        prosody = self.start_prosody(modules=["s2s_bidi"])
        self.serve(*self.be_certified(), "s2s.idle_timeout=1s")
        romeo, juliet = await self.enter_both()
        await self.talk(romeo, juliet)
        relay.may_pass.clear()
        juliet.send_message(romeo.boundjid.full, "Stay but a little, I will come again.")
        await juliet.settle()
        await self.until(lambda: "</stream:stream>" in prosody.log.read_text(errors="replace"), "not closed")
        relay.may_pass.set()
        await romeo.expect_message("Stay but a little, I will come again.")
        self.assertEqual(relay.connections, 1)


# A component (XEP-0114) that is heard of no more once it is there: its address, name and secret.
COMPONENT = """
import hashlib, re, socket, sys
address, name, secret = sys.argv[1:]
stream = socket.create_connection((address, 5222))
stream.sendall(("<stream:stream xmlns='jabber:component:accept' "
                "xmlns:stream='http://etherx.jabber.org/streams' to='" + name + "'>").encode())
heard = b""
while not (number := re.search(rb"<stream:stream [^>]* id='([^']*)'[^>]*>", heard)):
    heard += stream.recv(4096)
digest = hashlib.sha1(number[1] + secret.encode()).hexdigest()
stream.sendall(("<handshake>" + digest + "</handshake>").encode())
while stream.recv(4096):
    pass
"""
SECOND, SECOND_LANE = "10.0.2.2", "10.0.3.3"  # a further server at the other end of the Road


class Silence(Houses):
    """At the other end of a road that can be cut are capulet.lan, which opens a stream of its own for what it says,
    paris.lan, which knows streams both ways, and a component."""

    DOMAINS = ("montague.lan", "mantua.lan")
    ZONE = {"xmpp.montague.lan": HERE, "capulet.lan": THERE, "paris.lan": SECOND}
    SERVICES = tuple(f"{domain}=xmpp.montague.lan:5269" for domain in DOMAINS)
    DOORS = {"capulet.lan": LANE, "paris.lan": SECOND_LANE}
    PLAYS = "plays.montague.lan"

    def setUp(self):
        super().setUp()
        self.road = Road(self.province)
        self.addCleanup(self.road.close)
        within = self.road.there.within
        for address, device in ((SECOND, "far"), (SECOND_LANE, "lane")):
            self.road.there.do("ip", "address", "add", f"{address}/24", "dev", device)
        self.road.do_here("ip", "route", "add", SECOND, "via", Road.NEAR_GATE)
        self.province.run_dns("dns-there", THERE, within)
        self.province.start_prosody("capulet.lan", THERE, ["juliet"], within=within, door=LANE, modules=["smacks"])
        self.province.start_prosody("paris.lan", SECOND, ["juliet"], within=within, door=SECOND_LANE,
                                    modules=["s2s_bidi", "smacks"])

    def said(self, event):
        """The lines of the log with that event, whatever is told of it."""
        return [line for line in self.jackdaw.lines if f" {event}" in line]

    async def items(self, person):
        items = await person["xep_0030"].get_items(jid="montague.lan", timeout=PATIENCE)
        return {jid for jid, _, _ in items["disco_items"]["items"]}

    def all_has_arrived(self):
        """The streams are idle, for TCP too."""
        if any(row["stanzas"] for row in self.jackdaw.read("queue", "list")):
            return False
        words = ["ss", "-tnH", "state", "established", "src", HERE]
        connections = subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()
        self.assertEqual(len(connections), 5)
        return all(line.split()[1] == "0" for line in connections)

    def streams(self):
        """Of other servers, and to other servers."""
        return self.metric("jackdaw_s2s_streams_in"), self.metric("jackdaw_s2s_streams_out")

    async def test_the_dead_are_found_though_nothing_is_sent_to_them(self):
        secret = "wherefore art thou"
        pem, key = self.province.certify("montague.lan", [f"DNS:{name}" for name in self.DOMAINS])
        self.serve(f"listen.client={OURS}:5222,{HERE}:5222", f"listen.server={HERE}:5269", f"tls.certificate={pem}",
                   f"tls.key={key}", f"s2s.trusted_certificates={self.province.authority}", "s2s.idle_timeout=1h",
                   f"component.password={secret}", "component.clear_from_afar=true")
        self.province.run("component", *self.road.there.within, sys.executable, "-c", COMPONENT, HERE, self.PLAYS,
                          secret)
        romeo, juliet = await self.enter_both()
        kinsman, bride = await self.enter("romeo@mantua.lan/garden"), await self.enter("juliet@paris.lan/balcony")
        await self.talk(romeo, juliet)  # a stream each
        await self.talk(romeo, bride)   # one of ours
        await self.talk(bride, kinsman)  # one of theirs
        await self.until_logged("component connected", domain=self.PLAYS)
        self.assertEqual((self.streams(), await self.items(romeo)), ((2, 3), {self.PLAYS}))
        await self.until(self.all_has_arrived, "something is under way")

        self.road.cut()
        await self.until(lambda: self.said("component gone"), "the dead component is not found", UNTIL_LOST)
        await self.until(lambda: len(self.said("stream of another server lost")) == 3, "a dead server is not found",
                         UNTIL_LOST)
        self.assertEqual(self.streams(), (0, 0))
        lost = "the connection was lost"
        self.assertEqual(len(self.logged("stream to another server lost", to="capulet.lan", why=lost)), 1)
        self.assertEqual(len(self.logged("stream to another server lost", to="paris.lan", why=lost)), 2)
        self.assertEqual(await self.items(romeo), set())
        self.assertEqual(await self.returned(romeo, self.PLAYS), "remote-server-timeout")

        self.road.mend()
        for one, other in ((romeo, juliet), (romeo, bride), (kinsman, bride)):
            await self.says(one, other, "Art thou there?")
            await self.until_it_arrives(other, one)  # its server finds its own stream dead only when it writes


if __name__ == "__main__":
    unittest.main(verbosity=1)
