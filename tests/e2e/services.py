"""External components with slixmpp, for the tests of this folder.

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import hashlib
import re
import socket

from slixmpp.componentxmpp import ComponentXMPP

from people import PATIENCE, Person


HEADER = "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='{}'>"


def raw_component(port, name, secret):
    """A component over a plain socket, behind its handshake; and the header that it was answered with."""
    stream = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    stream.sendall(HEADER.format(name).encode())
    heard = stream.recv(4096).decode()
    number = re.search(r" id='([^']*)'", heard)[1]
    stream.sendall(f"<handshake>{hashlib.sha1((number + secret).encode()).hexdigest()}</handshake>".encode())
    assert stream.recv(4096) == b"<handshake/>", f"{name} is refused"
    return stream, heard


class Service(ComponentXMPP):
    """A component whose every stanza can be awaited; it has nothing to say by itself."""

    heard_by = Person.note
    expect, expect_message, expect_presence = Person.expect, Person.expect_message, Person.expect_presence

    def __init__(self, name, secret, host="localhost"):
        super().__init__(name, secret, host=host)
        self.heard = asyncio.Queue()
        self.add_filter("in", self.heard_by)
        self.bound, self.gone, self.errors = asyncio.Event(), asyncio.Event(), asyncio.Queue()
        self.add_event_handler("session_start", lambda _: self.bound.set())
        self.add_event_handler("stream_error", lambda error: self.errors.put_nowait(error["condition"]))
        self.add_event_handler("disconnected", lambda _: self.gone.set())
        self.register_plugin("xep_0030")

    async def come(self, port):
        self.connect("127.0.0.1", port)
        await asyncio.wait_for(self.bound.wait(), PATIENCE)
        return self

    async def refusal(self, port):
        """The stream error that it gets instead."""
        self.connect("127.0.0.1", port)
        condition = await asyncio.wait_for(self.errors.get(), PATIENCE)
        await asyncio.wait_for(self.gone.wait(), PATIENCE)
        return condition
