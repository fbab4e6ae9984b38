"""What `cmake --install` puts in place, in a folder of the test's: the program, its unit, its manual page, its completion.

    install_test.py PROGRAM [TEST]         tests/fresh/run uses them under a systemd of its own

SPDX-License-Identifier: Apache-2.0
"""
import os
import pathlib
import re
import stat
import subprocess
import sys
import tempfile
import unittest

PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
PREFIX = "/opt/jackdaw"
PATIENCE = 60


def do(*words, **how):
    done = subprocess.run(words, text=True, capture_output=True, timeout=PATIENCE, **how)
    assert done.returncode == 0, f"{words}: exit {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        place = tempfile.TemporaryDirectory(prefix="jackdaw-e2e-")
        cls.addClassCleanup(place.cleanup)
        do("cmake", "--install", str(PROGRAM.parent), "--prefix", PREFIX, env={**os.environ, "DESTDIR": place.name})
        cls.top = pathlib.Path(place.name + PREFIX)

    def text(self, file):
        return (self.top / file).read_text(encoding="utf-8")

    def complete(self, *words):
        """What bash offers for the last of the words behind `jackdaw`."""
        script = 'source "$1"; shift; COMP_WORDS=(jackdaw "$@"); COMP_CWORD=$#; _jackdaw; echo "${COMPREPLY[@]}"'
        completion = self.top / "share/bash-completion/completions/jackdaw"
        return do("bash", "-c", script, "bash", str(completion), *words).split()

    def test_the_program_is_there_and_runs(self):
        self.assertTrue(do(str(self.top / "bin/jackdaw"), "--help").startswith("Jackdaw, an XMPP server.\n"))

    def test_the_unit_starts_the_installed_program(self):
        unit = self.text("lib/systemd/system/jackdaw.service")
        self.assertIn(f"ExecStart={PREFIX}/bin/jackdaw serve ", unit)
        self.assertNotIn("/usr/", unit)
        document = re.search(r"^Documentation=file://(.*)$", unit, re.M)[1]
        self.assertTrue((self.top / pathlib.Path(document).relative_to(PREFIX)).is_file(), document)

    def test_the_user_and_the_directories_of_the_unit_are_made(self):
        unit = self.text("lib/systemd/system/jackdaw.service")
        user = re.search(r"^User=(.*)$", unit, re.M)[1]
        self.assertRegex(self.text("lib/sysusers.d/jackdaw.conf"), rf"(?m)^u {user} ")
        made = self.text("lib/tmpfiles.d/jackdaw.conf")
        for named in re.search(r"--config (/\S+)/jackdaw.toml --data (/\S+)", unit).groups():
            self.assertRegex(made, rf"(?m)^d {named} 07[05]0 ")

    def test_the_manual_page_is_shown_without_complaint(self):
        page = self.top / "share/man/man1/jackdaw.1"
        done = subprocess.run(["man", "--warnings", "--pager=cat", "--local-file", str(page)], text=True, timeout=PATIENCE,
                              capture_output=True, env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "100"})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for words in ("user add JID [--admin]", "backup FILE", "jackdaw.toml"):
            self.assertIn(words, done.stdout)

    def test_bash_completes_what_the_program_knows(self):
        self.assertEqual(self.complete("us"), ["user"])
        self.assertEqual(self.complete("user", "pa"), ["passwd"])
        self.assertEqual(self.complete("user", "add", "romeo@localhost", "--pass"), ["--password-stdin"])
        self.assertEqual(self.complete("--json", "us"), ["user"])
        self.assertEqual(self.complete("--data", "user", "--as", "admin@localhost", "user", "pa"), ["passwd"])
        self.assertEqual(self.complete("user", "--data", "/tmp", "add", "--adm"), ["--admin"])
        settings = do(str(PROGRAM), "settings")
        for name in self.complete("setting", "set", "offline."):
            self.assertIn(name, settings)
        words = re.findall(r"(?m)^  (\w+)  ", do(str(PROGRAM), "--help").partition("Subcommands:")[2])
        self.assertEqual(sorted(self.complete("")), sorted(words))

    def test_nothing_is_writable_by_others(self):
        for folder, _, files in os.walk(self.top):
            for name in files:
                mode = os.stat(os.path.join(folder, name)).st_mode
                self.assertFalse(mode & (stat.S_IWGRP | stat.S_IWOTH), name)
                self.assertEqual(bool(mode & stat.S_IXUSR), name == "jackdaw" and folder.endswith("bin"), name)


if __name__ == "__main__":
    unittest.main(verbosity=1)
