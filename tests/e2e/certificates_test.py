"""The domains' certificates: found by name in a directory, used when their files change, warned of, explained.

    certificates_test.py PROGRAM

What is shown is what another program (Python's ssl, openssl) sees. In networks of its own (province.py): dnsmasq and nsd
answer for the domains.

SPDX-License-Identifier: Apache-2.0
"""
import os
import pathlib
import shutil
import socket
import ssl
import sys
import unittest

from province import Houses, OURS, enter_namespace
from signed_zone import SignedZone

enter_namespace()
Houses.PROGRAM = sys.argv.pop(1)
DOMAIN, HOST = "montague.lan", "xmpp.montague.lan"


class Certificates(Houses):
    def setUp(self):
        super().setUp()
        self.certs = pathlib.Path(self.province.place.name, "certs")
        self.certs.mkdir()

    def put(self, name, names=None, days=30, signed=True, chain=True):
        """A certificate and its key in the directory, as NAME.pem and NAME.key; its DER form."""
        pem, key = self.province.certify(name, names, days=days, signed=signed)
        text = pathlib.Path(pem).read_text(encoding="ascii")
        authority = pathlib.Path(self.province.authority).read_text(encoding="ascii") if chain else ""
        shutil.copy(key, self.certs / f"{name}.key")
        self.write(self.certs / f"{name}.pem", text + authority)
        return ssl.PEM_cert_to_DER_cert(text)

    @staticmethod
    def write(file, text):
        """As renewing programs do: whole or not at all."""
        fresh = file.with_suffix(".new")
        fresh.write_text(text, encoding="ascii")
        os.replace(fresh, file)

    def shown(self, domain=DOMAIN):
        """What the server shows a client of that domain."""
        header = ("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' "
                  f"to='{domain}'>")
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection((OURS, 5222), timeout=10) as client:
            client.sendall((header + "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>").encode())
            said = b""
            while b"<proceed" not in said:
                got = client.recv(4096)
                self.assertTrue(got, said)
                said += got
            with context.wrap_socket(client, server_hostname=domain) as secured:
                return secured.getpeercert(binary_form=True)

    async def until_shown(self, certificate, domain=DOMAIN):
        await self.until(lambda: self.shown(domain) == certificate, "another certificate is shown")

    def findings(self, *words):
        """What `jackdaw cert check` says of our domain: {what: [(verdict, finding)]}."""
        found = {}
        for row in self.jackdaw.read("cert", "check", DOMAIN, *words):
            found.setdefault(row["what"], []).append((row["verdict"], row["finding"]))
        return found

    def finds(self, what, verdict, words, *flags):
        found = self.findings(*flags).get(what, [])
        self.assertTrue(any(each == verdict and words in text for each, text in found), found)

    def listed(self):
        (row,) = [row for row in self.jackdaw.read("cert", "list") if row["domain"] == DOMAIN]
        return row

    def serve_from_directory(self, *settings):
        self.serve(f"tls.certificate={self.certs}", "tls.check_interval=1s",
                   f"s2s.trusted_certificates={self.province.authority}", *settings)


class FromADirectory(Certificates):
    async def test_each_domain_shows_the_one_with_its_name(self):
        self.put("first", ["DNS:verona.lan"])
        ours = self.put("second", ["DNS:montague.lan"])
        wildcard = self.put("third", ["DNS:*.mantua.lan"])
        self.serve_from_directory()
        self.assertEqual(self.shown(), ours)
        self.jackdaw.do("domain", "add", "chat.mantua.lan")
        self.assertEqual(self.shown("chat.mantua.lan"), wildcard)
        self.assertEqual(self.listed()["problems"], "none")
        self.assertEqual(self.listed()["file"], str(self.certs / "second.pem"))

    async def test_the_valid_one_that_lasts_longest_is_shown(self):
        self.put("short", ["DNS:montague.lan"], days=5)
        long = self.put("long", ["DNS:montague.lan"], days=50)
        self.serve_from_directory()
        self.assertEqual(self.shown(), long)

    async def test_as_certbot_writes_them(self):
        pem, key = self.province.certify(DOMAIN)
        live = self.certs / DOMAIN
        live.mkdir()
        shutil.copy(pem, live / "cert.pem")
        shutil.copy(key, live / "privkey.pem")
        text = pathlib.Path(pem).read_text(encoding="ascii")
        chain = pathlib.Path(self.province.authority).read_text(encoding="ascii")
        (live / "fullchain.pem").write_text(text + chain, encoding="ascii")
        (live / "README").write_text("not a certificate", encoding="ascii")
        self.serve_from_directory()
        self.assertEqual(self.shown(), ssl.PEM_cert_to_DER_cert(text))
        self.assertEqual(self.listed()["file"], str(live / "fullchain.pem"))

    async def test_a_domain_without_one_shows_its_own_and_the_log_says_so(self):
        self.put("other", ["DNS:verona.lan"])
        self.serve_from_directory()
        self.shown()
        await self.until_logged("no certificate of this domain, with its key, in the directory; one of our own is shown")
        self.finds("file", "bad", "holds no certificate for montague.lan", "--no-dns")
        self.finds("chain", "bad", "signed by itself", "--no-dns")
        # One that comes is used without a word.
        await self.until_shown(self.put("ours", ["DNS:montague.lan"]))


