"""External components with slixmpp (XEP-0114): they prove themselves, answer for their domain, go and come again.

    component_test.py PROGRAM [TEST]

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import re
import socket
import sys
import unittest

import slixmpp

from people import PATIENCE, Stage
from services import Service, raw_component

Stage.PROGRAM = sys.argv.pop(1)
SECRET, OWN_SECRET = "wherefore art thou", "a rose=by any other name"
PLAYS, ORACLE, VERONA = "plays.localhost", "oracle.delphi.lan", "verona.lan"


class Components(Stage):
    SETTINGS = (f"component.password={SECRET}", f"component.secrets={ORACLE}={OWN_SECRET}", "component.max_stanza=20000",
                "server.cores=3", "log.level=problems")

    async def component(self, name=PLAYS, secret=SECRET):
        service = Service(name, secret)
        self.here.append(service)
        return await service.come(self.port)

    async def items(self, person, domain="localhost"):
        items = await person["xep_0030"].get_items(jid=domain, timeout=PATIENCE)
        return {jid for jid, _, _ in items["disco_items"]["items"]}

    async def unreachable(self, person, name):
        """What the sender of a message to that domain is told."""
        person.send_message(f"will@{name}", "Is anybody there?")
        error = await person.expect(lambda s: s["type"] == "error" and s["from"] == f"will@{name}", "an error")
        return error["error"]["condition"]

    def counted(self, condition):
        found = re.search(rf'jackdaw_stream_errors_total{{condition="{condition}"}} (\d+)', self.jackdaw.do("metrics"))
        return int(found[1]) if found else 0


class Talks(Components):
    ACCOUNTS = Components.ACCOUNTS + (f"escalus@{VERONA}",)

    async def test_people_and_a_component_talk(self):
        """XEP-0114 §3: it is given all for its domain, and sends from any address there."""
        plays, romeo = await self.component(), await self.enter("romeo@localhost/garden")
        romeo.send_message(f"will@{PLAYS}/desk", "Good morrow, cousin.")
        got = await plays.expect_message("Good morrow, cousin.")
        self.assertEqual((got["from"], got["to"]), ("romeo@localhost/garden", f"will@{PLAYS}/desk"))
        plays.send_message("romeo@localhost", "Is the day so young?", mfrom=f"will@{PLAYS}")
        self.assertEqual((await romeo.expect_message("Is the day so young?"))["from"], f"will@{PLAYS}")
        # A request each way.
        info = await romeo["xep_0030"].get_info(jid=PLAYS, timeout=PATIENCE)
        self.assertIn("http://jabber.org/protocol/disco#info", info["disco_info"]["features"])
        info = await plays["xep_0030"].get_info(jid="localhost", ifrom=PLAYS, timeout=PATIENCE)
        self.assertIn(("server", "im"), {one[:2] for one in info["disco_info"]["identities"]})
        # What the server does not know arrives as it was sent (RFC 6120 §8.4).
        unknown = "<rose xmlns='urn:example:rose' red='very'><thorn xml:lang='it'>spina</thorn></rose>"
        romeo.send_raw(f"<message to='{PLAYS}' id='u'><body>&lt;&#233;&gt;</body>{unknown}</message>")
        got = await plays.expect_message("<\xe9>")
        rose = got.xml.find("{urn:example:rose}rose")
        self.assertEqual((rose.get("red"), rose[0].text), ("very", "spina"))

    async def test_presence_and_subscriptions(self):
        """RFC 6121 §3, §4: as with any other domain."""
        plays, romeo = await self.component(), await self.enter("romeo@localhost/garden")
        romeo.send_presence_subscription(pto=f"will@{PLAYS}", ptype="subscribe")
        await plays.expect_presence("romeo@localhost", "subscribe")
        plays.send_presence(pto="romeo@localhost", pfrom=f"will@{PLAYS}", ptype="subscribed")
        await romeo.expect_push(f"will@{PLAYS}", subscription="to")
        plays.send_presence(pto="romeo@localhost", pfrom=f"will@{PLAYS}/desk", pstatus="writing")
        await romeo.expect_presence(f"will@{PLAYS}/desk", fits=lambda p: p["status"] == "writing")
        plays.send_presence(pto="romeo@localhost", pfrom=f"will@{PLAYS}", ptype="subscribe")
        await romeo.expect_presence(f"will@{PLAYS}", "subscribe")
        romeo.send_presence_subscription(pto=f"will@{PLAYS}", ptype="subscribed")
        await plays.expect_presence("romeo@localhost/garden")
        romeo.transport.abort()
        await plays.expect_presence("romeo@localhost/garden", "unavailable")

    async def test_several_are_found_by_clients_while_they_are_there(self):
        """XEP-0030 §4: disco#items of each domain names them; one of them has a secret of its own."""
        romeo, escalus = await self.enter("romeo@localhost/garden"), await self.enter(f"escalus@{VERONA}/hall")

        async def expect_items(*names):
            for person in (romeo, escalus):
                for domain in ("localhost", VERONA):
                    self.assertEqual(await self.items(person, domain), set(names), (person.boundjid, domain))
        await expect_items()
        plays, oracle = await self.component(), await self.component(ORACLE, OWN_SECRET)
        await expect_items(PLAYS, ORACLE)
        self.jackdaw.do("domain", "add", "mantua.lan")  # one that comes later
        self.assertEqual(await self.items(romeo, "mantua.lan"), {PLAYS, ORACLE})
        for name, service in ((PLAYS, plays), (ORACLE, oracle)):
            romeo.send_message(name, f"To {name}")
            await service.expect_message(f"To {name}")
        # One component to another.
        plays.send_message(f"pythia@{ORACLE}", "What will be?", mfrom=PLAYS)
        await oracle.expect_message("What will be?")
        await self.leaves(plays)
        await expect_items(ORACLE)

    async def leaves(self, service):
        service.disconnect(wait=PATIENCE)
        await asyncio.wait_for(service.gone.wait(), PATIENCE)

    async def test_errors_while_it_is_gone_and_service_when_it_is_back(self):
        romeo = await self.enter("romeo@localhost/garden")
        self.assertEqual(await self.unreachable(romeo, PLAYS), "remote-server-not-found")
        for depart in (self.leaves, self.breaks):
            plays = await self.component()
            romeo.send_message(PLAYS, "Here?")
            await plays.expect_message("Here?")
            await depart(plays)
            self.assertEqual(await self.unreachable(romeo, PLAYS), "remote-server-timeout")  # it has been there

    async def breaks(self, service):
        service.abort()
        await asyncio.wait_for(service.gone.wait(), PATIENCE)
        romeo = self.here[0]
        while PLAYS in await self.items(romeo):  # until the server has noticed
            pass


