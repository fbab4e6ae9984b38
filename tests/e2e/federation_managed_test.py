#!/usr/bin/env python3
"""Streams to other servers as their administrator sees them, and acknowledged ones (XEP-0198): a peer that dies silently
loses nothing; queues are shown, tried again and emptied.

    federation_managed_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import signal
import sys
import unittest

from province import Houses, enter_namespace

enter_namespace()
Houses.PROGRAM = sys.argv.pop(1)
JULIET = "juliet@capulet.lan"
MANY = 30


class Managed(Houses):
    async def test_what_a_dying_server_had_not_taken_is_sent_again(self):
        """Prosody is stopped: its socket takes everything, it reads nothing. Then it is killed and starts anew."""
        self.serve(*self.be_certified())
        prosody = self.start_prosody(modules=["smacks"])
        romeo, juliet = await self.enter_both()
        await self.talk(romeo, juliet)
        await self.until_logged("stream to another server", to="capulet.lan", acknowledges="yes")
        juliet.abort()
        prosody.process.send_signal(signal.SIGSTOP)
        bodies = [f"Art thou there {number}?" for number in range(MANY)]
        for body in bodies:
            romeo.send_message(JULIET, body)
        await romeo.settle()
        prosody.process.kill()
        prosody.process.wait()
        prosody.start()
        juliet = await self.enter("juliet@capulet.lan/orchard")
        came = [(await juliet.expect(lambda s: s["from"].bare == "romeo@montague.lan" and s["body"]))["body"]
                for _ in bodies]
        self.assertEqual(came, bodies)

    async def test_what_comes_is_acknowledged(self):
        """Prosody asks for acknowledgements of its stream to us, and gets them."""
        self.serve(*self.be_certified())
        prosody = self.start_prosody(modules=["smacks"])
        romeo, juliet = await self.enter_both()
        await self.talk(romeo, juliet)

        def has_logged(words):
            return words in prosody.log.read_text(errors="replace")
        await self.until(lambda: has_logged("Received[s2sout]: <enabled"), "Prosody's stream is not managed")
        for number in range(MANY):
            juliet.send_message("romeo@montague.lan/garden", f"Ay {number}")
        for number in range(MANY):
            await romeo.expect_message(f"Ay {number}")
        await self.until(lambda: has_logged("Received[s2sout]: <a "), "Prosody still waits for acknowledgements")


class Queues(Houses):
    async def test_a_queue_is_shown_flushed_and_rejected(self):
        self.serve("s2s.queue_age=1h")
        romeo = await self.enter("romeo@montague.lan/garden")
        romeo.send_message(JULIET, "Art thou there?")

        def waiting():
            return [q for q in self.jackdaw.read("queue", "list") if q["state"] == "waiting"]
        (queue,) = await self.until(waiting, "nothing waits")
        self.assertEqual((queue["source"], queue["target"], queue["stanzas"]), ("montague.lan", "capulet.lan", 1))
        self.assertIn("Connection refused", queue["last_error"])
        self.assertIn("Connection refused", self.jackdaw.do("queue", "show", "capulet.lan"))
        self.start_prosody()
        self.jackdaw.do("queue", "flush", "capulet.lan")
        await self.until_logged("stream to another server", to="capulet.lan", security="TLSv1.3")
        (queue,) = self.jackdaw.read("queue", "list")
        self.assertEqual((queue["state"], queue["stanzas"], queue["address"]), ("open", 0, "127.0.1.2"))
        juliet = await self.enter("juliet@capulet.lan/balcony")
        await juliet.expect_message("Art thou there?")

    async def test_what_is_rejected_returns(self):
        self.serve("s2s.queue_age=1h")
        romeo = await self.enter("romeo@montague.lan/garden")
        romeo.send_message(JULIET, "Art thou there?")
        await self.until(lambda: self.jackdaw.read("queue", "list"), "nothing waits")
        self.assertIn("1 stanza returned", self.jackdaw.do("queue", "reject", "capulet.lan"))
        error = await romeo.expect(lambda s: s["type"] == "error", "the message")
        self.assertEqual(error["error"]["condition"], "remote-server-timeout")
        self.assertEqual(self.jackdaw.refused("queue", "flush", "verona.lan"),
                         "jackdaw: verona.lan: nothing waits for it\n")

    async def test_where_addresses_end(self):
        self.serve("s2s.secure_domains=*.lan", "s2s.routes=verona.lan=127.0.1.7:5270")
        for address, answer in (("romeo@montague.lan/garden", "an account of this server"),
                                ("nobody@montague.lan", "no account of this name"),
                                ("montague.lan", "a domain of this server"),
                                ("juliet@capulet.lan", "another server; TLS: verified\n  capulet.lan:5269: 127.0.1.2"),
                                ("verona.lan", "127.0.1.7:5270, a static route"),
                                ("nowhere.lan", "nowhere.lan:5269: no such name")):
            self.assertIn(answer, self.jackdaw.do("route", address), address)
        self.assertIn("not a valid address", self.jackdaw.refused("route", "@"))


if __name__ == "__main__":
    unittest.main(verbosity=1)
