#!/usr/bin/env python3
"""The disk is full: what cannot be kept is refused, all else goes on, nothing is lost, and room mends it.

    full_disk_test.py PROGRAM

The data directory is a file system of 8 MiB that only the server sees (a mount namespace of its own).
SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import os
import pathlib
import sqlite3
import sys
import time
import unittest

from people import PATIENCE, Stage
from program import Jackdaw

Stage.PROGRAM = sys.argv.pop(1)
SMALL = """set -e
cp -a "$1" "$1.large"
mount -t tmpfs -o size=8m,mode=0700 tmpfs "$1"
cp -a "$1.large/." "$1"
head -c 4194304 /dev/zero >"$1/ballast"
shift
exec "$@"
"""


class SmallDisk(Jackdaw):
    """Its data directory is on a small disk while the server runs."""

    def __init__(self, program):
        super().__init__(program)
        self.prefix = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"]), "sh", "-c", SMALL,
                       "sh", self.data]

    def say(self, *words, password=None):
        seen = self.data
        if self.server:
            self.data = f"/proc/{self.server.pid}/root{seen}"
        try:
            return super().say(*words, password=password)
        finally:
            self.data = seen

    def make_room(self):
        os.remove(f"/proc/{self.server.pid}/root{self.data}/ballast")


class FullDisk(Stage):
    SERVER = SmallDisk
    SETTINGS = ("c2s.rate=0",)
    ACCOUNTS = ("romeo@localhost", "juliet@localhost", "nurse@localhost")

    async def send_to_nurse(self, romeo, count):
        """Ids of what was kept, and the conditions of what was refused."""
        ids = [f"m{i}" for i in range(count)]
        for id_ in ids:
            message = romeo.make_message("nurse@localhost", "x" * 20000)
            message["id"] = id_
            message.send()
        refused = {s["id"]: s["error"]["condition"] for s in await romeo.settle() if s["type"] == "error"}
        return [id_ for id_ in ids if id_ not in refused], set(refused.values())

    def kept_in(self, backup):
        """How many messages a backup, taken while the server runs, holds; and the backup is one that can be restored."""
        self.jackdaw.do("backup", str(backup))
        with sqlite3.connect(f"file:{backup}?mode=ro", uri=True) as database:
            return database.execute("SELECT count(*) FROM archive_items WHERE archive='offline'").fetchone()[0]

    async def test_messages_to_one_who_is_away(self):
        romeo, juliet = await self.enter("romeo@localhost/garden"), await self.enter("juliet@localhost/balcony")
        kept, refusals = await self.send_to_nurse(romeo, 300)
        self.assertEqual(refusals, {"service-unavailable"})
        self.assertGreater(len(kept), 20)
        self.jackdaw.said("the disk is full.*make room on it")
        romeo.send_message("juliet@localhost", "still here")
        await juliet.expect_message("still here")

        nurse = await self.enter("nurse@localhost/room")
        came = [(await nurse.expect(lambda s: s.name == "message"))["id"] for _ in kept]
        self.assertEqual(came, kept, "all that was not refused, in order")
        await nurse.go()
        nurse = await self.enter("nurse@localhost/room")
        self.assertEqual([s for s in await nurse.settle() if s.name == "message"], [], "she has it all")

        self.jackdaw.make_room()
        backup, end = pathlib.Path(self.jackdaw.place.name, "backup"), time.monotonic() + PATIENCE
        while self.kept_in(backup) > 0:
            self.assertLess(time.monotonic(), end, "what she has is still kept")
            os.remove(backup)
            await asyncio.sleep(1)
        await nurse.go()
        kept, refusals = await self.send_to_nurse(romeo, 3)
        self.assertEqual((kept, refusals), (["m0", "m1", "m2"], set()))
        nurse = await self.enter("nurse@localhost/room")
        for id_ in kept:
            self.assertEqual((await nurse.expect(lambda s: s.name == "message"))["id"], id_)
        for person in (romeo, juliet, nurse):
            await person.go()
        self.assertEqual(self.jackdaw.end(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=1)