class Refused(Components):
    async def test_who_cannot_prove_it(self):
        """XEP-0114 §3: not-authorized; the name's own secret is not that of the others, nor theirs its."""
        before = self.counted("not-authorized")
        for name, secret in ((PLAYS, "wrong"), (PLAYS, OWN_SECRET), (ORACLE, SECRET)):
            self.assertEqual(await Service(name, secret).refusal(self.port), "not-authorized")
        self.assertEqual(self.counted("not-authorized"), before + 3)
        self.jackdaw.said(r"XMPPI-\d+ stream ended condition=not-authorized")

    async def test_guessing_is_slowed_down(self):
        for _ in range(5):
            self.assertEqual(await Service(PLAYS, "wrong").refusal(self.port), "not-authorized")
        self.assertEqual(await Service(PLAYS, SECRET).refusal(self.port), "not-authorized")
        await self.component(ORACLE, OWN_SECRET)

    async def test_another_secret_ends_who_had_the_old_one(self):
        """And nobody else; with the new one it comes again. Without any it is nobody's name."""
        self.assertEqual(self.jackdaw.end(), 0)
        self.port = self.jackdaw.start("--set", "server.cores=3", "--set", "log.level=problems")
        for setting, value in (("component.password", SECRET), ("component.secrets", f"{ORACLE}={OWN_SECRET}")):
            self.jackdaw.do("setting", "set", setting, "-", password=value)
        plays, oracle = await self.component(), await self.component(ORACLE, OWN_SECRET)
        romeo = await self.enter("romeo@localhost/garden")
        self.jackdaw.do("setting", "set", "component.password", "-", password="another one")
        self.assertEqual(await asyncio.wait_for(plays.errors.get(), PATIENCE), "reset")
        self.assertEqual(await Service(PLAYS, SECRET).refusal(self.port), "not-authorized")
        plays = await self.component(PLAYS, "another one")
        self.jackdaw.do("setting", "set", "component.secrets", "-", password=f"{ORACLE}=new,{VERONA}=x")
        self.assertEqual(await asyncio.wait_for(oracle.errors.get(), PATIENCE), "reset")
        romeo.send_message(PLAYS, "Still there?")
        await plays.expect_message("Still there?")
        self.jackdaw.do("setting", "reset", "component.password")
        self.assertEqual(await asyncio.wait_for(plays.errors.get(), PATIENCE), "reset")
        self.assertEqual(await Service(PLAYS, "another one").refusal(self.port), "host-unknown")
        self.assertEqual(await self.unreachable(romeo, PLAYS), "remote-server-timeout")

    async def test_names_that_are_served_already(self):
        """XEP-0114 §3: conflict; who was there first stays."""
        plays, romeo = await self.component(), await self.enter("romeo@localhost/garden")
        self.assertEqual(await Service(PLAYS, SECRET).refusal(self.port), "conflict")
        self.assertEqual(await Service("localhost", SECRET).refusal(self.port), "conflict")
        romeo.send_message(PLAYS, "Still there?")
        await plays.expect_message("Still there?")
        # A domain that the server takes over while the component is there.
        self.jackdaw.do("domain", "add", PLAYS)
        self.assertEqual(await asyncio.wait_for(plays.errors.get(), PATIENCE), "conflict")

    def raw(self, name=PLAYS, secret=SECRET):
        """A component over a plain socket, behind its handshake."""
        stream, heard = raw_component(self.port, name, secret)
        self.addCleanup(stream.close)
        self.assertIn("xmlns='jabber:component:accept'", heard)
        self.assertNotIn("version", heard.partition("<stream:stream")[2])
        return stream

    async def test_stanzas_that_a_component_may_not_send(self):
        """XEP-0114 §3: both addresses, and the sender's is the component's; what is too large; what is no stanza."""
        romeo = await self.enter("romeo@localhost/garden")
        for words, condition in (
                (f"<message from='juliet@localhost' to='romeo@localhost'/>", "invalid-from"),
                (f"<message from='will@x.{PLAYS}' to='romeo@localhost'/>", "invalid-from"),
                (f"<message from='@' to='romeo@localhost'/>", "invalid-from"),
                (f"<message to='romeo@localhost'/>", "improper-addressing"),
                (f"<message from='{PLAYS}'/>", "improper-addressing"),
                (f"<message from='{PLAYS}' to='romeo@localhost'><body>{'x' * 20000}</body></message>", "policy-violation"),
                ("<handshake/>", "unsupported-stanza-type"), ("<message", None), ("<a:b/>", "bad-namespace-prefix")):
            with self.subTest(words[:80]), self.raw() as stream, stream.makefile() as heard:
                stream.sendall(words.encode())
                if condition is None:
                    stream.shutdown(socket.SHUT_WR)
                said = heard.read()
                self.assertTrue(said.startswith(f"<stream:error><{condition} ") if condition else said == "</stream:stream>",
                                said)
        with self.raw() as stream:
            stream.sendall(f"<iq type='get' id='1' from='{PLAYS}' to='@'><a xmlns='urn:a'/></iq>".encode())
            self.assertRegex(stream.recv(4096).decode(), "<iq [^>]*id='1'[^>]*>.*<jid-malformed ")
            stream.sendall(f"<message from='will@{PLAYS}' to='romeo@localhost'><body>Ay</body></message>".encode())
            await romeo.expect_message("Ay")

    async def test_without_a_secret_there_are_no_components(self):
        """XEP-0114 §3: host-unknown, as by default."""
        self.assertEqual(self.jackdaw.end(), 0)
        self.port = self.jackdaw.start("--set", f"component.secrets={ORACLE}={OWN_SECRET}")
        self.assertEqual(await Service(PLAYS, "").refusal(self.port), "host-unknown")
        oracle = await self.component(ORACLE, OWN_SECRET)
        self.assertNotIn(OWN_SECRET, self.jackdaw.do("setting", "list") + "".join(self.jackdaw.lines))
        self.assertEqual(self.jackdaw.end(), 0)
        self.assertEqual(await asyncio.wait_for(oracle.errors.get(), PATIENCE), "system-shutdown")
        # What is no secret's row is named by its number, not by what stands in it.
        for row in ("my-secret", f"{ORACLE}=", f"{ORACLE} =my-secret", "=my-secret"):
            _, out, err = self.jackdaw.say("serve", "--set", f"component.secrets={ORACLE}=x,{row}")
            self.assertEqual((out, err), ("", "jackdaw: component.secrets: item 2 is not NAME=SECRET\n"))


if __name__ == "__main__":
    unittest.main(verbosity=1)
