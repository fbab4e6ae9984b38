#!/usr/bin/env python3
"""How Prosody is found: SRV records for both kinds of TLS (XEP-0368), silent addresses beside good ones, aliases of
names, domains that are written with more than ASCII or are addresses, the hosts file.

    federation_finding_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import contextlib
import errno
import functools
import itertools
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import unittest

from province import OURS, THEIRS, Houses, enter_namespace

enter_namespace()
Houses.PROGRAM = sys.argv.pop(1)
DIRECT, NOBODY = "127.0.1.4", "127.0.1.5"  # where Prosody's TLS at once is; where nothing listens
THEIRS_SIX, SILENT, SILENT_SIX = "fd00::2", "127.0.1.9", "fd00::9"
PATIENCE = 30
WORDS = map("By any other name {}".format, itertools.count())


def srv(name, kind, host, port, priority=0):
    """A line of dnsmasq's file."""
    return f"srv-host=_{kind}-server._tcp.{name},{host},{port},{priority}"


class Finding(Houses):
    """Each server trusts the other's certificate, and needs one."""

    ZONE = {"xmpp.montague.lan": OURS}

    def setUp(self):
        super().setUp()
        self.dns_file = pathlib.Path(self.province.dns.words[-1].removeprefix("--conf-file="))
        self.of_ours = self.dns_file.read_text(encoding="utf-8")

    def publish(self, *lines):
        """In place of what the DNS has said about others."""
        self.dns_file.write_text(self.of_ours + "".join(f"{line}\n" for line in lines), encoding="utf-8")
        self.province.dns.end()
        self.province.dns.start()

    async def add_addresses(self, *addresses):
        def is_there(address):
            with socket.socket(socket.AF_INET6) as asking:
                return asking.connect_ex((address, 9)) == errno.ECONNREFUSED
        for address in addresses:
            subprocess.run(["ip", "address", "add", f"{address}/128", "dev", "lo", "nodad"], check=True)
            self.addCleanup(subprocess.run, ["ip", "address", "del", f"{address}/128", "dev", "lo"], check=True)
            await self.until(functools.partial(is_there, address), f"no way leads to {address}")

    def start_prosody(self, name="capulet.lan", address=THEIRS, **how):
        return self.province.start_prosody(name, address, ["juliet"], s2s_secure_auth=True, **how)

    def serve(self, *settings):
        super().serve(*self.be_certified(), "s2s.unlisted=verified", "s2s.idle_timeout=1s", *settings)

    async def leads_to(self, *places, domain="capulet.lan", policy="verified"):
        """Says `jackdaw route`, when what the DNS has said before is forgotten."""
        said = "".join([f"{domain}: another server; TLS: {policy}\n", *(f"  {place}\n" for place in places)])
        await self.until(lambda: self.jackdaw.do("route", f"juliet@{domain}") == said, f"the route is not {said}")

    async def goes_to(self, address, romeo, juliet):
        """A message arrives, on a stream of its own to that address."""
        domain = juliet.boundjid.domain

        def opened():
            return self.logged("connection opened", domain=domain)

        def streams():
            return self.logged("stream to another server", to=domain, security="TLSv1.3, verified")
        await self.until(lambda: len(streams()) == len(self.logged("stream to another server closed", to=domain)),
                         "a stream stays open")
        before = len(opened()), len(streams())
        await self.says(romeo, juliet, next(WORDS))
        await self.until(lambda: len(streams()) > before[1], "it is on no stream of its own")
        self.assertEqual([re.search(r" address=(\S+)", line)[1] for line in opened()[before[0]:]], [address])


