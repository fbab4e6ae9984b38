"""A data directory in trouble: the program says in one line what is wrong and what to do, and changes nothing.

SPDX-License-Identifier: Apache-2.0
"""
import os
import pathlib
import sys
import unittest

from people import PASSWORD
from program import Jackdaw

PROGRAM = sys.argv.pop(1)
NOWHERE = ("--set", "listen.client=127.0.0.1:0", "--set", "listen.server=", "--set", "listen.tls=")


class Trouble(unittest.TestCase):
    def setUp(self):
        self.jackdaw = Jackdaw(PROGRAM)
        self.addCleanup(self.jackdaw.close)
        self.jackdaw.do("setup", "--domain", "localhost", "--password-stdin", password=PASSWORD)
        self.database = pathlib.Path(self.jackdaw.data, "jackdaw.db")

    def test_a_database_that_is_none(self):
        good = self.database.read_bytes()
        spoilt = b"garbage" * 2000 + good[14000:]
        self.database.write_bytes(spoilt)
        said = self.jackdaw.refused("serve", *NOWHERE)
        self.assertIn(f"{self.database}: this is not a database", said)
        self.assertIn("restore a backup", said)
        self.assertEqual(self.database.read_bytes(), spoilt)
        self.database.write_bytes(good)
        self.jackdaw.start()
        self.assertEqual(self.jackdaw.end(), 0)

    def test_a_server_that_runs_already(self):
        self.jackdaw.start()
        self.assertIn("another server uses this data directory", self.jackdaw.refused("serve", *NOWHERE))
        self.assertTrue(self.jackdaw.answers())

    def test_a_database_that_is_a_folder(self):
        os.remove(self.database)
        os.mkdir(self.database)
        self.assertIn(str(self.database), self.jackdaw.refused("serve", *NOWHERE))


if __name__ == "__main__":
    unittest.main(verbosity=1)
