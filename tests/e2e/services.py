"""External components with slixmpp, for the tests of this folder.

SPDX-License-Identifier: Apache-2.0
"""
import asyncio

from slixmpp.componentxmpp import ComponentXMPP

from people import PATIENCE, Person


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
