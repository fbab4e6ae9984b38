#!/usr/bin/env python3
"""What goes wrong between us and ejabberd while both run, and is put right: the DNS, certificates, the network. What
was said meanwhile arrives, or comes back with an error and arrives when it is said again.

    federation_ejabberd_faults_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import pathlib
import subprocess
import sys
import unittest

from conversations import JULIET, Conversations
from peers import READY, start_ejabberd, together
from people import heard_until_now
from province import HERE, LANE, THERE, THEIRS, Houses, Road, enter_namespace

enter_namespace()
Houses.PROGRAM = sys.argv.pop(1)
MANY = 20
OUR_DNS = "127.0.0.54"
IDLE = "1s"  # then a stream is closed
CLOSED = ("remote-server-not-found", "remote-server-timeout", "not-authorized")  # what ejabberd makes of a refusal


class Faults(Houses):
    says_again = Conversations.says_again

    def send_many(self, speaker, to):
        bodies = [f"Art thou there {number}?" for number in range(MANY)]
        for body in bodies:
            speaker.send_message(to, body)
        return bodies

    async def expect_all(self, listener, bodies, speaker):
        """In order and once."""
        came = [(await listener.expect(lambda s: s["from"] == speaker.boundjid and s["body"]))["body"] for _ in bodies]
        self.assertEqual(came, bodies)
        self.assertEqual([s for s in await heard_until_now(listener, speaker) if s["body"]], [])

    async def until_no_streams(self):
        """Neither ours nor theirs."""
        names = ("jackdaw_s2s_streams_out", "jackdaw_s2s_streams_in")
        await self.until(lambda: not any(map(self.metric, names)), "a stream is open")

    async def until_nothing_waits(self):
        def is_empty():
            return not any(row["stanzas"] for row in self.jackdaw.read("queue", "list"))
        await self.until(is_empty, "something waits")


class Dns(Faults):
    """It stops when all streams are gone, and returns."""

    def start(self, *settings, **how):
        self.peer = start_ejabberd(self.province, "capulet.lan", THEIRS, ["juliet"], s2s_timeout=2, s2s_dns_timeout=1,
                                   s2s_dns_retries=1, **how)
        self.serve(f"s2s.idle_timeout={IDLE}", "s2s.queue_age=1h", *settings)

    async def test_that_of_both(self):
        self.start(*self.be_certified(), "s2s.secure_domains=capulet.lan", without=["mod_s2s_dialback"])
        romeo, juliet = await self.enter_both()
        await self.talk(romeo, juliet)
        await self.until_no_streams()
        self.province.stop_dns()
        bodies = self.send_many(romeo, juliet.boundjid.full)
        self.assertIn(await self.returned(juliet, romeo.boundjid.full), CLOSED)
        await self.until(lambda: self.metric("jackdaw_s2s_stanzas_stored") == MANY, "not stored")
        row, = self.jackdaw.read("queue", "list")
        self.assertEqual((row["state"] == "open", row["stanzas"]), (False, MANY))
        self.province.start_dns()
        await self.expect_all(juliet, bodies, romeo)
        await self.says_again(juliet, romeo, "Ay")
        await self.talk(romeo, juliet)

    def start_our_dns(self):
        """Asked by us alone."""
        config = pathlib.Path(self.province.place.name, "dnsmasq.conf").read_text(encoding="ascii")
        ours = self.province.file("our-dns.conf", config.replace("127.0.0.53", OUR_DNS))
        return self.province.run("our-dns", "dnsmasq", "--conf-file=" + ours, ports=[(OUR_DNS, 53)])

    async def test_ours_while_they_prove_themselves(self):
        """By dialback: whom the DNS names for their domain we cannot ask."""
        dns = self.start_our_dns()
        self.start(f"dns.servers={OUR_DNS}", certificate=self.province.certify("capulet.lan", signed=False))
        romeo, juliet = await self.enter_both()
        await self.talk(romeo, juliet)
        proven = self.logged("another server's domain is proven")
        await self.until_no_streams()
        dns.end()
        self.assertIn(await self.returned(juliet, romeo.boundjid.full), CLOSED)
        await self.until_logged("a domain is not proven", **{"from": "capulet.lan", "to": "montague.lan"})
        bodies = self.send_many(romeo, juliet.boundjid.full)
        self.assertEqual(self.logged("another server's domain is proven"), proven)
        dns.start()
        await self.expect_all(juliet, bodies, romeo)
        await self.says_again(juliet, romeo, "Ay")
        await self.talk(juliet, romeo)


class Certificates(Faults):
    """Each server insists on a valid one of the other."""

    async def asyncSetUp(self):
        self.peer = start_ejabberd(self.province, "capulet.lan", THEIRS, ["juliet"], s2s_timeout=2,
                                   without=["mod_s2s_dialback"])

    def serve(self, certificate):
        pem, key = certificate
        super().serve(f"tls.certificate={pem}", f"tls.key={key}", f"s2s.trusted_certificates={self.province.authority}",
                      "s2s.secure_domains=capulet.lan", f"s2s.idle_timeout={IDLE}", "s2s.queue_age=1h")

    async def start_again(self, certificate):
        """ejabberd with that one."""
        together(*certificate, pathlib.Path(self.peer.log).parent / "both.pem")
        self.peer.end()
        said = self.peer.said.read_text().count(READY)
        self.peer.start()
        await self.until(lambda: self.peer.said.read_text().count(READY) > said, "ejabberd has not started")
        return await self.enter("juliet@capulet.lan/balcony")

    async def try_in_vain(self, romeo, juliet, why):
        """Hers returns, his wait."""
        bodies = self.send_many(romeo, juliet.boundjid.full)
        self.assertIn(await self.returned(juliet, romeo.boundjid.full), CLOSED)
        await self.until_no_stream(why)
        self.assertEqual([s for s in await romeo.settle() if s["from"].domain == "capulet.lan"], [])
        return bodies

    async def test_they_expire_and_are_renewed(self):
        """Ours while we run: the new one counts from a reload on. Theirs is replaced by one that has expired, and that
        by a valid one; we are told nothing."""
        self.serve(self.province.certify("montague.lan"))
        romeo, juliet = await self.enter_both()
        await self.talk(romeo, juliet)
        pem, _ = self.province.certify("montague.lan", seconds=3)
        self.jackdaw.do("reload")
        has_expired = ["openssl", "x509", "-noout", "-checkend", "0", "-in", pem]
        await self.until(lambda: subprocess.run(has_expired, capture_output=True, check=False).returncode, "it lasts")
        await self.until_no_streams()
        bodies = await self.try_in_vain(romeo, juliet, "it does not accept our certificate")
        self.province.certify("montague.lan")
        self.jackdaw.do("reload")
        await self.expect_all(juliet, bodies, romeo)
        await self.says_again(juliet, romeo, "Ay")

        juliet = await self.start_again(self.province.certify("capulet.lan", days=-1))
        await self.try_in_vain(romeo, juliet, "has expired")
        juliet = await self.start_again(self.province.certify("capulet.lan"))
        await self.says_again(juliet, romeo, "Ay again")
        await self.until_nothing_waits()
        await self.talk(romeo, juliet)


class Within:
    """The province, where programs run in another network namespace of it."""

    def __init__(self, province, within):
        self.province, self.within = province, within

    def __getattr__(self, name):
        return getattr(self.province, name)

    def run(self, name, *words, **how):
        return self.province.run(name, *self.within, *words, **how)


class Network(Faults):
    """capulet.lan is at the other end of a road that is cut for a while."""

    ZONE = {"xmpp.montague.lan": HERE, "capulet.lan": THERE}
    DOORS = {"capulet.lan": LANE}

    async def test_it_is_lost_and_comes_back(self):
        road = Road(self.province)
        self.addCleanup(road.close)
        within = road.there.within
        self.province.run_dns("dns-there", THERE, within)
        listen = [{"ip": LANE, "port": 5222, "module": "ejabberd_c2s", "shaper": "none", "starttls": True},
                  {"ip": THERE, "port": 5222, "module": "ejabberd_c2s", "shaper": "none", "starttls": True},
                  {"ip": THERE, "port": 5269, "module": "ejabberd_s2s_in", "shaper": "none"}]
        self.peer = start_ejabberd(Within(self.province, within), "capulet.lan", THERE, ["juliet"], listen=listen)
        self.serve(f"listen.server={HERE}:5269", *self.be_certified(), "s2s.queue_age=1h")
        romeo, juliet = await self.enter_both()

        # Before there is a stream.
        road.cut()
        bodies = self.send_many(romeo, JULIET)
        await self.until(lambda: self.metric("jackdaw_s2s_stanzas_stored") >= MANY, "not stored")
        road.mend()
        await self.expect_all(juliet, bodies, romeo)
        await self.says_again(juliet, romeo, "Ay")

        # On streams that outlive it.
        opened = len(self.logged("connection opened"))
        road.cut()
        his, hers = self.send_many(romeo, JULIET), self.send_many(juliet, romeo.boundjid.full)
        self.assertEqual([s for person in (romeo, juliet) for s in await person.settle() if s["body"]], [])
        road.mend()
        await self.expect_all(juliet, his, romeo)
        await self.expect_all(romeo, hers, juliet)
        self.assertEqual(len(self.logged("connection opened")), opened)
        self.assertEqual(self.logged("stream to another server lost"), [])


if __name__ == "__main__":
    unittest.main(verbosity=1)
