"""Aliases of aliases are refused, so every name ends at its account in one step and there is no ring; many names of one
account; names in another domain.

    aliases_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import logging
import sys
import unittest

from people import PASSWORD, PATIENCE, Person, Stage, heard_until_now
from raw_client import Ended, RawClient

Stage.PROGRAM = sys.argv.pop(1)
ROMEO, JULIET = "romeo@montague.lan", "juliet@capulet.lan"


class Aliases(Stage):
    ACCOUNTS = (ROMEO, JULIET)
    SETTINGS = ("server.cores=2", "auth.require_tls=false", "auth.plain_without_tls=true")

    def add(self, alias, account):
        self.jackdaw.do("alias", "add", alias, account)

    def not_added(self, alias, account):
        """The one line of the refusal."""
        return self.jackdaw.refused("alias", "add", alias, account)

    def listed(self):
        return {row["alias"]: row["account"] for row in self.jackdaw.read("alias", "list")}

    async def arrives(self, speaker, listener, to):
        body = f"Is it {to}?"
        speaker.send_message(to, body, mtype="chat")
        self.assertEqual((await listener.expect_message(body))["from"], speaker.boundjid.full)

    async def returns(self, speaker, to):
        """The condition of the error for a message there."""
        speaker.send_message(to, f"Is it {to}?", mtype="chat")
        error = await speaker.expect(lambda stanza: stanza["type"] == "error" and stanza["from"] == to, "an error")
        return error["error"]["condition"]

    async def is_refused(self, jid):
        """At the log-in, though the password is romeo's."""
        stranger = Person(jid)
        self.here.append(stranger)
        stranger.connect(("127.0.0.1", self.port), force_starttls=True)
        await asyncio.wait_for(stranger.failed.wait(), PATIENCE)

    async def test_an_alias_of_an_alias_is_refused(self):
        """Neither a chain nor a ring can be made, in whatever order one tries."""
        self.add("montague@montague.lan", ROMEO)
        before = self.listed()
        for alias, account, why in (
                ("heir@montague.lan", "montague@montague.lan", "an alias itself: name its account"),  # a chain
                ("heir@capulet.lan", "montague@montague.lan", "an alias itself: name its account"),
                ("montague@montague.lan", "montague@montague.lan", "an alias itself"),  # a ring of one
                ("heir@montague.lan", "heir@montague.lan", "There is no such account"),
                (ROMEO, "montague@montague.lan", "There is an account of this name"),  # a ring of two
                ("montague@montague.lan", JULIET, "It is an alias of another account")):
            self.assertIn(why, self.not_added(alias, account), alias)
        name = f"jackdaw: montague@montague.lan: is another name of {ROMEO}\n"
        for words in (("user", "add", "montague@montague.lan", "--password-stdin"),
                      ("user", "passwd", "montague@montague.lan", "--password-stdin"),
                      *(("user", order, "montague@montague.lan") for order in ("show", "lock", "rights", "delete"))):
            self.assertEqual(self.jackdaw.refused(*words, password="else"), name)
        self.assertEqual(self.listed(), before)
        romeo, juliet = await self.enter(f"{ROMEO}/garden"), await self.enter(f"{JULIET}/balcony")
        await self.arrives(juliet, romeo, "montague@montague.lan")
        for nobody in ("heir@montague.lan", "heir@capulet.lan"):
            self.assertEqual(await self.returns(juliet, nobody), "service-unavailable")
            await self.is_refused(nobody)
        # What was an account becomes an alias: nothing leads through it, as the account's own names went with it.
        self.jackdaw.do("user", "delete", ROMEO)
        self.assertEqual(self.listed(), {})
        self.add(ROMEO, JULIET)
        self.assertIn("an alias itself: name its account", self.not_added("montague@montague.lan", ROMEO))
        await self.arrives(juliet, juliet, ROMEO)
        self.assertEqual(await self.returns(juliet, "montague@montague.lan"), "service-unavailable")

    async def test_a_header_may_say_any_of_the_names(self):
        """And no other (RFC 6120 §4.9.3.9)."""
        self.add("montague@montague.lan", ROMEO)
        for name in ("montague@montague.lan", ROMEO, f"{ROMEO}/garden"):
            session = RawClient(self.port, "montague@montague.lan", PASSWORD, None, name)
            self.addCleanup(session.socket.close)
            self.assertIn(f"<jid>{ROMEO}/street</jid>", session.bind("street"))
        for name in (JULIET, "mercutio@montague.lan", "montague.lan", "@"):
            with self.assertRaisesRegex(Ended, "<invalid-from "):
                RawClient(self.port, "montague@montague.lan", PASSWORD, "garden", name)

    async def test_more_names_than_there_may_be_steps(self):
        """A dozen names of one account are no dozen steps: each delivers and logs in."""
        names = [f"montague-{number}@montague.lan" for number in range(12)]
        for name in names:
            self.add(name, ROMEO)
        romeo, juliet = await self.enter(f"{ROMEO}/garden"), await self.enter(f"{JULIET}/balcony")
        for name in names:
            await self.arrives(juliet, romeo, name)
        for name in (names[0], names[-1]):
            again = await self.enter(f"{name}/street")
            self.assertEqual(again.boundjid, f"{ROMEO}/street")
            await again.go()

    async def test_a_name_in_another_domain_is_for_messages_alone(self):
        """And what comes for a name while nobody is there waits for the account, once."""
        self.add("romeo@capulet.lan", ROMEO)
        self.add("montague@montague.lan", ROMEO)
        juliet = await self.enter(f"{JULIET}/balcony")
        for name in ("romeo@capulet.lan", "montague@montague.lan"):
            juliet.send_message(name, f"Where art thou, {name}?", mtype="chat")
        await juliet.settle()
        await self.is_refused("romeo@capulet.lan")
        romeo = await self.enter("montague@montague.lan/garden", presence=False)
        romeo.send_presence()
        for name in ("romeo@capulet.lan", "montague@montague.lan"):
            await romeo.expect_message(f"Where art thou, {name}?")
        await romeo.settle()  # its answers to the server have arrived
        await romeo.go()
        romeo = await self.enter(f"{ROMEO}/garden", presence=False)
        romeo.send_presence()
        came = await romeo.settle() + await heard_until_now(romeo, juliet)
        self.assertEqual([stanza for stanza in came if stanza.name == "message"], [])


if __name__ == "__main__":
    logging.disable()  # what slixmpp thinks of being refused
    unittest.main(verbosity=1)
