#!/usr/bin/env python3
"""Two slixmpp clients over TLS with SCRAM: subscription, presence, messages, offline delivery.

They speak TLS 1.2: slixmpp 1.8 binds SCRAM-...-PLUS by tls-unique, which TLS 1.3 has not (RFC 9266 §3).

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import logging
import ssl
import sys

import slixmpp

from program import Jackdaw

PASSWORD = "r0m30myr0m30"
PATIENCE = 20


class Client(slixmpp.ClientXMPP):
    """A client whose events can be awaited."""

    def __init__(self, jid):
        super().__init__(jid, PASSWORD)
        self.ssl_context.check_hostname = False
        self.ssl_context.verify_mode = ssl.CERT_NONE
        self.ssl_context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.auto_authorize = self.auto_subscribe = None
        self.heard = asyncio.Queue()
        for name in ("message", "changed_status", "presence_subscribe", "presence_subscribed", "roster_update"):
            self.add_event_handler(name, lambda stanza, event=name: self.heard.put_nowait((event, stanza)))
        self.started, self.failed = asyncio.Event(), asyncio.Event()
        self.add_event_handler("session_start", lambda _: self.started.set())
        self.add_event_handler("failed_auth", lambda _: self.failed.set())
        self.register_plugin("xep_0030")
        self.register_plugin("xep_0198")
        self.register_plugin("xep_0199")
        self.register_plugin("xep_0203")

    async def come(self, port):
        self.connect(("127.0.0.1", port), disable_starttls=False, force_starttls=True)
        await asyncio.wait_for(self.started.wait(), PATIENCE)
        assert isinstance(self.socket, ssl.SSLObject) or self.transport.get_extra_info("ssl_object"), "not encrypted"
        await self.get_roster()
        self.send_presence()

    async def expect(self, event, fits=lambda stanza: True):
        """The next event of that name that fits; others are passed over."""
        async def look():
            while True:
                name, stanza = await self.heard.get()
                if name == event and fits(stanza):
                    return stanza
        return await asyncio.wait_for(look(), PATIENCE)

    async def go(self):
        self.disconnect(wait=0)
        await asyncio.wait_for(self.disconnected, PATIENCE)


async def talk(port):
    romeo, juliet = Client("romeo@localhost/garden"), Client("juliet@localhost/balcony")
    await romeo.come(port)
    await juliet.come(port)

    # RFC 6121 §3.1: both see each other.
    romeo.send_presence_subscription(pto="juliet@localhost", ptype="subscribe")
    await juliet.expect("presence_subscribe")
    juliet.send_presence_subscription(pto="romeo@localhost", ptype="subscribed")
    await romeo.expect("presence_subscribed")
    await romeo.expect("changed_status", lambda p: p["from"].bare == "juliet@localhost")
    # RFC 6121 §2.1.6: the push may come behind both.
    for _ in range(PATIENCE * 10):
        if romeo.client_roster["juliet@localhost"]["subscription"] == "to":
            break
        await asyncio.sleep(0.1)
    assert romeo.client_roster["juliet@localhost"]["subscription"] == "to", romeo.client_roster["juliet@localhost"]
    juliet.send_presence(pshow="away", pstatus="but a little")
    await romeo.expect("changed_status", lambda p: p["from"].bare == "juliet@localhost" and p["show"] == "away")

    # RFC 6121 §5: messages both ways, in order.
    for number in range(50):
        romeo.send_message("juliet@localhost", f"Art thou there? {number} <&> \N{ROSE}")
    for number in range(50):
        got = await juliet.expect("message")
        assert got["body"] == f"Art thou there? {number} <&> \N{ROSE}" and got["from"] == "romeo@localhost/garden", got
    juliet.send_message("romeo@localhost/garden", "Ay me!")
    assert (await romeo.expect("message"))["body"] == "Ay me!"

    # XEP-0160: who is away finds it later, with its time.
    await juliet.go()
    await romeo.expect("changed_status", lambda p: p["type"] == "unavailable" and p["from"].bare == "juliet@localhost")
    romeo.send_message("juliet@localhost", "Good night, good night")
    assert (await romeo["xep_0199"].ping("localhost", timeout=PATIENCE)) is not None
    juliet = Client("juliet@localhost/balcony")
    await juliet.come(port)
    late = await juliet.expect("message", lambda m: m["body"] == "Good night, good night")
    assert late["delay"]["stamp"], late

    # XEP-0030: the server says what it is.
    info = await romeo["xep_0030"].get_info(jid="localhost", timeout=PATIENCE)
    assert ("server", "im") in {(i[0], i[1]) for i in info["disco_info"]["identities"]}
    assert "urn:xmpp:ping" in info["disco_info"]["features"]
    await romeo.go()
    await juliet.go()


async def wrong_password(port):
    thief = Client("tybalt@localhost/dark")
    thief.credentials["password"] = thief.password = "wrong"
    thief.connect(("127.0.0.1", port))
    await asyncio.wait_for(thief.failed.wait(), PATIENCE)
    thief.abort()


def main(program):
    logging.basicConfig(level=logging.ERROR)
    jackdaw = Jackdaw(program)
    try:
        port = jackdaw.start()
        for name in ("romeo", "juliet", "tybalt"):
            jackdaw.do("user", "add", f"{name}@localhost", "--password-stdin", password=PASSWORD)
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        loop.run_until_complete(talk(port))
        loop.run_until_complete(wrong_password(port))
        assert jackdaw.end() == 0, "the server did not end well"
    finally:
        jackdaw.close()
    print("slixmpp: subscription, presence, messages, offline messages")


if __name__ == "__main__":
    main(sys.argv[1])
