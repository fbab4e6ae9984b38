"""Messages of strangers: refused by the domain's rule or the account's own, and never those of people one knows.

    strangers_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import sys
import unittest

from people import Stage

Stage.PROGRAM = sys.argv.pop(1)


class Strangers(Stage):
    async def asyncSetUp(self):
        self.romeo, self.juliet = await self.enter("romeo@localhost"), await self.enter("juliet@localhost")

    async def refused(self, sender, to):
        message = sender.make_message(to, "Who is there?")
        message.send()
        error = await sender.expect(lambda s: s["type"] == "error" and s["id"] == message["id"], "the error")
        self.assertEqual(error["error"]["condition"], "service-unavailable")

    async def arrives(self, sender, listener, to=None):
        body = f"I know you, {listener.boundjid.user}"
        sender.send_message(to or listener.boundjid.bare, body)
        await listener.expect_message(body)

    def do(self, *words):
        return self.jackdaw.do(*words)

    async def test_the_rule_of_the_domain(self):
        await self.arrives(self.romeo, self.juliet)
        self.do("setting", "set", "message.refuse_strangers", "true", "--domain", "localhost")
        await self.refused(self.romeo, "juliet@localhost")
        await self.refused(self.romeo, self.juliet.boundjid.full)
        await self.refused(self.romeo, "tybalt@localhost")  # who is not there, and gets no offline message either
        await self.arrives(self.juliet, self.juliet)
        await self.befriend(self.romeo, self.juliet)
        await self.arrives(self.romeo, self.juliet)
        tybalt = await self.enter("tybalt@localhost")
        self.assertEqual([s for s in await tybalt.settle() if s.name == "message"], [])

    async def test_an_account_has_a_rule_of_its_own(self):
        self.assertIn("refuses", self.do("user", "strangers", "juliet@localhost", "refuse"))
        await self.refused(self.romeo, "juliet@localhost")
        await self.arrives(self.juliet, self.romeo)
        self.jackdaw.hang_up()
        await self.refused(self.romeo, "juliet@localhost")
        self.do("setting", "set", "message.refuse_strangers", "true")
        self.do("user", "strangers", "juliet@localhost", "take")
        await self.arrives(self.romeo, self.juliet)
        self.do("user", "strangers", "juliet@localhost", "domain")
        await self.refused(self.romeo, "juliet@localhost")

    async def test_the_rule_outlives_a_restart_and_not_the_account(self):
        self.do("user", "strangers", "tybalt@localhost", "refuse")
        self.jackdaw.end()
        self.port = self.jackdaw.start()
        romeo = await self.enter("romeo@localhost")
        await self.refused(romeo, "tybalt@localhost")
        self.do("user", "delete", "tybalt@localhost")
        self.jackdaw.do("user", "add", "tybalt@localhost", "--reuse", "--password-stdin", password="r0m30myr0m30")
        tybalt = await self.enter("tybalt@localhost")
        await self.arrives(romeo, tybalt)

    async def test_one_to_whom_a_device_has_shown_itself_is_known(self):
        self.do("user", "strangers", "juliet@localhost", "refuse")
        self.juliet.send_presence(pto=self.romeo.boundjid.full)
        await self.romeo.expect_presence(self.juliet.boundjid.full)
        await self.arrives(self.romeo, self.juliet, self.juliet.boundjid.full)

    def test_what_is_wrong_is_refused(self):
        self.assertIn("say refuse, take, or domain", self.jackdaw.refused("user", "strangers", "juliet@localhost", "no"))
        self.assertIn("no such account", self.jackdaw.refused("user", "strangers", "paris@localhost", "take"))


if __name__ == "__main__":
    unittest.main(verbosity=1)
