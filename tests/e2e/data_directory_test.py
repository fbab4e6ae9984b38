#!/usr/bin/env python3
"""What lies on the administrator's disk, right or wrong: the settings file with an error in each kind of setting, or one
that cannot be read; a directory that is none of ours; the socket for commands; and the first start with all that.

    data_directory_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import pathlib
import pwd
import shlex
import socket
import subprocess
import sys
import unittest

from program import Jackdaw, PATIENCE
from services import raw_component

PROGRAM = sys.argv.pop(1)
NOBODY = pwd.getpwnam("nobody")

# What stands in the file, the line it must be told with, and words of the reason.
WRONG = (
    ('domains = ["a.lan",\n  "a b"]', 2, "domains: 'a b'"),
    ('domains = ["a.lan"]\n\n[domain."b.lan".c2s]\nmax_resources = 3', 4, "domain.b.lan: this domain is not served"),
    ('[c2s]\nmax_resources = 0', 2, "c2s.max_resources = 0"),
    ('[dns]\nservers = ["here"]', 2, "dns.servers: here"),
    ('[dns]\ntrust_anchor = "/nowhere/anchor"', 2, "dns.trust_anchor: /nowhere/anchor"),
    ('[tls]\ncertificate = "/nowhere/a.pem"\nkey = "/nowhere/a.key"', 2, "tls.certificate: /nowhere/a.pem"),
    ('domains = ["a.lan"]\n[domain."a.lan".tls]\ncertificate = "/nowhere/a.pem"', 3, 'domain."a.lan".tls.certificate: '),
    ('[s2s]\ntrusted_certificates = "/nowhere/ca.pem"', 2, "s2s.trusted_certificates: /nowhere/ca.pem"),
    ('[s2s]\nroutes = ["a.lan"]', 2, "s2s.routes: 'a.lan'"),
    ('[s2s]\nsecure_domains = ["@"]', 2, "s2s.secure_domains: '@'"),
    ('\n[listen]\n\nchannels_reserved = 3', 4, "listen.channels_reserved: "),
    ('[listen]\nclient_addresses = ["here"]', 2, "listen.client_addresses: 'here'"),
    ('[log]\nlevels = ["here"]', 2, "log.levels: here"),
    ('[log]\nsyslog = "over there"', 2, "log.syslog: over there"),
    ('[log]\nfile = "/proc/here"', 2, "log.file: /proc/here"),
    ('[disco]\nitems = ["@"]', 2, "disco.items: @"),
    ('domains = ["a.lan"]\n[disco]\nitems = ["a.lan"]\n[domain."a.lan".disco]\nitems = ["@"]', 5,
     'domain."a.lan".disco.items: @'),
    ('[component]\nsecrets = ["a=1", "b"]', 2, "component.secrets: item 2"),
    ('[component]\nprivileges = ["a.lan roster=all"]', 2, "component.privileges: "),
    ('[component]\ndelegations = ["a.lan"]', 2, "component.delegations: "),
)


class Disk(unittest.TestCase):
    def setUp(self):
        self.jackdaw = Jackdaw(PROGRAM)
        self.addCleanup(self.jackdaw.close)
        self.data = pathlib.Path(self.jackdaw.data)
        self.file = self.data / "jackdaw.toml"

    def have(self, text, mode=0o700):
        self.data.mkdir(mode=mode, exist_ok=True)
        self.data.chmod(mode)
        self.file.write_text(text, encoding="utf-8")

    def domains(self):
        return [row["domain"] for row in self.jackdaw.read("domain", "list")]


class SettingsFile(Disk):
    def test_each_wrong_setting_is_told_with_its_line(self):
        """At the start, and by a server that runs, which goes on as it was."""
        self.jackdaw.start("--set", "s2s.enabled=true")
        for text, line, why in WRONG:
            with self.subTest(text):
                self.have(text)
                place = f"{self.file}:{line}: {why}"
                self.assertIn(f"nothing was changed: {place}", self.jackdaw.refused("reload"))
                other = Jackdaw(PROGRAM)
                self.addCleanup(other.close)
                os.mkdir(other.data, 0o700)
                said = other.refused("serve", "--config", str(self.file), "--set", "listen.client=127.0.0.1:0",
                                     "--set", "listen.server=", "--set", "listen.tls=")
                self.assertTrue(said.startswith(f"jackdaw: {place}"), said)
        self.file.unlink()
        self.assertEqual(self.domains(), ["localhost"])

    def test_an_address_that_is_not_this_machines(self):
        self.have('[listen]\nserver = []\ntls = []\nclient = ["192.0.2.77:5222"]')
        self.assertIn(f"{self.file}:4: listen.client: cannot listen on 192.0.2.77:5222", self.jackdaw.refused("serve"))

    def test_one_that_cannot_be_read_is_not_an_empty_one(self):
        self.have('domains = ["real.lan"]\n')
        if os.geteuid() == 0:  # the server takes the rights of the directory's owner
            os.chown(self.data, NOBODY.pw_uid, NOBODY.pw_gid)
            os.chmod(self.jackdaw.place.name, 0o711)
        else:
            self.addCleanup(self.file.chmod, 0o600)
        self.file.chmod(0o644)
        self.jackdaw.start()
        self.file.chmod(0o600 if os.geteuid() == 0 else 0)
        why = f"{self.file}: cannot be read: Permission denied"
        self.assertIn(why, self.jackdaw.refused("reload"))
        self.assertEqual(self.domains(), ["real.lan"])
        self.assertEqual(self.jackdaw.end(), 0)
        self.assertIn(why, self.jackdaw.refused("serve"))

    def test_what_is_no_file(self):
        self.have("")
        for make in (os.unlink, os.mkfifo):
            make(self.file)
        self.assertIn("is no regular file", self.jackdaw.refused("serve"))
        self.file.unlink()
        self.file.mkdir()
        self.assertIn("is no regular file", self.jackdaw.refused("serve"))
        self.assertIn("is no regular file", self.jackdaw.refused("serve", "--config", "/dev/zero"))
        self.assertIn("there is no such file", self.jackdaw.refused("serve", "--config", "/nowhere/jackdaw.toml"))


class Directory(Disk):
    def test_one_that_is_not_ours_is_left_alone(self):
        """Nothing is made in it by words to a server that is not there."""
        os.mkdir(self.data)
        (self.data / "mine").touch()
        self.data.chmod(0o755)
        for words in (("user", "add", "romeo@localhost", "--password-stdin"), ("user", "list"), ("status",)):
            self.assertIn(f"{self.data}: is no data directory", self.jackdaw.refused(*words, password="secret"))
        self.assertEqual(os.listdir(self.data), ["mine"])
        self.assertEqual(self.data.stat().st_mode & 0o777, 0o755)

    def test_an_open_one_is_refused(self):
        """By commands as by the server."""
        self.jackdaw.do("setup", "--domain", "a.lan")
        self.jackdaw.start()
        self.jackdaw.end()
        self.data.chmod(0o755)
        for words in (("user", "list"), ("serve",)):
            self.assertIn(f"close it with: chmod 0700 {self.data}", self.jackdaw.refused(*words))

    def test_before_anything_is_stored(self):
        os.mkdir(self.data, 0o700)
        (self.data / "lock").touch(mode=0o600)
        self.assertIn("nothing is stored there yet", self.jackdaw.refused("user", "list"))


class FirstStart(Disk):
    def test_the_commands_it_names_work_in_a_shell(self):
        """With blanks in the names of its places, and another settings file."""
        place = pathlib.Path(self.jackdaw.place.name)
        self.jackdaw.data = str(place / "a place's data")
        settings = place / "my settings.toml"
        settings.write_text('domains = ["verona.lan"]\n', encoding="utf-8")
        self.jackdaw.start("--config", str(settings))
        command = self.jackdaw.said(r"To add a user: +(.*)")[1].replace("NAME", "romeo") + " --password-stdin"
        done = subprocess.run(["sh", "-c", command], input="secret\n", text=True, capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "romeo@verona.lan: added\n", ""))
        opened = self.jackdaw.said(r"To open it to the world: +(.*)")[1]
        self.assertEqual(self.jackdaw.end(), 0)
        words = shlex.split(opened)
        self.assertEqual(words[1:], ["serve", "--data", self.jackdaw.data, "--config", str(settings), "--set",
                                     "listen.client=*:5222"])

    def test_the_password_is_not_lost_where_the_socket_cannot_be_made(self):
        self.have("")
        (self.data / "jackdaw.sock").mkdir()
        (self.data / "jackdaw.sock" / "mine").touch()
        closed = ("--set", "listen.client=127.0.0.1:0", "--set", "listen.server=", "--set", "listen.tls=")
        code, out, err = self.jackdaw.say("serve", *closed)
        self.assertEqual((code, err.count("\n")), (1, 1))
        self.assertIn("jackdaw.sock: cannot be listened on", err)
        self.assertNotIn("account created", out)
        (self.data / "jackdaw.sock" / "mine").unlink()
        (self.data / "jackdaw.sock").rmdir()
        self.jackdaw.start()
        self.jackdaw.said(r"Password: +\S")


class Commands(Disk):
    def ask(self, request):
        """What the socket answers."""
        with socket.socket(socket.AF_UNIX) as asked:
            asked.settimeout(PATIENCE)
            asked.connect(str(self.data / "jackdaw.sock"))
            try:
                asked.sendall(json.dumps(request).encode() + b"\n")
                return asked.makefile().read()
            except ConnectionError:
                return ""

    @unittest.skipUnless(os.geteuid() == 0, "needs another user")
    def test_another_user_is_not_heard(self):
        """Who the peer is decides (SO_PEERCRED), not the mode of a file alone."""
        self.jackdaw.start("--set", "log.level=problems")
        request = {"operation": "domain list", "values": {}}
        self.assertIn("localhost", self.ask(request))
        for path, mode in ((self.jackdaw.place.name, 0o711), (self.data, 0o711), (self.data / "jackdaw.sock", 0o666)):
            os.chmod(path, mode)
        if (child := os.fork()) == 0:
            os.setgid(NOBODY.pw_gid)
            os.setuid(NOBODY.pw_uid)
            os._exit(0 if self.ask(request) == "" else 1)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.data.chmod(0o700)
        self.assertEqual(self.domains(), ["localhost"])
        self.jackdaw.said(f"another user was refused uid={NOBODY.pw_uid}")

    def test_what_status_counts(self):
        """Connections by role."""
        port = self.jackdaw.start("--set", "component.password=secret")
        before = self.jackdaw.read("status")
        stranger = socket.create_connection(("127.0.0.1", port))
        self.addCleanup(stranger.close)
        component, _ = raw_component(port, "plays.lan", "secret")
        self.addCleanup(component.close)
        now = self.jackdaw.read("status")
        self.assertEqual({key: now[key] - before[key] for key in now if key.startswith(("connections", "streams"))},
                         {"connections": 2, "connections_of_clients": 0, "connections_of_servers": 0,
                          "connections_of_components": 1, "connections_not_proven": 1, "streams_to_servers": 0})
        self.assertEqual({type(now[key]) for key in now if key != "started"}, {int})


if __name__ == "__main__":
    unittest.main(verbosity=1)
