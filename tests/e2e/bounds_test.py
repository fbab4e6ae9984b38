"""What strangers, slow readers and fast writers may cost: descriptors, memory, the time of others.

Words: the program. SPDX-License-Identifier: Apache-2.0
"""
import os
import resource
import socket
import sys
import time
import unittest

from program import Jackdaw
from raw_client import HEADER, Ended, RawClient

PROGRAM = sys.argv.pop(1)
OPEN = ["--set", "auth.require_tls=false", "--set", "auth.plain_without_tls=true", "--set", "server.cores=1",
        "--set", "listen.channels_per_address=0", "--set", "c2s.rate=0"]


def resident(pid):
    """Bytes of memory of a process."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Bounds(unittest.TestCase):
    def setUp(self):
        self.jackdaw = Jackdaw(PROGRAM)
        self.addCleanup(self.jackdaw.close)
        self.sockets = []
        self.addCleanup(lambda: [s.close() for s in self.sockets])

    def connect(self, port, source="127.0.0.1"):
        made = socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(source, 0))
        self.sockets.append(made)
        return made

    def test_out_of_descriptors(self):
        """Accepting pauses without spinning; who is in stays in; one line is logged, whatever else is and on however many
        cores; afterwards all is as before."""
        port = self.jackdaw.start(*OPEN, "--set", "server.cores=2", "--set", "listen.channels_per_address=2",
                                  "--set", "log.level=problems")
        self.jackdaw.do("user", "add", "romeo@localhost", "--password-stdin", password="r0m30myr0m30")
        romeo = RawClient(port, "romeo@localhost", "r0m30myr0m30")
        for _ in range(12):  # more than two of one address: refused, on both cores but for much luck
            self.connect(port, "127.0.0.2")
        resource.prlimit(self.jackdaw.server.pid, resource.RLIMIT_NOFILE, (100, 100))
        for number in range(150):
            self.connect(port, f"127.0.1.{number + 1}")
        time.sleep(1)
        before = cpu_seconds(self.jackdaw.server.pid)
        time.sleep(3)
        self.assertLess(cpu_seconds(self.jackdaw.server.pid) - before, 0.5, "it spins")
        romeo.send("<iq type='get' id='alive' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
        romeo.until(rb"id='alive'")
        self.assertTrue(self.jackdaw.answers(), "the administrator is locked out")
        self.assertEqual(1, sum("accepting pauses" in line for line in self.jackdaw.lines))
        for stranger in self.sockets:
            stranger.close()
        again = RawClient(port, "romeo@localhost", "r0m30myr0m30", "again")
        again.send("<iq type='get' id='in' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
        again.until(rb"id='in'")
        self.jackdaw.said("connection refused")

    def test_as_many_descriptors_as_the_system_allows(self):
        """The server raises its own limit to the hard one."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard // 2, hard))
        self.jackdaw.start(*OPEN)
        self.assertEqual(resource.prlimit(self.jackdaw.server.pid, resource.RLIMIT_NOFILE), (hard, hard))

    def test_memory_before_log_in(self):
        """300 strangers, each with as much unfinished XML as it may send, cost their budget and no more."""
        port = self.jackdaw.start(*OPEN)
        before = resident(self.jackdaw.server.pid)
        attacks = [b"<iq id='" + b"x" * 9000, b"<iq><query>" + b"<a/>" * 30 + b"x" * 8000,
                   b"<a xmlns='" + b"y" * 1000 + b"'>" + b"<b>" * 14 + b"z" * 7000,
                   b"<m " + b" ".join(b"a%d='b'" % i for i in range(120)) + b" c='" + b"x" * 7000]
        for i in range(300):
            stranger = self.connect(port)
            stranger.sendall(HEADER.format("localhost").encode())
            stranger.sendall(attacks[i % len(attacks)])
        self.assertTrue(self.jackdaw.answers())
        time.sleep(0.5)
        grown = resident(self.jackdaw.server.pid) - before
        self.assertLess(grown / 300, 48 * 1024, f"{grown / 300:.0f} bytes each")

    def test_one_who_never_reads(self):
        """Its stream ends at c2s.outbox; the messages are kept; the memory is given back."""
        port = self.jackdaw.start(*OPEN, "--set", "c2s.outbox=65536", "--set", "offline.max_bytes=50000000",
                                  "--set", "offline.max_messages=100000")
        for name in ("romeo", "juliet"):
            self.jackdaw.do("user", "add", f"{name}@localhost", "--password-stdin", password="r0m30myr0m30")
        romeo = RawClient(port, "romeo@localhost", "r0m30myr0m30")
        juliet = RawClient(port, "juliet@localhost", "r0m30myr0m30")
        juliet.send("<presence/>")
        juliet.until(rb"<presence")
        before = resident(self.jackdaw.server.pid)
        body = "x" * 50000
        for i in range(400):
            romeo.send(f"<message to='juliet@localhost' type='chat' id='{i}'><body>{body}</body></message>")
        romeo.send("<iq type='get' id='all' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
        romeo.until(rb"id='all'")
        self.assertEqual([s["jid"] for s in self.jackdaw.read("session", "list")], ["romeo@localhost/raw"])
        grown = resident(self.jackdaw.server.pid) - before
        self.assertLess(grown, 40 << 20, f"{grown} bytes for 20 MB that nobody read")
        with self.assertRaises(Ended):
            while True:
                juliet.read()

    def test_one_who_sends_too_fast(self):
        """It is read more slowly, not cut: everything arrives, and others do not wait for it (c2s.rate, c2s.burst)."""
        port = self.jackdaw.start(*OPEN, "--set", "c2s.rate=20000", "--set", "c2s.burst=10000")
        clients = {}
        for name in ("romeo", "nurse", "juliet"):
            self.jackdaw.do("user", "add", f"{name}@localhost", "--password-stdin", password="r0m30myr0m30")
            clients[name] = RawClient(port, f"{name}@localhost", "r0m30myr0m30")
        clients["juliet"].send("<presence/>")
        clients["juliet"].until(rb"<presence")
        message = "<message to='juliet@localhost/raw' type='chat' id='{}'><body>{}</body></message>"
        clients["romeo"].send("".join(message.format(f"r{i}", "x" * 2000) for i in range(50)))
        clients["nurse"].send(message.format("n", "Madam!"))
        self.assertNotIn("id='r49'", clients["juliet"].until(rb"id='n'"), "100 KB in one go")
        clients["juliet"].until(rb"id='r49'")
        clients["romeo"].send("<iq type='get' id='alive' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
        clients["romeo"].until(rb"id='alive'")


if __name__ == "__main__":
    unittest.main(verbosity=2)
