#!/usr/bin/env python3
"""Another server's certificate is proven by a file of its domain's web server (POSH: RFC 7711, RFC 7712).

    federation_posh_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import base64
import hashlib
import http.server
import json
import ssl
import sys
import threading
import unittest

from province import Houses, THEIRS, enter_namespace

enter_namespace()
Houses.PROGRAM = sys.argv.pop(1)
HOSTING = "hosting.lan"
FILE = "/.well-known/posh/xmpp-server.json"
WORDS = "What's in a name?"


def digest(pem):
    """What a file says of that certificate."""
    with open(pem, encoding="ascii") as file:
        der = ssl.PEM_cert_to_DER_cert(file.read())
    return {"fingerprints": [{"sha-256": base64.b64encode(hashlib.sha256(der).digest()).decode()}], "expires": 3600}


class Posh(Houses):
    ZONE = {**Houses.ZONE, HOSTING: THEIRS}

    def setUp(self):
        super().setUp()
        self.asked = []

    def serve_files(self, files, certificate=None):
        """The web server of capulet.lan and hosting.lan, with these files (JSON) by path."""
        asked = self.asked

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append((self.headers["Host"], self.path))
                body = json.dumps(files[self.path]).encode() if self.path in files else b""
                self.send_response(200 if body else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        pem, key = certificate or self.province.certify("web", ["DNS:capulet.lan", f"DNS:{HOSTING}"])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem, key)
        server = http.server.ThreadingHTTPServer((THEIRS, 443), Handler)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)

    async def both(self, *settings):
        """capulet.lan, whose certificate nobody has signed, needs a valid one: who are there, and its certificate."""
        pem, key = self.province.certify("montague.lan")
        self.serve(f"s2s.trusted_certificates={self.province.authority}", "s2s.secure_domains=capulet.lan",
                   f"tls.certificate={pem}", f"tls.key={key}", *(settings or ("s2s.posh=true",)))
        return await self.enter_both()

    def self_signed(self):
        certificate = self.province.certify("capulet.lan", signed=False)
        self.start_prosody(certificate=certificate)
        return certificate[0]

    async def is_refused(self, romeo, juliet):
        self.be_patient("3s")
        self.assertEqual(await self.returned(romeo, juliet.boundjid.full, WORDS), "remote-server-timeout")
        await self.until_no_stream("self-signed certificate")


class Proven(Posh):
    async def test_by_a_digest(self):
        self.serve_files({FILE: digest(self.self_signed())})
        romeo, juliet = await self.both()
        await self.says(romeo, juliet, WORDS)
        await self.until_logged("stream to another server", to="capulet.lan", security="TLSv1.3, verified")
        self.assertEqual(self.asked[0], ("capulet.lan", FILE))

    async def test_by_a_digest_elsewhere(self):
        """RFC 7711 §3.2."""
        self.serve_files({FILE: {"url": f"https://{HOSTING}/posh.json", "expires": 60},
                          "/posh.json": digest(self.self_signed())})
        romeo, juliet = await self.both()
        await self.says(romeo, juliet, WORDS)
        self.assertEqual(self.asked[:2], [("capulet.lan", FILE), (HOSTING, "/posh.json")])

    async def test_of_a_server_that_connects_to_us(self):
        self.serve_files({FILE: digest(self.self_signed())})
        romeo, juliet = await self.both()
        await self.says(juliet, romeo, WORDS)
        await self.until_logged("authenticated", domain="capulet.lan", mechanism="EXTERNAL")


class NotProven(Posh):
    async def test_by_the_digest_of_another_certificate(self):
        self.self_signed()
        self.serve_files({FILE: digest(self.province.certify("tybalt.lan", signed=False)[0])})
        await self.is_refused(*await self.both())
        # It is kept, and not fetched at each try.
        self.assertEqual(self.asked, [("capulet.lan", FILE)])

    async def test_by_a_web_server_that_is_not_proven_itself(self):
        self.serve_files({FILE: digest(self.self_signed())}, self.province.certify("capulet.lan", signed=False))
        await self.is_refused(*await self.both())
        self.assertEqual(self.asked, [])

    async def test_by_a_web_server_of_another_name(self):
        self.serve_files({FILE: digest(self.self_signed())}, self.province.certify("verona.lan"))
        await self.is_refused(*await self.both())
        self.assertEqual(self.asked, [])

    async def test_by_a_file_that_leads_on_and_on(self):
        self.self_signed()
        self.serve_files({FILE: {"url": f"https://{HOSTING}/posh.json", "expires": 60},
                          "/posh.json": {"url": f"https://{HOSTING}/posh.json", "expires": 60}})
        await self.is_refused(*await self.both())
        self.assertEqual(len(self.asked), 2)

    async def test_by_no_file(self):
        self.self_signed()
        self.serve_files({})
        await self.is_refused(*await self.both())

    async def test_where_it_is_not_turned_on(self):
        self.serve_files({FILE: digest(self.self_signed())})
        await self.is_refused(*await self.both("s2s.posh=false"))
        self.assertEqual(self.asked, [])


if __name__ == "__main__":
    unittest.main(verbosity=1)
