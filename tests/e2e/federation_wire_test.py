#!/usr/bin/env python3
"""What is on the wire between two servers, read by tshark on the loopback device: no policy of TLS leaks a word.

    federation_wire_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import subprocess
import sys
import time
import unittest

from province import Houses, enter_namespace

enter_namespace()
Houses.PROGRAM = sys.argv.pop(1)
WORDS = "By any other name"
PATIENCE = 30


class Wire(Houses):
    def setUp(self):
        super().setUp()
        self.file = self.province.file("wire.pcapng", "")
        self.tshark = subprocess.Popen(["tshark", "-q", "-i", "lo", "-f", "tcp port 5269", "-w", self.file],
                                       stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.stop)
        for line in self.tshark.stderr:
            if line.startswith("Capturing on"):
                break
        time.sleep(1)  # it says so a moment before it does

    def stop(self):
        if self.tshark.poll() is None:
            time.sleep(2)  # what it has caught reaches it in blocks
            self.tshark.terminate()
            self.tshark.wait(PATIENCE)
        self.tshark.stderr.close()

    def packets(self, condition):
        """How many packets between the servers fit (wireshark-filter(4))."""
        found = subprocess.run(["tshark", "-r", self.file, "-Y", condition, "-T", "fields", "-e", "frame.number"],
                               check=True, capture_output=True, text=True, timeout=PATIENCE)
        return len(found.stdout.split())

    def was_said(self, words):
        return self.packets(f'tcp contains "{words}"') > 0

    async def talk_by(self, *settings, encrypted=True):
        """Both say something that arrives; then nothing more is recorded."""
        self.start_prosody(s2s_require_encryption=encrypted)
        self.serve(*self.be_certified(), *settings)
        romeo, juliet = await self.enter_both()
        await self.says(romeo, juliet, WORDS)
        await self.says(juliet, romeo, WORDS)
        self.stop()
        self.assertGreater(self.packets("tcp"), 5, "nothing was recorded")

    def check_nothing_was_said(self):
        self.assertTrue(self.was_said("starttls"), "not even the stream's beginning was recorded")
        for words in (WORDS, "<message", "<presence", "romeo@", "juliet@"):
            self.assertFalse(self.was_said(words), words)

    async def test_a_secure_domain(self):
        await self.talk_by("s2s.secure_domains=capulet.lan")
        self.check_nothing_was_said()

    async def test_any_other_domain(self):
        await self.talk_by("s2s.unlisted=encrypted")
        self.check_nothing_was_said()

    async def test_a_secure_domain_that_is_refused(self):
        self.start_prosody(certificate=self.province.certify("capulet.lan", signed=False))
        self.serve(*self.be_certified(), "s2s.secure_domains=capulet.lan")
        romeo, juliet = await self.enter_both()
        self.be_patient("2s")
        self.assertEqual(await self.returned(romeo, juliet.boundjid.full, WORDS), "remote-server-timeout")
        await self.until_no_stream("self-signed certificate")
        self.stop()
        self.check_nothing_was_said()

    async def test_a_domain_that_never_gets_tls_can_be_read(self):
        """So that the others prove something."""
        await self.talk_by("s2s.secure_domains=!capulet.lan", encrypted=False)
        self.assertTrue(self.was_said(WORDS))


if __name__ == "__main__":
    unittest.main(verbosity=1)
