#!/usr/bin/env python3
"""Names that nobody has look like those of accounts to who may not log in (RFC 6120 §13.11; bench/login_timing: the time).

    unknown_user_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import base64
import re
import socket
import sys
import unittest

from program import Jackdaw
from raw_client import HEADER

PROGRAM = sys.argv.pop(1)
IN_CLEAR = ("--set", "auth.require_tls=false")
AUTH = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-256'>{}</auth>"
ABORT = "<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"


class Stranger:
    """Somebody at the door who asks for challenges."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.said = ""
        self.ask(HEADER.format("localhost"), "</stream:features>")

    def ask(self, text, end):
        self.socket.sendall(text.encode())
        while not re.search(end, self.said):
            got = self.socket.recv(65536)
            assert got, f"closed behind {self.said!r}"
            self.said += got.decode()
        said, self.said = self.said, ""
        return said

    def challenge(self, name):
        """The answer to a first message of SCRAM: a challenge in clear, or the whole refusal."""
        first = base64.b64encode(f"n,,n={name},r=abcdefghijklmnop".encode()).decode()
        said = self.ask(AUTH.format(first), "</challenge>|</failure>")
        found = re.search("<challenge[^>]*>(.*)</challenge>", said)
        return base64.b64decode(found[1]).decode() if found else said

    def give_up(self):
        return self.ask(ABORT, "</failure>|</stream:stream>")

    def close(self):
        self.socket.close()


class UnknownUser(unittest.TestCase):
    def setUp(self):
        self.jackdaw = Jackdaw(PROGRAM)
        self.addCleanup(self.jackdaw.close)

    def stranger(self, port):
        made = Stranger(port)
        self.addCleanup(made.close)
        return made

    def test_iterations_of_old_accounts(self):
        """After a change of auth.iterations neither the old number nor the new one tells that there is an account."""
        self.jackdaw.start(*IN_CLEAR, "--set", "auth.iterations=5000")
        self.jackdaw.do("user", "add", "nurse@localhost", "--password-stdin", password="r0m30myr0m30")
        self.assertEqual(self.jackdaw.end(), 0)
        port = self.jackdaw.start(*IN_CLEAR, "--set", "auth.iterations=6000")
        for name in ("nurse", "mercutio", "tybalt"):
            self.assertRegex(self.stranger(port).challenge(name), "^r=.*,s=.{24},i=5000$", name)
        self.jackdaw.do("user", "add", "romeo@localhost", "--password-stdin", password="r0m30myr0m30")
        for name in ("romeo", "paris"):
            self.assertRegex(self.stranger(port).challenge(name), "^r=.*,s=.{24},i=6000$", name)

    def test_who_only_looks_at_challenges(self):
        """An address that gives up a hundred times has to wait then, for every name."""
        port = self.jackdaw.start(*IN_CLEAR)
        for _ in range(20):
            stranger = self.stranger(port)
            for _ in range(5):
                self.assertIn("s=", stranger.challenge("nurse"))
                self.assertIn("<aborted/>", stranger.give_up())
        self.assertIn("<temporary-auth-failure/>", self.stranger(port).challenge("nurse"))
        self.assertIn("<temporary-auth-failure/>", self.stranger(port).challenge("nobody"))


if __name__ == "__main__":
    unittest.main(verbosity=1)
