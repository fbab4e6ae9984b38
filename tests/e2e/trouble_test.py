"""A data directory in trouble: the program says in one line what is wrong and what to do, and changes nothing.

SPDX-License-Identifier: Apache-2.0
"""
import os
import pathlib
import sqlite3
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

    def test_a_directory_that_may_only_be_read(self):
        """A mount that only this server sees."""
        self.jackdaw.prefix = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"]), "sh", "-c",
                               'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"', self.jackdaw.data]
        said = self.jackdaw.refused("serve", *NOWHERE)
        self.assertIn(self.jackdaw.data, said)
        self.assertRegex(said, "read-only|Read-only")
        self.jackdaw.prefix = []
        self.jackdaw.start()

    def test_a_database_that_somebody_else_has_locked(self):
        """The start says so; a server that runs refuses what it cannot store, and goes on when it can again."""
        with sqlite3.connect(self.database, isolation_level=None) as other:
            other.execute("PRAGMA locking_mode=EXCLUSIVE")
            other.execute("BEGIN EXCLUSIVE")
            self.assertIn("locked", self.jackdaw.refused("serve", *NOWHERE))
            other.execute("ROLLBACK")
        other.close()
        self.jackdaw.start()
        other = sqlite3.connect(self.database, isolation_level=None)
        self.addCleanup(other.close)
        other.execute("BEGIN IMMEDIATE")
        add = ("user", "add", "nurse@localhost", "--password-stdin")
        self.assertIn("could not store it; its log says why", self.jackdaw.refused(*add, password=PASSWORD))
        self.jackdaw.said("locked")
        self.assertTrue(self.jackdaw.answers())
        other.execute("ROLLBACK")
        self.jackdaw.do(*add, password=PASSWORD)


if __name__ == "__main__":
    unittest.main(verbosity=1)
