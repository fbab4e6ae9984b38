"""The log as an administrator uses it: levels at run time, closer looks, rotation, time, syslog, the journal; no secrets.

    log_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import glob
import os
import re
import socket
import sys
import time
import unittest

from people import PASSWORD, Stage

PROGRAM = sys.argv.pop(1)
UNTIL = 15
# A machine of its own, as far as these two sockets go: $0 is what listens there.
OWN_DEV = ("mount -t tmpfs none /dev && mknod /dev/null c 1 3 && mknod /dev/urandom c 1 9 && "
           'touch /dev/log && mount --bind "$0" /dev/log && exec "$@"')
OWN_RUN = ("mount -t tmpfs none /run && mkdir -p /run/systemd/journal && touch /run/systemd/journal/socket && "
           'mount --bind "$0" /run/systemd/journal/socket && exec "$@"')


class Logs(Stage):
    PROGRAM = PROGRAM

    async def until(self, holds, what):
        deadline = time.monotonic() + UNTIL
        while not (given := holds()):
            self.assertLess(time.monotonic(), deadline, what)
            await asyncio.sleep(0.05)
        return given

    def lines(self, *words):
        """Those of the log with all of these words."""
        return [line for line in list(self.jackdaw.lines) if all(word in line for word in words)]

    async def until_line(self, *words):
        return (await self.until(lambda: self.lines(*words), f"{words} is not in the log"))[0]

    def set(self, name, value):
        self.jackdaw.do("setting", "set", name, value)

    def number_of(self, jid):
        return self.jackdaw.read("session", "show", jid)["number"]


class Levels(Logs):
    async def test_the_level_changes_at_run_time(self):
        romeo = await self.enter("romeo@localhost")
        self.assertEqual(self.lines("session bound"), [])
        self.set("log.level", "low-level")
        juliet = await self.enter("juliet@localhost")
        await self.until_line("XMPPS-", "session bound", juliet.boundjid.full)
        self.set("log.level", "failures")
        count = len(self.jackdaw.lines)
        await self.enter("romeo@localhost/elsewhere")
        romeo.send_message(juliet.boundjid.full, "Hark")
        await juliet.expect_message("Hark")
        self.assertEqual(self.jackdaw.lines[count:], [])

    async def test_the_tag_changes_when_the_role_is_known(self):
        self.set("log.level", "low-level")
        await self.enter("romeo@localhost")
        number = re.search(r" XMPPI-(\d{6}) connection accepted ", await self.until_line("connection accepted"))[1]
        await self.until_line(f"XMPPS-{number} session bound")

    async def test_a_module_has_a_level_of_its_own(self):
        self.set("log.levels", "XMPPS=low-level")
        await self.enter("romeo@localhost")
        await self.until_line("session bound")
        self.assertEqual(self.lines("XMPPI-", "connection accepted"), [])
        self.set("log.levels", "XMPPS=failures,XMPPI=low-level")
        await self.enter("juliet@localhost")
        await self.until_line("XMPPI-", "connection accepted")
        self.assertEqual(self.lines("session bound", "juliet"), [])

    async def test_an_address_has_a_level_of_its_own(self):
        self.set("log.levels", "127.0.0.1=all")
        romeo = await self.enter("romeo@localhost")
        await self.until_line("session bound", "romeo")
        romeo.send_message("juliet@localhost", "He jests at scars")
        await self.until_line("heard", "He jests at scars")
        self.set("log.levels", "127.0.0.9=all")
        romeo.send_message("juliet@localhost", "that never felt a wound")
        await romeo["xep_0199"].ping("localhost", timeout=UNTIL)
        self.assertEqual(self.lines("that never felt"), [])

    async def test_one_connection_is_watched(self):
        romeo, juliet = await self.enter("romeo@localhost"), await self.enter("juliet@localhost")
        number = self.number_of(romeo.boundjid.full)
        self.jackdaw.do("log", "watch", f"XMPPS-{number:06}")
        self.assertIn([f"XMPPS-{number:06}", "all", "log watch"],
                      [list(row.values()) for row in self.jackdaw.read("log", "levels")])
        romeo.send_message(juliet.boundjid.full, "It is the east")
        await self.until_line(f"XMPPS-{number:06} heard", "It is the east")
        juliet.send_message(romeo.boundjid.full, "Ay me")
        await self.until_line(f"XMPPS-{number:06} said", "Ay me")
        self.assertEqual(self.lines(f"XMPPS-{self.number_of(juliet.boundjid.full):06}"), [])
        self.jackdaw.do("log", "unwatch", f"XMPPS-{number:06}")
        romeo.send_message(juliet.boundjid.full, "She speaks")
        await juliet.expect_message("She speaks")
        self.assertEqual(self.lines("She speaks"), [])

    async def test_no_secret_is_logged_at_any_level(self):
        self.set("log.level", "all")
        self.set("registration.password_change", "true")
        romeo = await self.enter("romeo@localhost")
        romeo.register_plugin("xep_0077")
        await romeo["xep_0077"].change_password("qu33nmab", jid="localhost")
        await self.until_line("XMPPS-", "heard", "<iq xmlns=", "with a secret")
        everything = "".join(self.jackdaw.lines)
        self.assertIn("<presence", everything)
        for secret in (PASSWORD, "qu33nmab"):
            self.assertNotIn(secret, everything)
        self.assertNotRegex(everything, r"<(auth|challenge|response|success)[^>]*>[A-Za-z0-9+/=]")

    def test_what_is_wrong_is_refused(self):
        for value, why in (("XMPPS", "TAG=LEVEL"), ("XMPPS=loud", "no level of the log"), ("XMPPQ=all", "neither a tag"),
                           ("XMPPS-000003=all", "does not last")):
            self.assertIn(why, self.jackdaw.refused("setting", "set", "log.levels", value))
        self.assertIn("neither a tag", self.jackdaw.refused("log", "watch", "romeo"))
        self.assertIn("no level of the log", self.jackdaw.refused("log", "watch", "XMPPS", "--level", "loud"))
        self.assertIn("is not watched", self.jackdaw.refused("log", "unwatch", "XMPPS"))
        self.assertRegex(self.jackdaw.refused("setting", "set", "log.file", "/proc/no/such/log"),
                         "^jackdaw: nothing was changed: log.file: /proc/no/such/log: no log can be written there: ")
        self.assertIn("ADDRESS:PORT", self.jackdaw.refused("setting", "set", "log.syslog", "log.example"))


class Files(Logs):
    def setUp(self):
        super().setUp()
        self.file = os.path.join(self.jackdaw.place.name, "log")

    def text(self, file=None):
        with open(file or self.file, encoding="utf-8") as lines:
            return lines.read()

    def older(self):
        return sorted(glob.glob(self.file + ".*"))

    def write_some(self):
        """A line of the log for each."""
        for _ in range(3):
            self.jackdaw.do("setting", "set", "log.keep", "30d")

    async def test_a_file_is_chosen_and_rotated_by_size(self):
        self.set("log.file", self.file)
        self.set("log.rotate_size", "200")
        self.write_some()
        await self.until(lambda: len(self.older()) >= 2, "nothing was rotated")
        for file in self.older():
            self.assertRegex(file, r"/log\.\d{8}-\d{6}(-\d+)?$")
            self.assertTrue(0 < os.path.getsize(file) <= 200, file)
            self.assertRegex(self.text(file), r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \d [A-Z]+.*\n)+$")

    async def test_a_file_is_rotated_by_age_and_old_ones_are_removed(self):
        self.set("log.file", self.file)
        self.set("log.rotate_after", "2s")
        self.write_some()
        time.sleep(2.1)
        self.write_some()
        await self.until(self.older, "nothing was rotated")
        oldest = self.older()[0]
        os.utime(oldest, (0, time.time() - 31 * 86400))
        with open(self.file + ".notes", "w", encoding="utf-8") as other:
            other.write("ours to keep")
        os.utime(other.name, (0, 0))
        time.sleep(2.1)
        self.write_some()
        await self.until(lambda: oldest not in self.older(), "what is too old is still there")
        self.assertIn(other.name, self.older())

    async def test_a_file_that_was_moved_away_is_begun_anew_at_a_reload(self):
        self.set("log.file", self.file)
        self.write_some()
        os.rename(self.file, self.file + ".moved")
        self.jackdaw.hang_up()
        await self.until(lambda: os.path.exists(self.file), "no new file")
        await self.until(lambda: "settings reloaded" in self.text(), "nothing in the new file")

    async def test_the_time_has_as_many_digits_as_wished(self):
        self.set("log.file", self.file)
        for digits, time_of in ((0, r"\d\d:\d\d:\d\d"), (6, r"\d\d:\d\d:\d\d\.\d{6}"), (1, r"\d\d:\d\d:\d\d\.\d")):
            self.set("log.precision", str(digits))
            self.write_some()
            await self.until(lambda: re.search(rf"^\S+ {time_of} \d (SERVER|ADMIN)", self.text().splitlines()[-1]),
                             f"{digits} digits: {self.text()}")


class Elsewhere(Logs):
    async def test_syslog_of_another_machine(self):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(server.close)
        server.bind(("127.0.0.1", 0))
        server.settimeout(UNTIL)
        self.set("log.syslog_facility", "local3")
        self.set("log.syslog", f"127.0.0.1:{server.getsockname()[1]}")
        line = server.recv(4096).decode()
        # local3 is 19, notice is 5: RFC 5424 §6.2.1.
        self.assertRegex(line, r"^<157>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \S+ jackdaw "
                               rf"{self.jackdaw.server.pid} - - 2 SERVER settings reloaded$")
        self.set("log.syslog_level", "failures")
        self.set("log.level", "all")
        self.jackdaw.do("status")
        server.settimeout(1)
        said = []
        with self.assertRaises(TimeoutError):
            while True:
                said.append(server.recv(4096).decode())
        self.assertLessEqual(len(said), 1, said)  # the change itself may still go as before

    def listening(self, name):
        server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(server.close)
        server.bind(os.path.join(self.jackdaw.place.name, name))
        os.chmod(server.getsockname(), 0o666)
        server.settimeout(UNTIL)
        return server

    @staticmethod
    def next_with(server, words):
        """What comes next with these words in it; a TimeoutError when nothing does."""
        while words not in (packet := server.recv(4096).decode()):
            pass
        return packet

    def start_within(self, script, server, *settings):
        self.jackdaw.end()
        self.jackdaw.prefix = ["unshare", "--mount", "sh", "-c", script, server.getsockname()]
        words = [word for setting in settings for word in ("--set", setting)]
        self.jackdaw.start("--set", "log.level=low-level", *words)

    async def test_syslog_of_this_machine(self):
        server = self.listening("syslog")
        self.start_within(OWN_DEV, server, "log.syslog=local", "log.syslog_level=low-level")
        self.jackdaw.hang_up()
        self.assertRegex(self.next_with(server, "settings reloaded"),
                         r"^<29>.* jackdaw\[\d+\]: 2 SERVER settings reloaded")

    async def test_the_journal(self):
        server = self.listening("journal")
        self.start_within(OWN_RUN, server, "log.journal=true")
        self.jackdaw.hang_up()
        fields = self.next_with(server, "settings reloaded").splitlines()
        self.assertIn("MESSAGE=2 SERVER settings reloaded", fields)
        for field in ("PRIORITY=5", "SYSLOG_IDENTIFIER=jackdaw", "JACKDAW_TAG=SERVER"):
            self.assertIn(field, fields)


if __name__ == "__main__":
    unittest.main(verbosity=1)
