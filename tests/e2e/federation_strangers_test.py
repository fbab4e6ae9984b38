#!/usr/bin/env python3
"""Messages of strangers at another server (Prosody): refused by the rule of the domain or of an account, and taken from
those whom one knows.

    federation_strangers_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import sys
import unittest

from province import Houses, enter_namespace

enter_namespace()
Houses.PROGRAM = sys.argv.pop(1)
ROMEO, BENVOLIO = "romeo@montague.lan", "benvolio@montague.lan"


class Strangers(Houses):
    async def refused(self, juliet, to):
        self.assertEqual(await self.returned(juliet, to, "Who is there?"), "service-unavailable")

    async def arrives(self, juliet, listener, to=None):
        body = f"I know you, {listener.boundjid.user}"
        juliet.send_message(to or listener.boundjid.bare, body)
        await listener.expect_message(body)

    async def test_they_are_refused_and_contacts_are_not(self):
        self.jackdaw.do("user", "add", BENVOLIO, "--password-stdin", password="r0m30myr0m30")
        self.start_prosody()
        self.serve(*self.be_certified())
        romeo, juliet = await self.enter_both()
        benvolio = await self.enter(BENVOLIO)
        await self.arrives(juliet, romeo)

        # An account's own rule.
        self.jackdaw.do("user", "strangers", ROMEO, "refuse")
        for to in (ROMEO, romeo.boundjid.full):
            await self.refused(juliet, to)
        await self.arrives(juliet, benvolio)
        await self.befriend(romeo, juliet)
        for to in (ROMEO, romeo.boundjid.full):
            await self.arrives(juliet, romeo, to)

        # The domain's; who is a contact of one is a stranger to another.
        self.jackdaw.do("user", "strangers", ROMEO, "domain")
        self.jackdaw.do("setting", "set", "message.refuse_strangers", "true", "--domain", "montague.lan")
        await self.refused(juliet, BENVOLIO)
        await self.arrives(juliet, romeo)
        self.jackdaw.do("user", "strangers", BENVOLIO, "take")
        await self.arrives(juliet, benvolio)
        self.jackdaw.do("user", "strangers", BENVOLIO, "domain")
        await self.befriend(juliet, benvolio)
        await self.arrives(juliet, benvolio)

        # Nothing that was refused has come, and who is forgotten is a stranger again.
        for person in (romeo, benvolio):
            self.assertEqual([s["body"] for s in await person.settle() if s.name == "message"], [])
        await romeo.del_roster_item(juliet.boundjid.bare)
        await juliet.expect_presence(ROMEO, "unsubscribed")
        await self.refused(juliet, ROMEO)


if __name__ == "__main__":
    unittest.main(verbosity=1)
