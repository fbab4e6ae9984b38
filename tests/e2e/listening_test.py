"""Where the real program listens, and what a reload changes of it while clients are connected.

SPDX-License-Identifier: Apache-2.0
"""
import os
import pathlib
import re
import socket
import stat
import subprocess
import sys
import time
import unittest

from program import Jackdaw, free_port
from raw_client import Ended, RawClient

PROGRAM = sys.argv.pop(1)
ROMEO = ("romeo@localhost", "a password of some length")


class Listening(unittest.TestCase):
    def setUp(self):
        self.jackdaw = Jackdaw(PROGRAM)
        self.addCleanup(self.jackdaw.close)
        self.jackdaw.do("setup", "--domain", "localhost", "--password-stdin", password=ROMEO[1])
        self.jackdaw.do("user", "add", ROMEO[0], "--password-stdin", password=ROMEO[1])

    def write(self, *clients):
        """The settings file, with these addresses for clients."""
        addresses = ", ".join(f'"127.0.0.1:{port}"' for port in clients)
        pathlib.Path(self.jackdaw.data, "jackdaw.toml").write_text(
            f"[listen]\nclient = [{addresses}]\nserver = []\ntls = []\n"
            "[auth]\nrequire_tls = false\nplain_without_tls = true\n", encoding="utf-8")

    def start(self, port):
        self.write(port)
        self.assertEqual(self.jackdaw.start(choose_ports=False), port)

    def enter(self, port, resource="raw"):
        client = RawClient(port, *ROMEO, resource=resource)
        self.addCleanup(client.close)
        return client

    def test_the_system_chooses_a_port_for_each_list(self):
        self.jackdaw.start("--set", "listen.server=127.0.0.1:0", "--set", "auth.require_tls=false",
                           "--set", "auth.plain_without_tls=true")
        ports = re.findall(r"^Listening on 127\.0\.0\.1:(\d+) \(STARTTLS\)$", "".join(self.jackdaw.lines), re.M)
        self.assertEqual(len(set(ports)), 2)
        for port in ports:
            self.enter(int(port), port).ping("here")

    def test_a_reload_moves_to_another_port_and_keeps_who_is_there(self):
        here, there = free_port(), free_port()
        self.start(here)
        early = self.enter(here, "early")
        self.write(there)
        self.jackdaw.do("reload")
        early.ping("still there")
        late = self.enter(there, "late")
        late.ping("there as well")
        with self.assertRaises(Ended):
            self.enter(here)
        self.write(here, there)
        self.jackdaw.hang_up()
        early.ping("through it all")
        self.assertTrue(self.reaches(here))
        self.enter(there).ping("both")

    def reaches(self, port):
        for _ in range(100):
            try:
                self.enter(port).ping("in")
                return True
            except Ended:
                time.sleep(0.05)
        return False

    def test_an_address_stands_in_one_list(self):
        here = f"127.0.0.1:{free_port()}"
        both = ["--set", f"listen.client={here}", "--set", f"listen.tls={here}", "--set", "listen.server="]
        self.assertIn(f"{here}: this address is named twice", self.jackdaw.refused("serve", *both))

    def test_a_port_that_is_taken_changes_nothing(self):
        here = free_port()
        self.start(here)
        with socket.create_server(("127.0.0.1", 0)) as other:
            taken = other.getsockname()[1]
            self.write(here, taken)
            why = self.jackdaw.refused("reload")
            self.assertIn("listen.client", why)
            self.assertIn(f"127.0.0.1:{taken}", why)
        self.enter(here).ping("as before")


class FirstPassword(unittest.TestCase):
    def test_the_journal_does_not_hear_it(self):
        """Under systemd standard output is the journal: the password goes into a file of the server's user."""
        jackdaw = Jackdaw(PROGRAM)
        self.addCleanup(jackdaw.close)
        reading, writing = os.pipe()
        journal = os.fstat(writing)
        environment = dict(os.environ, JOURNAL_STREAM=f"{journal.st_dev}:{journal.st_ino}")
        settings = ["listen.client=127.0.0.1:0", "listen.tls=", "listen.server="]
        words = [word for setting in settings for word in ("--set", setting)]
        server = subprocess.Popen([jackdaw.program, "serve", "--data", jackdaw.data, *words], stdout=writing,
                                  env=environment, cwd=jackdaw.place.name)
        os.close(writing)
        with os.fdopen(reading, encoding="utf-8") as said:
            text = ""
            while "To open it to the world" not in text:
                line = said.readline()
                self.assertTrue(line, "the server ended: " + text)
                text += line
            server.terminate()
            text += said.read()
        self.assertEqual(server.wait(30), 0)
        file = pathlib.Path(jackdaw.data, "first-password")
        password = file.read_text(encoding="utf-8").strip()
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        self.assertGreater(len(password), 15)
        self.assertNotIn(password, text)
        self.assertIn(str(file), text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
