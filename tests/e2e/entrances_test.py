"""Who may come in where: address lists, limits of connections, proxies that say whom they stand for.

With slixmpp as the client and HAProxy as the proxy; the machine's loopback addresses 127.0.0.2, 127.0.0.3, ... play
people who come from elsewhere.

SPDX-License-Identifier: Apache-2.0
"""
import contextlib
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import time
import unittest

from program import Jackdaw, free_port
from raw_client import HEADER, Ended, RawClient

PROGRAM = sys.argv.pop(1)
ROMEO = ("romeo@localhost", "a password of some length")


class Visitor(RawClient):
    """One session from an address of one's own."""

    def __init__(self, port, source="127.0.0.1", at="127.0.0.1"):
        self.source, self.at = source, at
        super().__init__(port, *ROMEO, resource=f"{source}-{time.monotonic_ns()}")

    def connect(self, port):
        return socket.create_connection((self.at, port), timeout=20, source_address=(self.source, 0))


class TlsVisitor(Visitor):
    """On a socket with TLS at once."""

    def connect(self, port):
        return with_tls(super().connect(port))


def with_tls(connection):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(connection)


def all_that_comes(port, source="127.0.0.1", words=HEADER.format("localhost")):
    """What a connection gets until it is closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(source, 0)) as one:
        one.sendall(words.encode())
        got = b""
        with contextlib.suppress(ConnectionResetError):
            while part := one.recv(65536):
                got += part
        return got.decode()


class Entrances(unittest.TestCase):
    def setUp(self):
        self.jackdaw = Jackdaw(PROGRAM)
        self.addCleanup(self.jackdaw.close)
        self.jackdaw.do("setup", "--domain", "localhost", "--password-stdin", password=ROMEO[1])
        self.jackdaw.do("user", "add", ROMEO[0], "--password-stdin", password=ROMEO[1])
        self.port = free_port()

    def write(self, *client, more=""):
        """The settings file, with these entries for clients."""
        entries = ", ".join(f'"{entry}"' for entry in client)
        pathlib.Path(self.jackdaw.data, "jackdaw.toml").write_text(
            f"[listen]\nclient = [{entries}]\nserver = []\ntls = []\n{more}\n"
            "[auth]\nrequire_tls = false\nplain_without_tls = true\n[s2s]\nenabled = false\n", encoding="utf-8")

    def start(self, *client, more=""):
        self.write(*client, more=more)
        self.jackdaw.start(choose_ports=False)

    def change(self, *client, more=""):
        self.write(*client, more=more)
        self.jackdaw.do("reload")

    def enter(self, source="127.0.0.1", at="127.0.0.1", port=None):
        visitor = Visitor(port or self.port, source, at)
        self.addCleanup(visitor.close)
        visitor.ping("here")
        return visitor

    def comes_in(self, source="127.0.0.1"):
        for _ in range(200):
            with contextlib.suppress(Ended):
                return self.enter(source)
            time.sleep(0.05)
        self.fail("nobody may come in")

    def refused(self, source="127.0.0.1", words=HEADER.format("localhost")):
        """Closed without a word."""
        self.assertEqual(all_that_comes(self.port, source, words), "")

    def told(self, source="127.0.0.1"):
        """Refused with the condition of RFC 6120 §4.9.3.17."""
        self.assertRegex(all_that_comes(self.port, source),
                         r"<stream:stream .*<stream:error><resource-constraint .*</stream:error></stream:stream>$")


class AddressLists(Entrances):
    def test_allow_lets_in_who_is_listed(self):
        self.start(f"127.0.0.1:{self.port} allow 127.0.0.0/24 !127.0.0.4-127.0.0.6 127.0.0.5 ; the office")
        self.enter("127.0.0.3")
        self.enter("127.0.0.5")
        for source in ("127.0.0.4", "127.0.0.6", "127.0.1.1"):
            self.refused(source)
        denied = re.search(r"^jackdaw_connections_denied_total (\d+)$", self.jackdaw.do("metrics"), re.M)
        self.assertEqual(denied[1], "3")

    def test_deny_keeps_out_who_is_listed(self):
        self.start(f"127.0.0.1:{self.port} deny 127.0.0.7")
        self.enter("127.0.0.8")
        self.refused("127.0.0.7")

    def test_a_change_keeps_who_is_there(self):
        self.start(f"127.0.0.1:{self.port}")
        early = self.enter("127.0.0.2")
        self.change(f"127.0.0.1:{self.port} deny 127.0.0.2")
        self.refused("127.0.0.2")
        early.ping("still there")
        self.change(f"127.0.0.1:{self.port}")
        self.enter("127.0.0.2")

    def test_an_address_of_its_own(self):
        """The same port on two addresses, each with its own list; another address of the machine is not there."""
        self.start(f"127.0.0.1:{self.port} allow 127.0.0.2", f"127.0.0.9:{self.port}")
        self.enter("127.0.0.2")
        self.refused("127.0.0.3")
        self.enter("127.0.0.3", at="127.0.0.9")
        with self.assertRaises(Ended):
            self.enter(at="127.0.0.8")
        rows = self.jackdaw.read("listen", "list")
        self.assertEqual([(row["address"], row["tls"], row["setting"], row["admits"]) for row in rows],
                         [(f"127.0.0.1:{self.port}", "starttls", "listen.client", "allow 127.0.0.2"),
                          (f"127.0.0.9:{self.port}", "starttls", "listen.client", "all")])

    def test_wrong_entries_change_nothing(self):
        self.start(f"127.0.0.1:{self.port}")
        for words, why in (("allow 10.0.0.1/8", "bits are set behind its mask"),
                           ("allow nobody", "'nobody': no address"),
                           ("allow", "the list is empty"),
                           ("alow 127.0.0.1", "'alow 127.0.0.1': not understood"),
                           ("proxy", "no proxy may speak here for others"),
                           ("proxy allow ; none", "the list is empty"),
                           ("proxy deny 127.0.0.1", "proxies must be named")):
            self.write(f"127.0.0.1:{self.port} {words}")
            told = self.jackdaw.refused("reload")
            self.assertIn(f"listen.client: 127.0.0.1:{self.port}", told)
            self.assertIn(why, told)
        self.write(f"127.0.0.1:{self.port}", more='client_addresses = ["10.0.0.0/8", "elsewhere"]')
        self.assertIn("listen.client_addresses: 'elsewhere': no address", self.jackdaw.refused("reload"))
        self.enter()


class Channels(Entrances):
    def test_the_last_is_refused_until_one_leaves(self):
        self.start(f"127.0.0.1:{self.port}", more="channels = 2")
        first = self.enter()
        self.enter()
        self.told()
        first.close()
        self.comes_in()

    def test_no_channels_close_the_door(self):
        self.start(f"127.0.0.1:{self.port}")
        early = self.enter()
        self.change(f"127.0.0.1:{self.port}", more="channels = 0")
        early.ping("still there")
        with self.assertRaises(ConnectionRefusedError):
            all_that_comes(self.port)
        self.assertEqual(self.jackdaw.read("listen", "list"), [])
        self.change(f"127.0.0.1:{self.port}")
        self.enter()

    def test_one_address_has_its_share(self):
        self.start(f"127.0.0.1:{self.port}", more="channels_per_address = 2")
        first = self.enter("127.0.0.2")
        self.enter("127.0.0.2")
        self.told("127.0.0.2")
        self.enter("127.0.0.3")
        first.close()
        self.comes_in("127.0.0.2")

    def test_some_are_kept_for_our_clients(self):
        self.start(f"127.0.0.1:{self.port}",
                   more='channels = 3\nchannels_reserved = 2\nclient_addresses = ["127.0.0.0/24", "!127.0.0.9"]')
        self.enter("127.0.0.9")
        self.told("127.0.0.9")
        self.enter("127.0.0.2")
        self.enter("127.0.0.3")
        self.told("127.0.0.2")


class OverCores(Entrances):
    """The limits are the server's, not a core's. The system chooses the core of a connection, so many come at once."""

    CORES = 2
    ADMITTED, TOLD = b"</stream:features>", b"<resource-constraint "

    def start_all(self, more):
        """On those cores, with a socket for TLS at once besides."""
        self.tls_port = free_port()
        self.write(f"127.0.0.1:{self.port}", more=more)
        self.jackdaw.start("--set", f"server.cores={self.CORES}", "--set", f"listen.tls=127.0.0.1:{self.tls_port}",
                           choose_ports=False)
        self.assertIn(f"cores: {self.CORES} ", re.sub(r"\s+", " ", self.jackdaw.do("status")))

    def knock(self, source="127.0.0.1", times=24):
        """So many at once: those who are let in. The others are told why they are not."""
        came = [socket.create_connection(("127.0.0.1", self.port), timeout=20, source_address=(source, 0))
                for _ in range(times)]
        admitted = [one for one in came if self.is_admitted(one)]
        for one in came:
            self.addCleanup(one.close)
            if one not in admitted:
                one.close()
        return admitted

    def is_admitted(self, one):
        heard = b""
        with contextlib.suppress(ConnectionError):
            one.sendall(HEADER.format("localhost").encode())
        while self.ADMITTED not in heard and self.TOLD not in heard:
            part = one.recv(65536)
            self.assertTrue(part, f"closed behind {heard}")
            heard += part
        return self.ADMITTED in heard

    def comes_in_with_tls(self):
        for _ in range(200):
            with contextlib.suppress(Ended):
                visitor = TlsVisitor(self.tls_port)
                self.addCleanup(visitor.close)
                visitor.ping("here")
                return visitor
            time.sleep(0.05)
        self.fail("nobody may come in")

    def closed_with_tls(self, times=4):
        """Where TLS comes first nobody is told: the connection ends before the handshake."""
        for _ in range(times):
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                with_tls(socket.create_connection(("127.0.0.1", self.tls_port), timeout=20))

    def leave(self, *those):
        """All the others are gone, and the server has seen it."""
        for one in those:
            one.close()
        for _ in range(400):
            if re.search(r"^jackdaw_connections_open 0$", self.jackdaw.do("metrics"), re.M):
                return
            time.sleep(0.05)
        self.fail("somebody is still there")

    def test_the_limits_count_connections_on_all_cores(self):
        self.start_all("channels = 6")
        first, *others = self.knock()
        self.assertEqual(len(others), 5)
        self.closed_with_tls()
        first.close()
        sixth = self.comes_in()
        self.assertEqual(self.knock(), [])
        self.closed_with_tls()
        sixth.close()
        sixth = self.comes_in_with_tls()  # counted with the others
        self.assertEqual(self.knock(), [])
        self.leave(sixth, *others)

        self.change(f"127.0.0.1:{self.port}", more="channels_per_address = 5")
        first, *others = self.knock("127.0.0.2")
        self.assertEqual(len(others), 4)
        others += self.knock("127.0.0.3", times=5)
        self.assertEqual(len(others), 9)
        self.assertEqual(self.knock("127.0.0.3", times=5), [])
        first.close()
        others.append(self.comes_in("127.0.0.2"))
        self.assertEqual(self.knock("127.0.0.2"), [])
        self.leave(*others)

        self.change(f"127.0.0.1:{self.port}",
                    more='channels = 6\nchannels_reserved = 2\nclient_addresses = ["127.0.0.2"]')
        strangers, clients = self.knock(), self.knock("127.0.0.2")
        self.assertEqual((len(strangers), len(clients)), (4, 2))
        strangers[0].close()
        strangers[0] = self.comes_in("127.0.0.2")  # what is kept for them is no limit of theirs
        self.assertEqual(self.knock(), [])


class OverFourCores(OverCores):
    CORES = 4


HAPROXY = """
defaults
    mode tcp
    timeout connect 10s
    timeout client 60s
    timeout server 60s
