#!/usr/bin/env python3
"""Inside the fresh Debian of tests/fresh/run, as root under systemd: what a newcomer and an operator do, and see.

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import os
import pathlib
import re
import shlex
import signal
import ssl
import stat
import subprocess
import sys
import time
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/e2e"))
from people import Person  # noqa: E402  (the folder is named above)

PATIENCE = 30
PASSWORD = "but soft, what light"
DATA = pathlib.Path("/var/lib/jackdaw")


def do(words, said="", cwd=TOP):
    """Runs a command as it would be typed: what it prints."""
    done = subprocess.run(words if isinstance(words, list) else shlex.split(words), input=said, text=True, cwd=cwd,
                          capture_output=True, timeout=PATIENCE * 4)
    assert done.returncode == 0, f"{words}: exit {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def wait_until(holds, what):
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until, f"{what}: not within {PATIENCE} s"
        time.sleep(0.1)


def newer_tls(person):
    """As slixmpp comes when nobody tells it which TLS to speak."""
    person.ssl_context.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED
    return person


async def talk(one, other, port=5222):
    """Both log in and write to each other."""
    people = [newer_tls(Person(*words)) for words in (one, other)]
    for person in people:
        await person.come(port)
    for writer, reader in (people, people[::-1]):
        writer.send_message(reader.boundjid.bare, f"Hello {reader.boundjid.user}")
        await reader.expect_message(f"Hello {reader.boundjid.user}")
    version = people[0].transport.get_extra_info("ssl_object").version()
    for person in people:
        await person.go()
    return version


class FirstContact(unittest.TestCase):
    """./run, twice, on an empty data directory."""

    def start(self, last_words):
        """Until it has said all: what it said."""
        self.server = subprocess.Popen(["./run"], cwd=TOP, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(self.put_away, self.server)
        lines = []
        for line in self.server.stdout:
            lines.append(line)
            if line.startswith(last_words):
                return "".join(lines)
        self.fail("it ended: " + "".join(lines))

    @staticmethod
    def put_away(server):
        server.kill()
        server.wait()
        server.stdout.close()

    def end(self):
        self.server.send_signal(signal.SIGTERM)
        self.assertEqual(self.server.wait(PATIENCE), 0)

    def test_the_first_and_the_second_start(self):
        said = self.start("To open it to the world:")
        for address in ("127.0.0.1:5222 (STARTTLS)", "127.0.0.1:5269 (STARTTLS)", "127.0.0.1:5223 (TLS)"):
            self.assertIn(address, said)
        admin = re.search(r"^Administrator: (\S+)$", said, re.M)[1]
        password = re.search(r"^Password: +(\S+) ", said, re.M)[1]
        self.assertGreaterEqual(len(password), 16)
        add = re.search(r"^To add a user: +(.*)$", said, re.M)[1].replace("NAME", "juliet") + " --password-stdin"
        do(add, PASSWORD + "\n")

        self.assertEqual(asyncio.run(talk((admin, password), ("juliet@localhost", PASSWORD))), "TLSv1.3")

        self.assertEqual(mode(TOP / "data"), 0o700)
        self.assertEqual(mode(TOP / "data/certs/localhost.key"), 0o600)
        certificate = do("openssl x509 -noout -text -in data/certs/localhost.pem")
        self.assertIn("ASN1 OID: prime256v1", certificate)
        self.assertIn("DNS:localhost", certificate)
        self.assertNotIn("?? data", do("git status --short"))
        self.end()

        again = self.start("Listening on 127.0.0.1:5223 (TLS)")
        self.assertNotIn("Password:", again)
        asyncio.run(talk((admin, password), ("juliet@localhost", PASSWORD)))
        self.end()


class Service(unittest.TestCase):
    """What `cmake --install` puts in place, used."""

    @classmethod
    def setUpClass(cls):
        do("cmake --install build/release --prefix /usr")
        do("systemd-sysusers")
        do("systemd-tmpfiles --create jackdaw.conf")
        do("systemctl daemon-reload")

    @staticmethod
    def property(name):
        return do(f"systemctl show jackdaw --value --property {name}").strip()

    def test_it_runs_under_systemd(self):
        self.assertEqual(do("systemd-analyze verify jackdaw.service"), "")
        do("jackdaw setup --domain capulet.example --config /etc/jackdaw/jackdaw.toml --data /var/lib/jackdaw --password-stdin",
           PASSWORD + "\n")
        do("systemctl enable --now jackdaw")
        wait_until(lambda: "Listening on" in do("journalctl --unit jackdaw --output cat"), "it listens")
        pid = self.property("MainPID")

        status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        user = do("id -u jackdaw").strip()
        self.assertRegex(status, rf"Uid:\s{user}\s{user}")
        self.assertRegex(status, r"NoNewPrivs:\s1")
        self.assertEqual(mode(DATA), 0o700)
        self.assertEqual(os.stat(DATA / "jackdaw.db").st_uid, int(user))
        self.assertRegex(pathlib.Path(f"/proc/{pid}/limits").read_text(encoding="ascii"), r"Max open files +\d{4,}")

        for name in ("romeo", "juliet"):
            do(f"jackdaw user add {name}@capulet.example --password-stdin --data /var/lib/jackdaw", PASSWORD + "\n")
        asyncio.run(talk(("romeo@capulet.example", PASSWORD), ("juliet@capulet.example", PASSWORD)))

        do("systemctl reload jackdaw")
        asyncio.run(talk(("romeo@capulet.example", PASSWORD), ("admin@capulet.example", PASSWORD)))
        self.assertEqual(self.property("MainPID"), pid)
        os.kill(int(pid), signal.SIGKILL)
        wait_until(lambda: self.property("MainPID") not in ("0", pid) and "connections" in
                   subprocess.run(["jackdaw", "status", "--data", str(DATA)], text=True, capture_output=True).stdout,
                   "systemd starts it again")
        asyncio.run(talk(("romeo@capulet.example", PASSWORD), ("juliet@capulet.example", PASSWORD)))
        do("systemctl stop jackdaw")
        self.assertEqual((self.property("Result"), self.property("ExecMainStatus")), ("success", "0"))

    def test_the_manual_page_is_shown(self):
        page = do("man --pager=cat jackdaw")
        self.assertIn("user add JID [--admin]", page)
        self.assertEqual(do("man --warnings --pager=cat --local-file packaging/jackdaw.1"), page)

    def test_bash_completes_its_words(self):
        complete = (". /usr/share/bash-completion/bash_completion; COMP_WORDS=(jackdaw {}); COMP_CWORD={}; "
                    "_completion_loader jackdaw; _jackdaw; echo ${{COMPREPLY[@]}}")
        self.assertEqual(do(["bash", "-c", complete.format("us", 1)]), "user\n")
        self.assertEqual(do(["bash", "-c", complete.format("user pa", 2)]), "passwd\n")
        self.assertIn("offline.max_bytes", do(["bash", "-c", complete.format("setting set off", 3)]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