class Reader:
    """A server that takes TLS, at once or by STARTTLS, and what came over it: the stream's header, and of the handshake
    the server name and the protocol (ALPN)."""

    ANSWER = (b"<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' id='1' "
              b"version='1.0'>")
    TLS = b"xmlns='urn:ietf:params:xml:ns:xmpp-tls'"

    def __init__(self, certificate):
        self.came, self.name = asyncio.Queue(), None
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*certificate)
        self.context.set_alpn_protocols(["xmpp-server"])
        self.context.sni_callback = self.note_name

    def note_name(self, _, name, __):
        self.name = name

    @staticmethod
    async def header(reader):
        await reader.readuntil(b"?>")
        return (await reader.readuntil(b">")).decode()

    async def take(self, reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if not writer.get_extra_info("ssl_object"):
                await self.header(reader)
                writer.write(self.ANSWER + b"<stream:features><starttls " + self.TLS + b"/></stream:features>")
                await reader.readuntil(b"<starttls " + self.TLS + b"/>")
                writer.write(b"<proceed " + self.TLS + b"/>")
                await writer.start_tls(self.context)
            header = await self.header(reader)
            self.came.put_nowait((header, self.name, writer.get_extra_info("ssl_object").selected_alpn_protocol()))
        writer.close()


class Services(Finding):
    def publish_both(self, at_once, usual):
        """Each is (address, port, priority)."""
        lines = []
        for kind, host, (address, port, priority) in (("xmpps", "direct", at_once), ("xmpp", "usual", usual)):
            lines += [f"host-record={host}.capulet.lan,{address}",
                      srv("capulet.lan", kind, f"{host}.capulet.lan", port, priority)]
        self.publish(*lines)

    async def test_the_lower_priority_comes_first_of_both_services(self):
        pem, key = certificate = self.province.certify("capulet.lan")
        of_port = f'{{ certificate = "{pem}", key = "{key}", cafile = "{self.province.authority}" }}'
        self.start_prosody(certificate=certificate, interfaces=f'{{ "{THEIRS}", "{DIRECT}" }}',
                           s2s_direct_tls_ports="{ 5270 }", ssl=of_port)
        self.publish_both((DIRECT, 5270, 10), (THEIRS, 5269, 20))
        self.serve()
        romeo, juliet = await self.enter_both()
        direct, usual = f"direct.capulet.lan:5270 (TLS at once): {DIRECT}", f"usual.capulet.lan:5269: {THEIRS}"
        await self.leads_to(direct, usual)
        await self.goes_to(DIRECT, romeo, juliet)
        self.publish_both((DIRECT, 5270, 20), (THEIRS, 5269, 10))
        await self.leads_to(usual, direct)
        await self.goes_to(THEIRS, romeo, juliet)
        self.publish_both((NOBODY, 5270, 10), (THEIRS, 5269, 20))
        await self.leads_to(direct.replace(DIRECT, NOBODY), usual)
        await self.goes_to(THEIRS, romeo, juliet)
        self.publish_both((DIRECT, 5270, 20), (NOBODY, 5269, 10))
        await self.leads_to(usual.replace(THEIRS, NOBODY), direct)
        await self.goes_to(DIRECT, romeo, juliet)

    async def test_what_a_server_hears_whose_stream_begins_with_tls(self):
        """XEP-0368 §3: the server name is the domain, not the host; the protocol tells it from a web server's."""
        peer = Reader(self.province.certify("capulet.lan"))
        server = await asyncio.start_server(peer.take, DIRECT, 443, ssl=peer.context)
        self.addCleanup(server.close)
        self.publish(f"host-record=host.verona.lan,{DIRECT}", srv("capulet.lan", "xmpps", "host.verona.lan", 443))
        self.serve()
        romeo = await self.enter("romeo@montague.lan/garden")
        romeo.send_message("juliet@capulet.lan", next(WORDS))
        header, name, protocol = await asyncio.wait_for(peer.came.get(), PATIENCE)
        self.assertRegex(header, " from='montague.lan'.* to='capulet.lan'")
        self.assertEqual((name, protocol), ("capulet.lan", "xmpp-server"))


class Silent:
    """Listens and takes nobody in: its queue is full, so what asks for a connection is dropped."""

    def __init__(self, address, port=5269):
        self.server = socket.create_server((address, port), backlog=0,
                                           family=socket.AF_INET6 if ":" in address else socket.AF_INET)
        self.waiting = socket.create_connection((address, port), timeout=PATIENCE)

    def close(self):
        self.waiting.close()
        self.server.close()

    @staticmethod
    def dropped():
        """How many such requests were dropped in this network ("times the listen queue of a socket overflowed")."""
        lines = pathlib.Path("/proc/self/net/netstat").read_text(encoding="ascii").splitlines()
        names, values = [line.split() for line in lines if line.startswith("TcpExt:")]
        return int(values[names.index("ListenOverflows")])


class Addresses(Finding):
    async def test_a_silent_address_beside_a_good_one(self):
        """RFC 8305: it has been tried, and does not hold the message up."""
        await self.add_addresses(THEIRS_SIX, SILENT_SIX)
        for address in (SILENT, SILENT_SIX):
            self.addCleanup(Silent(address).close)
        self.start_prosody(interfaces=f'{{ "{THEIRS}", "{THEIRS_SIX}" }}')
        self.publish(f"host-record=capulet.lan,{THEIRS},{SILENT_SIX}")
        self.serve()
        romeo, juliet = await self.enter_both()
        await self.leads_to(f"capulet.lan:5269: {SILENT_SIX}, {THEIRS}")
        before = Silent.dropped()
        await self.goes_to(THEIRS, romeo, juliet)
        self.assertGreater(Silent.dropped(), before)
        self.publish(f"host-record=capulet.lan,{SILENT},{THEIRS_SIX}")
        await self.leads_to(f"capulet.lan:5269: {THEIRS_SIX}, {SILENT}")
        await self.goes_to(THEIRS_SIX, romeo, juliet)


class Names(Finding):
    async def test_aliases_of_names(self):
        """CNAME records; the certificate is the domain's all the same."""
        self.start_prosody()
        host = f"host-record=host.verona.lan,{THEIRS}"
        self.publish(host, srv("verona.lan", "xmpp", "host.verona.lan", 5269),
                     "cname=_xmpp-server._tcp.capulet.lan,_xmpp-server._tcp.verona.lan")
        self.serve()
        romeo, juliet = await self.enter_both()
        await self.leads_to(f"host.verona.lan:5269: {THEIRS}")
        await self.goes_to(THEIRS, romeo, juliet)
        self.publish(host, srv("capulet.lan", "xmpp", "alias.capulet.lan", 5269),
                     "cname=alias.capulet.lan,host.verona.lan")
        await self.leads_to(f"alias.capulet.lan:5269: {THEIRS}")
        await self.goes_to(THEIRS, romeo, juliet)
        self.publish(host, "cname=capulet.lan,host.verona.lan")
        await self.leads_to(f"capulet.lan:5269: {THEIRS}")
        await self.goes_to(THEIRS, romeo, juliet)

    async def test_the_hosts_file(self):
        """Beside the DNS, which knows another address."""
        # In a copy of /etc, as a small Debian has no such file in whose place another could be shown.
        copy = pathlib.Path(self.province.place.name, "etc")
        subprocess.run(["cp", "-a", "/etc", str(copy)], stderr=subprocess.DEVNULL, check=False)  # what may be read
        copy.joinpath("hosts").unlink(missing_ok=True)
        copy.joinpath("hosts").write_text(f"127.0.0.1 localhost\n{THEIRS} capulet.lan\n", encoding="ascii")
        subprocess.run(["mount", "--bind", str(copy), "/etc"], check=True)
        self.addCleanup(subprocess.run, ["umount", "/etc"], check=True)
        self.publish(f"host-record=capulet.lan,{NOBODY}")
        self.start_prosody()
        self.serve()
        romeo, juliet = await self.enter_both()
        await self.leads_to(f"capulet.lan:5269: {THEIRS}")
        await self.goes_to(THEIRS, romeo, juliet)


class International(Finding):
    """The DNS and the certificate have the domain's form in ASCII (RFC 5890: A-labels)."""

    DOORS = {"bücher.lan": THEIRS}

    async def test_a_domain_with_more_than_ascii(self):
        self.publish(f"host-record=xmpp.verona.lan,{THEIRS}", srv("xn--bcher-kva.lan", "xmpp", "xmpp.verona.lan", 5269))
        self.start_prosody("bücher.lan", certificate=self.province.certify("xn--bcher-kva.lan"))
        self.serve()
        romeo, juliet = await self.enter("romeo@montague.lan/garden"), await self.enter("juliet@bücher.lan/balcony")
        await self.leads_to(f"xmpp.verona.lan:5269: {THEIRS}", domain="bücher.lan")
        await self.goes_to(THEIRS, romeo, juliet)
        self.assertEqual((await self.says(juliet, romeo, "Ay"))["from"], "juliet@bücher.lan/balcony")
        await self.until_logged("authenticated", domain="bücher.lan", mechanism="EXTERNAL")


class Literal(Finding):
    """Domains that are addresses: nothing is asked of the DNS."""

    SIX = f"[{THEIRS_SIX}]"
    DOORS = {THEIRS: THEIRS, SIX: THEIRS_SIX}

    async def test_domains_that_are_addresses(self):
        """Proven by dialback over TLS, each way."""
        await self.add_addresses(THEIRS_SIX)
        for domain, address in self.DOORS.items():
            certificate = self.province.certify(domain, signed=False)
            self.province.start_prosody(domain, address, ["juliet"], certificate=certificate)
        self.serve("s2s.unlisted=encrypted")
        romeo = await self.enter("romeo@montague.lan/garden")
        for domain, address in self.DOORS.items():
            await self.leads_to(f"{domain}:5269: {address}", domain=domain, policy="encrypted")
            juliet = await self.enter(f"juliet@{domain}/balcony")
            await self.talk(romeo, juliet)
            await self.until_logged("stream to another server", to=domain, security="TLSv1.3")
            await self.until_logged("another server's domain is proven", **{"from": domain})

    async def test_an_address_is_no_server_name_of_tls(self):
        """RFC 6066 §3: servers may break off with who sends one."""
        await self.add_addresses(THEIRS_SIX)
        peer = Reader(self.province.certify("capulet.lan"))
        for address in self.DOORS.values():
            server = await asyncio.start_server(peer.take, address, 5269)
            self.addCleanup(server.close)
        self.serve("s2s.unlisted=encrypted")
        romeo = await self.enter("romeo@montague.lan/garden")
        names = {}
        for domain in self.DOORS:
            romeo.send_message(f"juliet@{domain}", next(WORDS))
            header, names[domain], _ = await asyncio.wait_for(peer.came.get(), PATIENCE)
            self.assertRegex(header, f" from='montague.lan'.* to='{re.escape(domain)}'")
        self.assertEqual(names, dict.fromkeys(self.DOORS))


if __name__ == "__main__":
    unittest.main(verbosity=1)
