#!/usr/bin/env python3
"""TLS as `openssl s_client` sees it: STARTTLS and TLS at once, versions, ciphers, certificates, tickets; and the roles
of streams.

RFC 6120 §5, RFC 7590, RFC 9325, XEP-0368.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import itertools
import os
import re
import select
import socket
import ssl
import subprocess
import sys
import unittest

from people import PASSWORD, PATIENCE, Stage
from raw_client import HEADER

Stage.PROGRAM = sys.argv.pop(1)

MONTAGUE, CAPULET = "montague.example", "capulet.example"
STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
AT_SECURITY_LEVEL_0 = ("-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0")  # so that it is not the client that refuses
VERSIONS = {"-tls1_2": "TLSv1.2", "-tls1_3": "TLSv1.3"}


def ipv6_is_missing():
    """Why ::1 cannot be used on this machine; empty when it can."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return ""
    except OSError as why:
        return f"no IPv6 loopback here: {why}"


class SClient:
    """`openssl s_client WORDS`: what it and the server say can be awaited."""

    def __init__(self, address, *words, starttls=None):
        how = ["-starttls", "xmpp", "-xmpphost", starttls] if starttls else []
        self.said, self.words = "", words
        self.process = subprocess.Popen(["openssl", "s_client", "-connect", address, *how, *words],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def say(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def read(self):
        pipe = self.process.stdout.fileno()
        assert select.select([pipe], [], [], PATIENCE)[0], f"{self.words}: silence behind {self.said}"
        got = os.read(pipe, 65536)
        self.said += got.decode(errors="replace")
        return got

    def until(self, pattern):
        """What fits `pattern`; it is not looked at again."""
        while not (found := re.search(pattern, self.said, re.S)):
            assert self.read(), f"{self.words}: the end instead of {pattern}: {self.said}"
        self.said = self.said[:found.start()] + self.said[found.end():]
        return found[0]

    def opens(self, domain):
        self.say(HEADER.format(domain))
        return self.until("<stream:features>.*?</stream:features>")

    def logs_in(self, domain):
        """With PLAIN; the full JID that is bound."""
        assert "<mechanism>PLAIN</mechanism>" in self.opens(domain)
        words = base64.b64encode(f"\0romeo\0{PASSWORD}".encode()).decode()
        self.say(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{words}</auth>")
        self.until("<success[^>]*>")
        self.opens(domain)
        self.say("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                 "<resource>garden</resource></bind></iq>")
        return re.search("<jid>([^<]*)</jid>", self.until("id='bind'.*?</iq>"))[1]

    def end(self):
        """Hangs up and waits: all that was said and is not taken yet."""
        if not self.process.stdin.closed:
            try:
                self.process.stdin.close()
            except BrokenPipeError:
                pass
            while self.read():
                pass
            self.process.stdout.close()
            self.process.wait(PATIENCE)
        return self.said

    def kill(self):
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            try:
                pipe.close()
            except BrokenPipeError:
                pass


class Tls(Stage):
    """The server's port is on an address of its own, so that its line is told from the clients'."""
    ACCOUNTS = (f"romeo@{MONTAGUE}", f"romeo@{CAPULET}")
    SETTINGS = ("listen.server=127.0.0.2:0", "server.cores=2")

    def address(self, host, mode):
        """Where the server says that it listens."""
        (found,) = (line.split()[2] for line in self.jackdaw.lines
                    if line.startswith(f"Listening on {host}:") and line.endswith(f"({mode})\n"))
        return found

    def client(self, host, *words, domain=MONTAGUE, starttls=True):
        mode = "STARTTLS" if starttls else "TLS"
        made = SClient(self.address(host, mode), *words, starttls=domain if starttls else None)
        self.addCleanup(made.kill)
        return made

    def outcome(self, *words, **where):
        """All that s_client says of a handshake."""
        return self.client("127.0.0.1", *words, **where).end()

    def assert_refused(self, alert, *words, **where):
        """RFC 5246 §7.2, RFC 8446 §6: by an alert of the server's."""
        said = self.outcome(*words, **where)
        self.assertIn(f"SSL alert number {alert}\n", said, words)
        self.assertIn("New, (NONE), Cipher is (NONE)", said)

    def restart(self, *settings):
        self.assertEqual(self.jackdaw.end(), 0)
        self.port = self.jackdaw.start(*(word for one in settings for word in ("--set", one)))


class Ports(Tls):
    def test_starttls_on_the_clients_and_the_servers_port_and_tls_at_once(self):
        """RFC 6120 §5.4, XEP-0368 §3: behind each of them a client logs in."""
        for host, starttls in (("127.0.0.1", True), ("127.0.0.2", True), ("127.0.0.1", False)):
            client = self.client(host, starttls=starttls)
            self.assertEqual(client.logs_in(MONTAGUE), f"romeo@{MONTAGUE}/garden")
            self.assertIn(f"subject=CN = {MONTAGUE}\n", client.end())

    @unittest.skipIf(ipv6_is_missing(), ipv6_is_missing())
    def test_the_same_over_ipv6(self):
        self.restart("listen.client=127.0.0.1:0, [::1]:0", "listen.tls=[::1]:0")
        for starttls in (True, False):
            self.assertEqual(self.client("[::1]", starttls=starttls).logs_in(MONTAGUE), f"romeo@{MONTAGUE}/garden")
        self.restart("listen.client=127.0.0.1:0", "listen.server=[::1]:0", "listen.tls=")
        self.assertEqual(self.client("[::1]").logs_in(MONTAGUE), f"romeo@{MONTAGUE}/garden")

    def test_the_protocols_name(self):
        """XEP-0368 §3: a client need not name the protocol (ALPN); of several, ours is chosen."""
        for offered, chosen in (("xmpp-client", "xmpp-client"), ("xmpp-server", "xmpp-server"),
                                ("h2,http/1.1,xmpp-client", "xmpp-client")):
            for version in VERSIONS:
                client = self.client("127.0.0.1", version, "-alpn", offered, starttls=False)
                client.opens(MONTAGUE)
                self.assertIn(f"ALPN protocol: {chosen}\n", client.end())
        client = self.client("127.0.0.1", starttls=False)
        client.opens(MONTAGUE)
        self.assertIn("No ALPN negotiated\n", client.end())

    def test_another_protocol_is_refused(self):
        """RFC 7301 §3.2: no_application_protocol, alert 120."""
        port = self.address("127.0.0.1", "TLS")
        for version in VERSIONS:
            done = subprocess.run(["openssl", "s_client", "-connect", port, version, "-alpn", "h2,http/1.1"], text=True,
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)
            self.assertIn("SSL alert number 120", done.stderr)

    def test_starttls_under_tls_fails(self):
        """RFC 6120 §5.4.2.2: TLS is not started twice; the stream ends."""
        for starttls in (True, False):
            client = self.client("127.0.0.1", starttls=starttls)
            self.assertNotIn("<starttls", client.opens(MONTAGUE))
            client.say(STARTTLS)
            client.until("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>")


class Handshakes(Tls):
    def test_versions(self):
        """RFC 9325 §3.1.1: TLS 1.2 and 1.3; whoever can no more than 1.1 hears protocol_version (70)."""
        for starttls in (True, False):
            for word, name in VERSIONS.items():
                client = self.client("127.0.0.1", word, starttls=starttls)
                client.opens(MONTAGUE)
                self.assertRegex(client.end(), f"New, {name}, Cipher is [A-Z]")
            for word in ("-tls1", "-tls1_1"):
                self.assert_refused(70, word, *AT_SECURITY_LEVEL_0, starttls=starttls)
        self.assertIn("New, TLSv1.3, ", self.outcome(), "the better one when the client can do both")

    def test_ciphers(self):
        """RFC 9325 §4.2: forward secrecy and AEAD; all else is refused: handshake_failure (40)."""
        self.give_rsa_certificate(MONTAGUE)
        for kind, domain in (("ECDSA", CAPULET), ("RSA", MONTAGUE)):
            for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"):
                name = f"ECDHE-{kind}-{cipher}"
                said = self.outcome("-tls1_2", "-cipher", name, domain=domain)
                self.assertIn(f"New, TLSv1.2, Cipher is {name}\n", said)
            # Without forward secrecy; without AEAD; without encryption or authentication; all of them together.
            for weak in ("kRSA", "AES:CAMELLIA:ARIA:!AESGCM:!AESCCM:!ARIAGCM", "NULL", "aNULL", "AESCCM:ARIAGCM", "DHE",
                         "ALL:COMPLEMENTOFALL:!ECDHE+AESGCM:!ECDHE+CHACHA20"):
                self.assert_refused(40, "-tls1_2", "-cipher", weak + ":@SECLEVEL=0", domain=domain)
        for cipher in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"):
            self.assertIn(f"New, TLSv1.3, Cipher is {cipher}\n", self.outcome("-tls1_3", "-ciphersuites", cipher))

    def give_rsa_certificate(self, domain):
        """In place of the domain's own, which is of a kind (ECDSA) that some weak ciphers cannot use anyway."""
        file = f"{self.jackdaw.data}/certs/{domain}"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={domain}",
                        "-keyout", file + ".key", "-out", file + ".pem"], check=True, capture_output=True,
                       timeout=PATIENCE)
        self.jackdaw.do("reload")

    def test_renegotiation_is_refused(self):
        """RFC 9325 §3.5, RFC 5246 §7.2.2: the client's request ("R") is answered with no_renegotiation."""
        for starttls in (True, False):
            client = self.client("127.0.0.1", "-tls1_2", starttls=starttls)
            client.opens(MONTAGUE)
            client.say("R\n")
            client.until("RENEGOTIATING\n")
            client.until("no renegotiation")
            # RFC 5746 §3.6: that the server does not renegotiate is said safely.
            self.assertIn("Secure Renegotiation IS supported\n", client.end())

    def test_nothing_is_compressed(self):
        """RFC 9325 §3.3, RFC 7590: also for a client that offers DEFLATE (1) beside null (0)."""
        for word in VERSIONS:
            self.assertIn("Compression: NONE\nExpansion: NONE\n", self.outcome(word, starttls=False))
        host, port = self.address("127.0.0.1", "TLS").split(":")
        with socket.create_connection((host, port), timeout=PATIENCE) as server, server.makefile("rb") as heard:
            server.sendall(hello_with_deflate())
            record = heard.read(5)
            self.assertEqual(record[0], 22, "the answer is no handshake")
            hello = heard.read(int.from_bytes(record[3:5], "big"))
        self.assertEqual(hello[0], 2, "the answer is no ServerHello")
        session_end = 39 + hello[38]  # type, length, version, random, session_id
        self.assertEqual(hello[session_end + 2], 0)


def hello_with_deflate():
    """The ClientHello of Python's TLS 1.2, as RFC 5246 §7.4.1.2 has it, with one compression method more."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing).do_handshake()
    except ssl.SSLWantReadError:
        pass
    body = outgoing.read()[9:]  # behind the headers of record and handshake
    at = 35 + body[34]
    at += 2 + int.from_bytes(body[at:at + 2], "big")
    assert body[at:at + 2] == b"\x01\x00", "null is not the only method"
    body = body[:at] + b"\x02\x01\x00" + body[at + 2:]
    handshake = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + len(handshake).to_bytes(2, "big") + handshake


class Domains(Tls):
    def test_each_domain_shows_its_own_certificate(self):
        """RFC 6066 §3: the name that the client gives decides; without one, the stream's `to` (RFC 6120 §4.7.2)."""
        for domain in (MONTAGUE, CAPULET):
            for starttls in (True, False):
                self.assert_shown(domain, "-servername", domain, domain=domain, starttls=starttls)
            self.assert_shown(domain, "-noservername", domain=domain)
            self.assert_shown(domain, "-servername", "verona.example", domain=domain)

    def assert_shown(self, shown, *words, **where):
        said = self.outcome("-showcerts", *words, **where)
        pem = re.search("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", said, re.S)[0]
        read = subprocess.run(["openssl", "x509", "-noout", "-subject", "-checkhost", shown, "-ext", "subjectAltName"],
                              input=pem, text=True, capture_output=True, check=True, timeout=PATIENCE).stdout
        self.assertIn(f"subject=CN = {shown}\n", read)
        self.assertIn(f"DNS:{shown}", read)
        self.assertIn(f"Hostname {shown} does match certificate", read)
        other = {MONTAGUE: CAPULET, CAPULET: MONTAGUE}[shown]
        self.assertNotIn(other, read)


class Tickets(Tls):
    def visit(self, *words, domain=MONTAGUE, **where):
        """"New" or "Reused", and how many tickets TLS 1.3 brought."""
        client = self.client("127.0.0.1", "-servername", domain, *words, domain=domain, **where)
        client.opens(domain)  # whatever tickets there are came before
        said = client.end()
        return re.search(r"(New|Reused), TLSv1\.[23], ", said)[1], said.count("New Session Ticket arrived")

    def ticket(self, *words, **where):
        """The file with the session of a first visit."""
        file = os.path.join(self.jackdaw.place.name, "session.pem")
        if os.path.exists(file):
            os.remove(file)
        kind, tickets = self.visit(*words, "-sess_out", file, **where)
        self.assertEqual((kind, tickets), ("New", 1 if "-tls1_3" in words else 0), words)
        return file

    def test_a_session_is_resumed(self):
        """RFC 5077, RFC 8446 §2.2, §C.4: good on every core, with STARTTLS and with TLS at once; 1.3 brings the next."""
        for version in VERSIONS:
            for domain, starttls in itertools.product((MONTAGUE, CAPULET), (True, False)):
                file = self.ticket(version, domain=domain, starttls=starttls)
                again = [self.visit(version, "-sess_in", file, domain=domain, starttls=starttls)
                         for _ in range(4)]  # on whichever core they come in
                self.assertEqual(again, [("Reused", 1 if version == "-tls1_3" else 0)] * 4, (version, domain, starttls))
            self.assertEqual(self.visit(version, "-sess_in", self.ticket(version), starttls=False)[0], "Reused")

    def test_a_session_that_is_unknown_begins_anew(self):
        """RFC 6066 §3, RFC 5077 §3.1: a ticket of the other domain, or of the server's life before, does no harm."""
        for version in VERSIONS:
            for domain, other in ((MONTAGUE, CAPULET), (CAPULET, MONTAGUE)):
                for starttls in (True, False):
                    file = self.ticket(version, domain=domain, starttls=starttls)
                    self.assertEqual(self.visit(version, "-sess_in", file, domain=other, starttls=starttls)[0], "New")
            file = self.ticket(version)
            self.restart(*self.SETTINGS)
            self.assertEqual(self.visit(version, "-sess_in", file)[0], "New")

    def test_without_tickets_nothing_is_kept(self):
        """RFC 5246 §7.4.1.3: the server remembers no session itself, so it names none to come back to."""
        client = self.client("127.0.0.1", "-tls1_2", "-no_ticket")
        client.opens(MONTAGUE)
        self.assertRegex(client.end(), r"(?m)^ *Session-ID: *$")

    def test_who_may_prove_himself_by_a_certificate_is_asked_each_time(self):
        """auth.external: no ticket, so that the certificate is looked at again (RFC 6120 §6.3.4)."""
        self.restart(*self.SETTINGS, f"domain.{CAPULET}.auth.external=true")
        for version in VERSIONS:
            file = os.path.join(self.jackdaw.place.name, "none.pem")
            self.assertEqual(self.visit(version, "-sess_out", file, domain=CAPULET), ("New", 0))
            self.assertFalse(os.path.exists(file), "there is a session to come back to")
            self.ticket(version)  # as ever at the other domain


class Streams(Tls):
    def test_without_a_version_there_are_no_features(self):
        """RFC 6120 §4.7.5: not in the answer's header either; what may then be said is nothing that is served."""
        client = self.client("127.0.0.1", starttls=False)
        client.say(HEADER.format(MONTAGUE).replace(" version='1.0'>", ">"))
        client.say("<iq type='get' id='1'><query xmlns='jabber:iq:auth'/></iq>")
        heard = client.until("<stream:stream.*</stream:stream>")
        header = re.match("<stream:stream[^>]*>", heard)[0]
        self.assertNotIn("version", header)
        self.assertNotIn("features", heard)
        self.assertIn("<stream:error><not-authorized ", heard)

    def test_roles_that_are_not_served(self):
        """RFC 6120 §4.9.3.10: a namespace that is not served; XEP-0114 §3: a component that nobody expects.

        Behind STARTTLS the role is the one of before.
        """
        namespace = "invalid-namespace", "invalid-namespace"
        for host in ("127.0.0.1", "127.0.0.2"):
            for role, conditions in (("jabber:server", namespace), ("urn:example:rose", namespace),
                                     ("jabber:component:accept", ("host-unknown", "policy-violation"))):
                header = HEADER.format(MONTAGUE).replace("jabber:client", role)
                for heard, condition in zip((self.in_clear(host, header), self.under_tls(host, header)), conditions):
                    self.assertIn(f"<stream:error><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>", heard)
                    self.assertNotIn("features", heard)

    def under_tls(self, host, header):
        client = self.client(host)
        client.say(header)
        return client.until("<stream:stream.*</stream:stream>")

    def in_clear(self, host, header):
        """All that is said to `header`, until the server hangs up."""
        where, port = self.address(host, "STARTTLS").split(":")
        with socket.create_connection((where, port), timeout=PATIENCE) as stranger, stranger.makefile() as heard:
            stranger.sendall(header.encode())
            return heard.read()

    def test_what_was_said_in_clear_is_forgotten(self):
        """RFC 6120 §5.4.3.3, §13.7.2: a log-in, right behind <starttls/>, by somebody between."""
        words = base64.b64encode(f"\0romeo\0{PASSWORD}".encode()).decode()
        injected = (f"{HEADER.format(MONTAGUE)}<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' "
                    f"mechanism='PLAIN'>{words}</auth><message/>")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as plain:
            plain.sendall(HEADER.format(MONTAGUE).encode())
            self.heard_until(plain, "</stream:features>")
            plain.sendall((STARTTLS + injected).encode())  # in one piece: what comes later is TLS's to refuse
            self.assertEqual(self.heard_until(plain, "/>"), "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
            with context.wrap_socket(plain, server_hostname=MONTAGUE) as client:
                client.sendall(HEADER.format(MONTAGUE).encode())
                heard = self.heard_until(client, "</stream:features>")
                self.assertEqual(heard.count("<stream:stream"), 1)
                self.assertNotRegex(heard, "<success|<failure|<stream:error|<starttls")
                client.sendall(b"<message/>")
                heard = self.heard_until(client, "</stream:stream>")
                self.assertRegex(heard, "^<stream:error><not-authorized ")

    @staticmethod
    def heard_until(connection, end):
        heard = b""
        while end.encode() not in heard:
            got = connection.recv(65536)
            assert got, f"the end instead of {end}: {heard}"
            heard += got
        return heard.decode()


if __name__ == "__main__":
    unittest.main(verbosity=1)