listen one
    bind 127.0.0.1:{first}
    server jackdaw 127.0.0.1:{port} send-proxy
listen two
    bind 127.0.0.1:{second}
    server jackdaw 127.0.0.1:{port} send-proxy-v2
"""


class Proxies(Entrances):
    def start_proxy(self, to=None):
        """HAProxy before that port of the server: the ports where it speaks version 1 and 2."""
        ports = free_port(), free_port()
        file = pathlib.Path(self.jackdaw.place.name, "haproxy.cfg")
        file.write_text(HAPROXY.format(first=ports[0], second=ports[1], port=to or self.port), encoding="utf-8")
        proxy = subprocess.Popen(["/usr/sbin/haproxy", "-q", "-db", "-f", str(file)])
        self.addCleanup(proxy.wait)
        self.addCleanup(proxy.kill)
        for port in ports:
            for _ in range(200):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.05)
        return ports

    def test_whom_it_stands_for_is_known(self):
        self.start(f"127.0.0.1:{self.port} proxy allow 127.0.0.1")
        for version, port in enumerate(self.start_proxy(), 1):
            source = f"127.0.0.{20 + version}"
            self.enter(source, port=port)
            found = [row["address"] for row in self.jackdaw.read("session", "list")]
            self.assertIn(source, found)
            self.assertNotIn("127.0.0.1", found)

    def test_the_limit_counts_who_is_behind_it(self):
        self.start(f"127.0.0.1:{self.port} proxy allow 127.0.0.1", more="channels_per_address = 1")
        port = self.start_proxy()[1]
        self.enter("127.0.0.2", port=port)
        self.enter("127.0.0.3", port=port)
        with self.assertRaises(Ended):
            self.enter("127.0.0.2", port=port)

    def test_where_tls_comes_first_its_words_come_before(self):
        self.write(f"127.0.0.1:{self.port}", more="channels_per_address = 1")
        port = free_port()
        self.jackdaw.start("--set", f"listen.tls=127.0.0.1:{port} proxy allow 127.0.0.1", choose_ports=False)
        for version, front in enumerate(self.start_proxy(port), 1):
            source = f"127.0.0.{30 + version}"
            visitor = TlsVisitor(front, source)
            self.addCleanup(visitor.close)
            visitor.ping("here")
            found = [row["address"] for row in self.jackdaw.read("session", "list")]
            self.assertIn(source, found)
            self.assertNotIn("127.0.0.1", found)
            with self.assertRaises((Ended, ssl.SSLError, ConnectionError)):  # its share is used up
                TlsVisitor(front, source)
        with (socket.create_connection(("127.0.0.1", port), timeout=20) as one,  # a client that is no proxy
              self.assertRaises((ssl.SSLError, ConnectionError))):
            with_tls(one)
        self.assertEqual(all_that_comes(port, "127.0.0.2", "PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n"), "")
        refused = re.search(r"^jackdaw_proxy_headers_refused_total (\d+)$", self.jackdaw.do("metrics"), re.M)
        self.assertEqual(refused[1], "1")

    def test_only_proxies_that_are_named(self):
        self.start(f"127.0.0.1:{self.port} proxy allow 127.0.0.1")
        self.refused()  # a client that is no proxy
        self.refused("127.0.0.2", f"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n{HEADER.format('localhost')}")
        refused = re.search(r"^jackdaw_proxy_headers_refused_total (\d+)$", self.jackdaw.do("metrics"), re.M)
        self.assertEqual(refused[1], "1")

    def test_turned_off_at_run_time(self):
        self.start(f"127.0.0.1:{self.port} proxy allow 127.0.0.1")
        self.refused()
        self.change(f"127.0.0.1:{self.port}")
        self.enter()


if __name__ == "__main__":
    unittest.main(verbosity=2)
