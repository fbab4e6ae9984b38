"""What a session has not acknowledged when it is ended from outside, or the server stops, is not lost (XEP-0198 §5).

    session_end_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import re
import sys
import time
import unittest

from program import Jackdaw, PATIENCE
from raw_client import Ended, RawClient

PROGRAM = sys.argv.pop(1)
OPEN = ["--set", "auth.require_tls=false", "--set", "auth.plain_without_tls=true"]
PASSWORD = "r0m30myr0m30"
COUNT = 20


class SessionEnd(unittest.TestCase):
    """romeo writes to juliet, who reads and acknowledges 5 messages."""

    def setUp(self):
        self.jackdaw = Jackdaw(PROGRAM)
        self.addCleanup(self.jackdaw.close)
        self.port = self.jackdaw.start(*OPEN)
        for name in ("romeo", "juliet"):
            self.jackdaw.do("user", "add", f"{name}@localhost", "--password-stdin", password=PASSWORD)
        self.romeo, self.juliet = self.log_in("romeo"), self.log_in("juliet")
        self.manage_stream(self.juliet)
        for number in range(COUNT):
            self.romeo.send(f"<message to='juliet@localhost' type='chat'><body>number {number}</body></message>")
        self.juliet.until(b"number %d<" % (COUNT - 1))
        self.juliet.send("<a xmlns='urn:xmpp:sm:3' h='6'/>")  # her own presence counts
        self.juliet.ping("acknowledged")

    def log_in(self, name, resource="raw"):
        made = RawClient(self.port, f"{name}@localhost", PASSWORD, resource)
        self.addCleanup(made.close)
        return made

    def manage_stream(self, client):
        client.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
        client.until(rb"<enabled[^>]*/>")
        client.send("<presence/>")
        client.until(rb"<presence[^>]*(/>|>.*?</presence>)")

    def kept(self):
        """What juliet finds at her next log-in."""
        again = self.log_in("juliet", "again")
        again.send("<presence/>")
        return [int(n) for n in re.findall(r"<body>number (\d+)<", again.until(b"number %d<" % (COUNT - 1)))]

    def wait_until_noticed(self):
        """juliet's connection is cut, and her session waits for her."""
        self.juliet.close()
        until = time.monotonic() + PATIENCE
        while not self.jackdaw.read("session", "show", "juliet@localhost/raw")["disconnected"]:
            self.assertLess(time.monotonic(), until)
            time.sleep(0.05)

    def rest_of(self, client):
        with self.assertRaises(Ended) as ended:
            client.until(b"nothing more")
        return str(ended.exception)

    def test_killed_by_the_administrator(self):
        self.jackdaw.do("session", "kill", "juliet@localhost/raw")
        self.assertIn("<policy-violation", self.rest_of(self.juliet))
        self.assertEqual(self.kept(), list(range(5, COUNT)))

    def test_killed_while_it_waits_for_its_client(self):
        self.wait_until_noticed()
        self.jackdaw.do("session", "kill", "juliet@localhost/raw")
        self.assertEqual(self.kept(), list(range(5, COUNT)))

    def test_a_new_password_ends_it(self):
        self.jackdaw.do("user", "passwd", "juliet@localhost", "--password-stdin", password=PASSWORD)
        self.assertIn("<not-authorized", self.rest_of(self.juliet))
        self.assertEqual(self.kept(), list(range(5, COUNT)))

    def test_a_new_password_also_ends_what_is_not_bound_yet(self):
        """Who has logged in with the old one cannot wait for the change to pass."""
        early = self.log_in("juliet", resource=None)
        self.jackdaw.do("user", "passwd", "juliet@localhost", "--password-stdin", password=PASSWORD)
        self.assertIn("<not-allowed", early.bind("late"))
        self.assertIn("<not-allowed", early.bind("later"))
        self.assertIn("<jid>", self.log_in("juliet", resource=None).bind("new"))
        self.jackdaw.do("user", "delete", "juliet@localhost")
        self.jackdaw.do("user", "add", "juliet@localhost", "--reuse", "--password-stdin", password=PASSWORD)
        self.assertIn("<not-allowed", early.bind("another's"))

    def test_locked_and_unlocked(self):
        self.jackdaw.do("user", "lock", "juliet@localhost")
        self.assertIn("<not-authorized", self.rest_of(self.juliet))
        self.jackdaw.do("user", "unlock", "juliet@localhost")
        self.assertEqual(self.kept(), list(range(5, COUNT)))

    def test_the_server_is_stopped(self):
        self.assertEqual(self.jackdaw.end(), 0)
        self.port = self.jackdaw.start(*OPEN)
        self.assertEqual(self.kept(), list(range(5, COUNT)))

    def test_the_server_is_stopped_while_it_waits_for_its_client(self):
        self.wait_until_noticed()
        self.assertEqual(self.jackdaw.end(), 0)
        self.port = self.jackdaw.start(*OPEN)
        self.assertEqual(self.kept(), list(range(5, COUNT)))


if __name__ == "__main__":
    unittest.main(verbosity=1)
