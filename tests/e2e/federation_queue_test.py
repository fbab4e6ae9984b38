#!/usr/bin/env python3
"""Queues to another server that cannot be reached: their bounds, the pauses between two tries, what an administrator
sees of them and does with them, and the log's tags of the connections. Who is at the other server is there all the
time; the way to it is a relay that starts late.

    federation_queue_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import sys
import unittest

from people import BODY, PATIENCE
from province import BETWEEN, OURS, THEIRS, Houses, Relay, enter_namespace
from services import Service

enter_namespace()
Houses.PROGRAM = sys.argv.pop(1)
JULIET = "juliet@capulet.lan/balcony"
NOBODY = "127.0.1.9"  # nothing listens there, as a rule
SECRET, PLAYS = "wherefore art thou", "plays.montague.lan"
LARGE = "O " * 10_000  # three of them fit into 64 KiB, four do not


class BreaksOff(Relay):
    """Ends what comes."""

    def __init__(self, address):
        super().__init__(address, None)

    async def relay(self, reader, writer):
        self.connections += 1
        writer.close()


class RefusesVerona(Relay):
    """Says that it wants nothing from verona.lan, and counts that; what others say goes on to the server behind."""

    async def relay(self, reader, writer):
        header = await reader.readuntil(b" to='capulet.lan'>")
        if b" from='verona.lan'" in header:
            self.connections += 1
            writer.write(b"<?xml version='1.0'?><stream:stream xmlns='jabber:server' id='417' version='1.0' "
                         b"xmlns:stream='http://etherx.jabber.org/streams' from='capulet.lan' to='verona.lan'>"
                         b"<stream:error><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
                         b"</stream:error></stream:stream>")
            writer.close()
            return
        there_reader, there_writer = await asyncio.open_connection(self.behind, 5269)
        there_writer.write(header)
        await asyncio.gather(self.pass_on(reader, there_writer, self.sent),
                             self.pass_on(there_reader, writer, self.answered))


class Apart(Houses):
    DOMAINS = ("montague.lan", "verona.lan")
    ZONE = {**Houses.ZONE, "capulet.lan": BETWEEN, "mantua.lan": NOBODY, "padua.lan": NOBODY, "verona.lan": OURS,
            PLAYS: OURS}

    async def begin(self, *settings):
        self.start_prosody()
        self.serve(*settings)
        self.set("s2s.queue_age", "1h")
        return await self.enter_both()

    async def open_way(self):
        """From now on capulet.lan can be reached."""
        relay = Relay(BETWEEN, THEIRS)
        await relay.start()
        self.addAsyncCleanup(relay.close)

    async def open_way_and_flush(self):
        await self.open_way()
        self.assertEqual(self.jackdaw.do("queue", "flush", "capulet.lan"), "capulet.lan: trying now\n")

    def set(self, name, value):
        self.jackdaw.do("setting", "set", name, value)

    def queues(self, target="capulet.lan"):
        """By source: what waits for it."""
        return {queue["source"]: queue for queue in self.jackdaw.read("queue", "list") if queue["target"] == target}

    def queue(self, source="montague.lan", target="capulet.lan"):
        return self.queues(target).get(source)

    async def until_waiting(self, source="montague.lan", at_least=1):
        """It was tried in vain, and will be again, not before so many seconds."""
        def waiting():
            queue = self.queue(source)
            return queue and queue["state"] == "waiting" and queue["retry_seconds"] >= at_least and queue
        return await self.until(waiting, f"the next try is not {at_least} s away")

    async def until_queued(self, count):
        await self.until(lambda: (self.queue() or {}).get("stanzas") == count, f"there are not {count} in the queue")

    async def break_off(self, address):
        """A server there that ends every connection at once."""
        server = BreaksOff(address)
        await server.start()
        self.addAsyncCleanup(server.close)
        return server

    async def enter_component(self):
        component = Service(PLAYS, SECRET)
        self.here.append(component)
        component.connect(OURS, 5222)
        await asyncio.wait_for(component.bound.wait(), PATIENCE)
        return component

    def tries(self):
        """Those in vain that the log tells of."""
        return len(self.logged("no stream to another server", **{"from": "montague.lan", "to": "capulet.lan"}))

    async def heard_of(self, juliet, speaker, count):
        """The next stanzas of that one: a message's body, a presence's status, or iq."""
        def said(stanza):
            return {"message": stanza.xml.findtext(BODY), "presence": stanza.xml.findtext("{jabber:client}status")}.get(
                stanza.name, stanza.name)
        return [said(await juliet.expect(lambda s: s["from"] == speaker.boundjid, "a stanza")) for _ in range(count)]

    async def error_of(self, speaker, message):
        """What comes back for it: condition and type."""
        error = await speaker.expect(lambda s: s["type"] == "error" and s["id"] == message["id"], f"error of {message}")
        self.assertEqual(error["from"], message["to"])
        return error["error"]["condition"], error["error"]["type"]

    @staticmethod
    def send(speaker, body, to=JULIET):
        message = speaker.make_message(to, body)
        message.send()
        return message


class Bounds(Apart):
    async def test_what_is_too_much_returns_and_the_rest_arrives_in_order(self):
        """By number, of any kind; then by bytes, where less still fits."""
        romeo, juliet = await self.begin()
        self.set("s2s.queue_stanzas", "3")
        self.send(romeo, "first")
        romeo.send_presence(pto=JULIET, pstatus="second")
        pinged = asyncio.ensure_future(romeo["xep_0199"].send_ping(JULIET, timeout=PATIENCE))
        self.assertEqual(await self.returned(romeo, JULIET), "resource-constraint")
        romeo.send_presence(pto=JULIET)
        self.assertEqual((await romeo.expect_presence(JULIET, "error"))["error"]["condition"], "resource-constraint")
        request = romeo.make_iq_get("urn:xmpp:ping", ito=JULIET)
        self.assertEqual(await romeo.refused(request), ("resource-constraint", "wait"))
        self.assertEqual(self.queue()["stanzas"], 3)
        self.set("s2s.queue_stanzas", "10000")
        self.set("s2s.queue_bytes", "65536")
        for number in (4, 5, 6):
            self.send(romeo, f"{number} {LARGE}")
        self.assertEqual(await self.returned(romeo, JULIET, LARGE), "resource-constraint")
        self.send(romeo, "seventh")
        self.assertEqual(await self.returned(romeo, JULIET, LARGE), "resource-constraint")
        queue = self.queue()
        self.assertEqual(queue["stanzas"], 7)
        self.assertIn(queue["bytes"], range(3 * len(LARGE), 65536 + 1))
        await self.open_way_and_flush()
        self.assertEqual((await pinged)["type"], "result")
        self.send(romeo, "eighth")
        self.assertEqual(await self.heard_of(juliet, romeo, 8),
                         ["first", "second", "iq", *(f"{number} {LARGE}" for number in (4, 5, 6)), "seventh", "eighth"])

    async def test_a_domain_too_many_returns(self):
        """Of two that wait one is emptied: then there is room for another."""
        romeo, juliet = await self.begin("server.cores=1")
        self.set("s2s.queues", "2")
        self.send(romeo, "first")
        self.send(romeo, "for Mantua", "apothecary@mantua.lan")
        self.assertEqual(await self.returned(romeo, "kate@padua.lan"), "resource-constraint")
        self.assertEqual([len(self.queues(target)) for target in ("capulet.lan", "mantua.lan", "padua.lan")], [1, 1, 0])
        self.send(romeo, "second")  # another one to those that wait is no further domain
        self.jackdaw.do("queue", "reject", "mantua.lan")
        kate = self.send(romeo, "for Padua", "kate@padua.lan")
        await self.until(lambda: self.queues("padua.lan"), "nothing waits for padua.lan")
        await self.open_way_and_flush()
        self.assertEqual(await self.heard_of(juliet, romeo, 2), ["first", "second"])
        self.jackdaw.do("queue", "reject", "padua.lan")
        self.assertEqual(await self.error_of(romeo, kate), ("remote-server-timeout", "wait"))


class Pauses(Apart):
    async def test_what_comes_meanwhile_waits_as_long_as_the_rest(self):
        """It causes no try, returns at its own age and not at that of the first, or arrives when the way is open."""
        romeo, juliet = await self.begin()
        first = self.send(romeo, "first")
        await self.until(lambda: self.queue() and self.queue()["oldest_seconds"] >= 5, "it does not grow older")
        queue, tries = await self.until_waiting(at_least=3), self.tries()
        self.assertIn("127.0.1.3:5269: Connection refused", queue["last_error"])
        second = self.send(romeo, "second")
        await self.until_queued(2)
        self.assertRegex(self.jackdaw.do("queue", "show", "capulet.lan"),
                         r" retry_seconds .* last_error\n"
                         r"montague\.lan +capulet\.lan +waiting +2 +\d+ +\d+ +[1-9].* Connection refused\n$")
        self.assertEqual(self.tries(), tries)
        self.set("s2s.queue_age", "5s")
        self.assertEqual(await self.error_of(romeo, first), ("remote-server-timeout", "wait"))
        self.assertEqual(self.queue()["stanzas"], 1)
        self.set("s2s.queue_age", "1s")
        self.assertEqual(await self.error_of(romeo, second), ("remote-server-timeout", "wait"))
        self.set("s2s.queue_age", "1h")
        self.send(romeo, "third")
        await self.until_queued(1)
        await self.open_way_and_flush()
        self.assertEqual(await self.heard_of(juliet, romeo, 1), ["third"])

    async def test_two_domains_that_wait_for_a_server_try_it_no_more_often_than_one(self):
        """Both servers take connections and break them off at once."""
        self.serve()
        self.set("s2s.queue_age", "1h")
        romeo, prince = await self.enter("romeo@montague.lan/garden"), await self.enter("romeo@verona.lan/palace")
        shared, single = await self.break_off(BETWEEN), await self.break_off(NOBODY)
        self.send(romeo, "first")
        self.send(romeo, "for Mantua", "apothecary@mantua.lan")
        error = (await self.until_waiting())["last_error"]
        self.send(prince, "second")
        self.assertEqual((await self.until_waiting("verona.lan"))["last_error"], error)
        self.assertIn("capulet.lan", error)
        await self.until(lambda: single.connections >= 3, "mantua.lan is not tried again")
        self.assertLessEqual(shared.connections, single.connections + 1)
        self.assertEqual({source: queue["stanzas"] for source, queue in self.queues().items()},
                         {"montague.lan": 1, "verona.lan": 1})
        await shared.close()
        self.start_prosody()
        juliet = await self.enter(JULIET)
        await self.open_way_and_flush()
        for speaker in (romeo, prince):
            await self.says(speaker, juliet, "third")
        self.assertEqual(self.queues()["verona.lan"]["stanzas"], 0)


    async def test_a_domain_that_is_refused_holds_no_other_back(self):
        """Its next try is far away; another domain of ours has its stream at once."""
        self.start_prosody()
        self.serve("s2s.bidi=false")
        self.set("s2s.queue_age", "1h")
        server = RefusesVerona(BETWEEN, THEIRS)
        await server.start()
        self.addAsyncCleanup(server.close)
        romeo, prince = await self.enter("romeo@montague.lan/garden"), await self.enter("romeo@verona.lan/palace")
        juliet = await self.enter(JULIET)
        self.send(prince, "first")
        refused = await self.until_waiting("verona.lan", at_least=10)
        self.assertIn("policy-violation", refused["last_error"])
        tries = server.connections
        await self.says(romeo, juliet, "second")
        self.assertEqual(server.connections, tries)
        self.assertEqual(self.tries(), 0)
        self.assertEqual(self.queue("verona.lan")["stanzas"], 1)


class Orders(Apart):
    async def test_flush_tries_at_once(self):
        """What is a moment away otherwise is under way when the order is answered. Each connection has its tag and
        keeps its number."""
        romeo, juliet = await self.begin(f"component.password={SECRET}")
        plays = await self.enter_component()
        self.send(romeo, "first")
        plays.send_message(JULIET, "second", mfrom=PLAYS)
        for source in ("montague.lan", PLAYS):
            await self.until_waiting(source, at_least=2)
        self.assertEqual(self.logged("connection opened"), [])
        await self.open_way_and_flush()
        self.assertEqual({queue["state"] for queue in self.queues().values()} - {"opening", "open"}, set())
        came = [await juliet.expect(lambda s: s["body"] in ("first", "second"), "a message") for _ in range(2)]
        self.assertEqual({str(s["from"]): s["body"] for s in came}, {romeo.boundjid.full: "first", PLAYS: "second"})
        (session,) = self.jackdaw.read("session", "list", "--account", "romeo@montague.lan")
        component = self.jackdaw.said(r" XMPPC-(\d{6}) component connected ")[1]
        for number, tag in ((session["number"], "XMPPS"), (int(component), "XMPPC")):
            self.jackdaw.said(rf" XMPPI-{number:06} connection accepted .*\n(?s:.*) {tag}-{number:06} ")
        for source, queue in self.queues().items():
            number = f"{queue['number']:06}"
            self.jackdaw.said(f" XMPPO-{number} stream to another server from={source} to=capulet.lan ")
            self.assertNotIn(f" XMPPI-{number} ", "".join(self.jackdaw.lines))

    async def test_reject_returns_everything_for_good(self):
        """Of all our domains and of every kind; after a restart there is nothing left of it."""
        romeo, juliet = await self.begin()
        prince = await self.enter("romeo@verona.lan/palace")
        other = self.send(romeo, "for Mantua", "apothecary@mantua.lan")
        messages = [(speaker, self.send(speaker, body)) for speaker in (romeo, prince) for body in ("first", "second")]
        romeo.send_presence(pto=JULIET, pstatus="third")
        request = asyncio.ensure_future(romeo.refused(romeo.make_iq_get("urn:xmpp:ping", ito=JULIET)))
        await self.until(lambda: self.metric("jackdaw_s2s_stanzas_stored") == len(messages) + 1, "they are not stored")
        self.assertEqual(self.jackdaw.do("queue", "reject", "capulet.lan"),
                         "capulet.lan: 6 stanzas returned to the senders\n")
        for speaker, message in messages:
            self.assertEqual(await self.error_of(speaker, message), ("remote-server-timeout", "wait"))
        presence = await romeo.expect_presence(JULIET, "error")
        self.assertEqual(presence["error"]["condition"], "remote-server-timeout")
        self.assertEqual(presence["error"]["text"], "The administrator has emptied the queue.")
        self.assertEqual(await request, ("remote-server-timeout", "wait"))
        self.assertEqual(sum(queue["stanzas"] for queue in self.queues().values()), 0)
        self.assertEqual(self.queue(target="mantua.lan")["stanzas"], 1)
        self.assertEqual(await asyncio.to_thread(self.jackdaw.end), 0)
        self.serve()
        self.assertEqual(self.queues(), {})
        self.assertEqual(self.queue(target="mantua.lan")["stanzas"], 1)
        romeo, prince = await self.enter("romeo@montague.lan/garden"), await self.enter("romeo@verona.lan/palace")
        await self.open_way()
        for speaker in (romeo, prince):
            self.send(speaker, "fourth")
        ours = (romeo.boundjid, prince.boundjid)
        came = [(await juliet.expect(lambda s: s["from"] in ours, "a stanza"))["body"] for _ in ours]
        self.assertEqual(came, ["fourth", "fourth"])
        self.assertEqual(self.jackdaw.read("queue", "reject", "mantua.lan"),
                         {"text": "mantua.lan: 1 stanza returned to the senders\n"})
        self.assertEqual(await self.error_of(romeo, other), ("remote-server-timeout", "wait"))

    async def test_a_server_that_nothing_waits_for(self):
        self.serve()
        for words in (("flush", "padua.lan"), ("flush", "padua.lan", "--json")):
            self.assertEqual(self.jackdaw.refused("queue", *words), "jackdaw: padua.lan: nothing waits for it\n")
        self.assertEqual(self.jackdaw.refused("queue", "show", "padua.lan", "--json"),
                         "jackdaw: padua.lan: nothing waits for it, and no stream to it is open\n")
        nothing = "padua.lan: 0 stanzas returned to the senders\n"
        self.assertEqual(self.jackdaw.do("queue", "reject", "padua.lan"), nothing)
        self.assertEqual(self.jackdaw.read("queue", "reject", "padua.lan"), {"text": nothing})
        self.assertEqual(self.jackdaw.read("queue", "list"), [])
        for order in ("show", "flush", "reject"):
            self.assertIn("no valid domain name", self.jackdaw.refused("queue", order, "@"))


if __name__ == "__main__":
    unittest.main(verbosity=1)
