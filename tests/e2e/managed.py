"""A person with stream management (XEP-0198), whose connection can be cut and come again. For the tests of this folder.

SPDX-License-Identifier: Apache-2.0
"""
import asyncio

from slixmpp import Message
from slixmpp.plugins.xep_0198.stanza import Resume

from people import PATIENCE, Person

STANZAS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"


class Managed(Person):
    """A client with stream management that asks for acknowledgements only when it is told to."""

    def __init__(self, jid):
        super().__init__(jid)
        self.unheard = False  # what it sends is lost on the way
        self.enabled, self.failures, self.resumptions, self.acknowledged = asyncio.Queue(), asyncio.Queue(), [], []
        self.add_event_handler("sm_enabled", self.enabled.put_nowait)
        self.add_event_handler("sm_failed", self.failures.put_nowait)
        self.add_event_handler("session_resumed", self.resumptions.append)
        self.add_event_handler("stanza_acked", self.note_acknowledged)
        self.unacknowledged = []
        self.add_filter("out_sync", self.remember)
        self.register_plugin("xep_0198", {"window": 1000})
        self.add_filter("out_sync", self.recall)
        self.management = self["xep_0198"]

    def note_acknowledged(self, stanza):
        if isinstance(stanza, Message):
            self.acknowledged.append(stanza["body"])

    # slixmpp 1.8 forgets what is unacknowledged when it asks to resume (_handle_outgoing); XEP-0198 §5 needs it.
    def remember(self, stanza):
        if isinstance(stanza, Resume):
            self.unacknowledged = list(self.management.unacked_queue)
        return stanza

    def recall(self, stanza):
        if isinstance(stanza, Resume):
            self.management.unacked_queue.extend(self.unacknowledged)
        return stanza

    def send_raw(self, data):
        if not self.unheard:
            super().send_raw(data)

    async def come(self, port, presence=True):
        await super().come(port, presence)
        await asyncio.wait_for(self.enabled.get(), PATIENCE)

    async def cut(self):
        """The connection breaks without a word."""
        self.abort()
        await asyncio.wait_for(self.gone.wait(), PATIENCE)
        self.gone.clear()
        self.started.clear()
        self.unheard = False

    async def return_to(self, port):
        """Connects anew; slixmpp resumes when it can: whether it did."""
        before = len(self.resumptions)
        self.connect(("127.0.0.1", port), disable_starttls=False, force_starttls=True)
        await asyncio.wait_for(self.started.wait(), PATIENCE)
        return len(self.resumptions) > before

    async def failure(self):
        """Why it was not resumed."""
        failed = await asyncio.wait_for(self.failures.get(), PATIENCE)
        (condition,) = [child.tag for child in failed.xml if child.tag.startswith(STANZAS)]
        return condition.removeprefix(STANZAS)

    def take_over(self, other):
        """Knows what is needed to resume the other's session."""
        ours, theirs = self.management, other.management
        ours.sm_id, ours.handled, ours.seq, ours.last_ack = theirs.sm_id, theirs.handled, theirs.seq, theirs.seq

    def acknowledge_nothing(self):
        self.management.send_ack = lambda: None

    def acknowledge_all(self):
        del self.management.send_ack
        self.management.send_ack()


def bodies(stanzas):
    return [stanza["body"] for stanza in stanzas if isinstance(stanza, Message)]
