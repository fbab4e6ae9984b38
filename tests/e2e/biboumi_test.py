"""A gateway that others wrote, as a component: biboumi, with an IRC network (ngircd) behind it (XEP-0114).

romeo has slixmpp and is in a channel; juliet is there by IRC. They see each other and talk, in the channel and alone.

    biboumi_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import os
import random
import subprocess
import sys
import unittest
import xml.etree.ElementTree as ET

from people import PATIENCE, Stage

Stage.PROGRAM = sys.argv.pop(1)
SECRET = "wherefore art thou"
GATEWAY = "irc.localhost"
CHANNEL = f"#rose@{GATEWAY}"
# An address of its own, so that the usual port is free.
NETWORK = f"127.77.{random.randrange(1, 250)}.{random.randrange(1, 250)}"

NGIRCD = """[Global]
Name = irc.verona.lan
Info = Fair Verona
Listen = {network}
Ports = 6667
[Options]
Ident = no
DNS = no
PAM = no
"""

BIBOUMI = """hostname={gateway}
password={secret}
xmpp_server_ip=127.0.0.1
port={port}
db_name={folder}/biboumi.sqlite
fixed_irc_server={network}
log_file={folder}/biboumi.log
log_level=2
identd_port=0
"""


class Irc:
    """Somebody on IRC, over a plain socket (RFC 2812)."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def enter(cls, nick, test):
        one = cls(*await asyncio.open_connection(NETWORK, 6667))
        test.addAsyncCleanup(one.leave)
        one.say(f"NICK {nick}", f"USER {nick} 0 * :{nick}")
        await one.expect(" 001 ")
        return one

    async def leave(self):
        self.writer.close()

    def say(self, *lines):
        for line in lines:
            self.writer.write(line.encode() + b"\r\n")

    async def expect(self, words):
        """The next line with these words; pings are answered."""
        while True:
            line = (await asyncio.wait_for(self.reader.readline(), PATIENCE)).decode()
            assert line, f"the network hung up before {words}"
            if line.startswith("PING"):
                self.say(line.replace("PING", "PONG").strip())
            if words in line:
                return line.strip()


class Gateway(Stage):
    SETTINGS = (f"component.password={SECRET}",)

    def run_beside(self, *words):
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.jackdaw.place.name)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def write(self, name, text, **values):
        file = os.path.join(self.jackdaw.place.name, name)
        with open(file, "w", encoding="ascii") as out:
            out.write(text.format(network=NETWORK, gateway=GATEWAY, secret=SECRET, port=self.port,
                                  folder=self.jackdaw.place.name, **values))
        return file

    async def until(self, holds):
        async with asyncio.timeout(PATIENCE):
            while not await holds():
                await asyncio.sleep(0.1)

    async def network_answers(self):
        try:
            _, writer = await asyncio.open_connection(NETWORK, 6667)
        except OSError:
            return False
        writer.close()
        return True

    async def asyncSetUp(self):
        os.chmod(self.jackdaw.place.name, 0o755)  # ngircd gives root's rights up
        self.run_beside("ngircd", "--nodaemon", "--config", self.write("ngircd.conf", NGIRCD))
        self.biboumi = self.run_beside("biboumi", self.write("biboumi.cfg", BIBOUMI))
        await self.until(self.network_answers)
        self.romeo = await self.enter("romeo@localhost/garden")

        async def gateway_is_there():
            items = await self.romeo["xep_0030"].get_items(jid="localhost", timeout=PATIENCE)
            return GATEWAY in {jid for jid, _, _ in items["disco_items"]["items"]}
        await self.until(gateway_is_there)

    async def join(self):
        """XEP-0045 §7.2: his own presence comes last."""
        presence = self.romeo.make_presence(pto=f"{CHANNEL}/romeo")
        presence.append(ET.Element("{http://jabber.org/protocol/muc}x"))
        presence.send()
        await self.romeo.expect_presence(f"{CHANNEL}/romeo", fits=lambda p: any(
            status.get("code") == "110" for status in p.xml.iter("{http://jabber.org/protocol/muc#user}status")))

    async def test_a_channel(self):
        info = await self.romeo["xep_0030"].get_info(jid=GATEWAY, timeout=PATIENCE)
        self.assertIn(("conference", "irc"), {one[:2] for one in info["disco_info"]["identities"]})
        juliet = await Irc.enter("juliet", self)
        juliet.say("JOIN #rose")
        await juliet.expect(" 366 ")
        await self.join()
        await juliet.expect("JOIN :#rose")
        juliet.say("PRIVMSG #rose :What's in a name? \N{ROSE}")
        got = await self.romeo.expect_message("What's in a name? \N{ROSE}")
        self.assertEqual((got["from"], got["type"]), (f"{CHANNEL}/juliet", "groupchat"))
        self.romeo.send_message(CHANNEL, "That which we call a rose", mtype="groupchat")
        self.assertIn("PRIVMSG #rose :That which we call a rose", await juliet.expect("That which we call"))
        # Alone with her.
        self.romeo.send_message(f"{CHANNEL}/juliet", "By any other name", mtype="chat")
        self.assertIn("PRIVMSG juliet :By any other name", await juliet.expect("By any other name"))
        juliet.say("QUIT :smelling as sweet")
        await self.romeo.expect_presence(f"{CHANNEL}/juliet", "unavailable")

    async def test_who_leaves_without_a_word_leaves_the_channel(self):
        """RFC 6121 §4.6.3: the gateway is told by the server, though romeo is in no roster of anybody's there."""
        juliet = await Irc.enter("juliet", self)
        juliet.say("JOIN #rose")
        await juliet.expect(" 366 ")
        await self.join()
        await juliet.expect("JOIN :#rose")
        self.romeo.transport.abort()
        await juliet.expect(":romeo!")  # PART or QUIT, as the gateway likes

    async def test_the_gateway_ends(self):
        await self.join()
        self.biboumi.kill()

        async def errors_come():
            self.romeo.send_message(CHANNEL, "Is there anybody?", mtype="groupchat")
            return any(one["type"] == "error" and one["error"]["condition"] == "remote-server-timeout"
                       for one in await self.romeo.settle())
        await self.until(errors_come)


if __name__ == "__main__":
    unittest.main(verbosity=1)
