"""A small client over a plain socket, for tests that count: it logs in with PLAIN and speaks XML as it is told.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import re
import socket

HEADER = ("<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
          "to='{}' version='1.0'>")


class Ended(Exception):
    """The server is gone, or has ended the stream."""


class RawClient:
    """One session; without a resource it is not bound yet. The server must be told auth.require_tls=false and
    auth.plain_without_tls=true."""

    def __init__(self, port, jid, password, resource="raw", sender=None):
        """`sender`: what the header behind the log-in says that it is from."""
        self.bytes = b""
        local, domain = jid.split("@")
        try:
            self.socket = self.connect(port)
        except OSError as why:
            raise Ended(str(why)) from why
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.send(HEADER.format(domain))
        self.until(rb"</stream:features>")
        words = base64.b64encode(f"\0{local}\0{password}".encode()).decode()
        self.send(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{words}</auth>")
        self.until(rb"<success[^>]*>(</success>)?")
        self.send(HEADER.format(domain) if sender is None else HEADER.format(f"{domain}' from='{sender}"))
        self.until(rb"</stream:features>")
        if resource:
            self.bind(resource)

    def bind(self, resource):
        """The answer."""
        self.send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                  f"<resource>{resource}</resource></bind></iq>")
        return self.until(rb"id='bind'.*?</iq>")

    def connect(self, port):
        return socket.create_connection(("127.0.0.1", port), timeout=20)

    def send(self, text):
        try:
            self.socket.sendall(text.encode())
        except OSError as why:
            raise Ended(str(why)) from why

    def read(self):
        try:
            got = self.socket.recv(65536)
        except OSError as why:
            raise Ended(str(why)) from why
        if not got:
            raise Ended("closed")
        self.bytes += got

    def until(self, pattern):
        """Reads until `pattern`, which fits at most 2000 bytes, has come; what was up to its end is given back and forgotten."""
        looked = 0  # what has been searched is not searched again but for what one read may cut in two
        while not (found := re.compile(pattern, re.S).search(self.bytes, max(0, looked - 2000))):
            looked = len(self.bytes)
            if re.compile(rb"<stream:error|</stream:stream>|<failure").search(self.bytes, max(0, looked - 70000)):
                raise Ended(self.bytes[-1000:].decode(errors="replace"))
            self.read()
        said, self.bytes = self.bytes[:found.end()], self.bytes[found.end():]
        return said.decode()

    def ping(self, mark):
        """Asks the server and waits for its answer: what was sent before is taken care of then."""
        self.send(f"<iq type='get' id='{mark}' to='{self.domain()}'><ping xmlns='urn:xmpp:ping'/></iq>")
        return self.until(rb"<iq [^>]*id='" + mark.encode() + rb"'[^>]*(/>|>.*?</iq>)")

    def domain(self):
        return "localhost"

    def close(self):
        self.socket.close()