class WhenFilesChange(Certificates):
    async def test_a_renewed_one_is_used_and_old_connections_stay(self):
        old = self.put("ours", ["DNS:montague.lan"])
        self.serve_from_directory()
        romeo = await self.enter("romeo@montague.lan/garden")
        self.assertEqual(self.shown(), old)
        new = self.put("ours", ["DNS:montague.lan"], days=60)
        await self.until_shown(new)
        await self.until_logged("changed files of certificates are used")
        await romeo["xep_0199"].ping("montague.lan", timeout=10)

    async def test_half_a_renewal_changes_nothing(self):
        pem, key = self.province.certify(DOMAIN, days=30)
        old = ssl.PEM_cert_to_DER_cert(pathlib.Path(pem).read_text(encoding="ascii"))
        file, key_file = self.certs / "one.pem", self.certs / "one.key"
        shutil.copy(pem, file)
        shutil.copy(key, key_file)
        self.serve(f"tls.certificate={file}", f"tls.key={key_file}", "tls.check_interval=1s")
        pem, key = self.province.certify(DOMAIN, days=60)
        text = pathlib.Path(pem).read_text(encoding="ascii")
        self.write(file, text)
        await self.until_logged("a changed certificate cannot be used; the old one is shown on", domain=DOMAIN)
        self.assertEqual(self.shown(), old)
        self.finds("key", "bad", "belongs to another certificate", "--no-dns")
        self.write(key_file, pathlib.Path(key).read_text(encoding="ascii"))
        await self.until_shown(ssl.PEM_cert_to_DER_cert(text))


class ByCommand(Certificates):
    async def test_a_certificate_and_its_key_are_changed_together(self):
        """One by one neither would belong to the other. Of another kind (RSA) it is refused just so."""
        self.serve("tls.check_interval=1h")
        own = self.shown()
        pem, key = self.province.certify(DOMAIN, days=30)
        self.assertIn(".key", self.jackdaw.refused("setting", "set", "tls.certificate", pem))
        self.jackdaw.refused("setting", "set", "tls.key", key)
        self.province.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={DOMAIN}", "-keyout",
                              "rsa.key", "-out", "rsa.pem")
        rsa, rsa_key = (os.path.join(self.province.place.name, name) for name in ("rsa.pem", "rsa.key"))
        for words in (("setting", "set", "tls.certificate", rsa), ("setting", "set", "tls.key", rsa_key),
                      ("cert", "use", rsa, key), ("cert", "use", pem, rsa_key)):
            self.assertIn("belong", self.jackdaw.refused(*words))
        self.assertEqual(self.shown(), own)
        for file, its_key in ((pem, key), (rsa, rsa_key)):
            self.jackdaw.do("cert", "use", file, its_key, "--domain", DOMAIN)
            self.assertEqual(self.shown(), ssl.PEM_cert_to_DER_cert(pathlib.Path(file).read_text(encoding="ascii")))
        self.jackdaw.do("cert", "reset", "--domain", DOMAIN)
        self.assertEqual(self.shown(), own)


class Warnings(Certificates):
    async def test_before_it_expires(self):
        self.put("ours", ["DNS:montague.lan"], days=5)
        self.serve_from_directory()
        (line,) = await self.until_logged("a certificate expires soon", domain=DOMAIN)
        self.assertIn("ours.pem", line)
        self.assertEqual(self.metric("jackdaw_certificates_expiring"), 1)
        self.finds("dates", "bad", "renew it", "--no-dns")
        self.assertEqual((self.listed()["problems"], self.listed()["days_left"]), ("dates", 4))
        await self.until_shown(self.put("ours", ["DNS:montague.lan"], days=50))
        await self.until(lambda: self.metric("jackdaw_certificates_expiring") == 0, "it is still counted")
        self.assertEqual(self.listed()["problems"], "none")

    async def test_the_time_of_warning_is_a_setting(self):
        self.put("ours", ["DNS:montague.lan"], days=5)
        self.serve_from_directory("tls.expiry_warning=3d")
        self.assertEqual(self.metric("jackdaw_certificates_expiring"), 0)
        self.assertEqual(self.logged("a certificate expires soon"), [])


class Explained(Certificates):
    async def test_what_is_wrong_with_the_files(self):
        self.put("ours", ["DNS:montague.lan"], chain=False)
        self.serve_from_directory()
        for what in ("key", "name", "dates", "chain"):
            self.finds(what, "good", "", "--no-dns")
        self.jackdaw.do("setting", "set", "tls.expiry_warning", "31d")
        self.finds("dates", "bad", "renew it", "--no-dns")
        os.chmod(self.certs / "ours.key", 0o644)
        self.finds("key", "bad", "chmod", "--no-dns")

    async def test_names_and_chain(self):
        pem, key = self.province.certify(DOMAIN, ["DNS:xmpp.montague.lan"])
        self.serve(f"tls.certificate={pem}", f"tls.key={key}")
        self.finds("name", "bad", "is for xmpp.montague.lan, not for montague.lan", "--no-dns")
        self.finds("chain", "bad", "the certificate of CN=The authority of the province is missing", "--no-dns")

    async def test_only_a_common_name(self):
        pem, key = self.province.certify(DOMAIN, [])
        self.serve(f"tls.certificate={pem}", f"tls.key={key}")
        self.finds("name", "bad", "common name alone", "--no-dns")

    async def test_without_a_running_server_and_with_a_broken_file(self):
        self.serve()
        self.jackdaw.end()
        pem, key = self.province.certify(DOMAIN)
        self.jackdaw.do("cert", "use", pem, key)
        pathlib.Path(pem).write_text("-----BEGIN CERTIFICATE-----\nnothing\n", encoding="ascii")
        self.finds("file", "bad", "holds neither a certificate nor a key", "--no-dns")
        self.assertIn("not served", self.jackdaw.refused("cert", "check", "verona.lan"))

    async def test_what_the_dns_says(self):
        self.put("ours", ["DNS:montague.lan"])
        self.serve_from_directory()
        self.finds("dns", "good", f"other servers are sent to {HOST}:5269, {OURS}")
        self.finds("dns", "bad", "clients are sent to montague.lan:5222, but that name has no address")
        self.finds("dane", "note", "dns.trust_anchor is empty")
        self.province.stop_dns()
        self.province.services = ["montague.lan=nowhere.lan:5269"]
        self.province.start_dns()
        await self.until(lambda: "nowhere.lan:5269, but that name has no address" in str(self.findings()["dns"]),
                         "the SRV record does not count")

    async def test_what_dane_says(self):
        self.put("ours", ["DNS:montague.lan"])
        self.province.zone[DOMAIN] = OURS
        zone = SignedZone(self.province)
        zone.serve()
        self.serve_from_directory(f"dns.trust_anchor={zone.anchor}", "dns.servers=127.0.0.53")
        self.finds("dns", "good", f"clients are sent to montague.lan:5222, {OURS}")
        self.finds("dane", "note", f"_5269._tcp.{HOST}: no TLSA record that DNSSEC proves; this one would do: TLSA 3 1 1 ")
        zone.tlsa(self.province.certify("tybalt.lan")[0], HOST)
        zone.serve()
        await self.until(lambda: "no TLSA record fits" in str(self.findings()["dane"]), "the wrong record does not count")
        ((_, text),) = self.findings()["dane"]
        zone.records = [f"_5269._tcp.{HOST}. {text[text.index('TLSA 3 1 1'):]}"]  # as it was advised
        zone.serve()
        await self.until(lambda: "a TLSA record fits" in str(self.findings()["dane"]), "the right record does not count")


if __name__ == "__main__":
    unittest.main(verbosity=1)
