"""The zone lan. of a province, signed (DNSSEC, RFC 4033), served by nsd in dnsmasq's place; TLSA records (RFC 6698).

    zone = SignedZone(province)
    zone.tlsa(pem, "capulet.lan")
    zone.serve()
    ... f"dns.trust_anchor={zone.anchor}", "dns.servers=127.0.0.53"

SPDX-License-Identifier: Apache-2.0
"""
import hashlib
import os
import re
import subprocess
import time

NAME_SERVER = "127.0.0.53"  # the address of the province's /etc/resolv.conf
PKIX_TA, PKIX_EE, DANE_TA, DANE_EE = range(4)  # certificate usages, RFC 6698 §2.1.1, RFC 7218
CERT, SPKI = range(2)                          # selectors
SHA_256, SHA_512 = 1, 2                        # matching types


def der_of(pem, selector):
    """What a TLSA record speaks of: the first certificate in that file, or its public key."""
    words = ["-outform", "DER"] if selector == CERT else ["-noout", "-pubkey"]
    shown = subprocess.run(["openssl", "x509", "-in", pem, *words], check=True, capture_output=True).stdout
    if selector == CERT:
        return shown
    return subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=shown, check=True,
                          capture_output=True).stdout


def with_broken_signature(line):
    """The RRSIG record's last word is its signature: another one of the same size."""
    head, signature = line.rstrip().rsplit(maxsplit=1)
    other = "A" if signature[10] != "A" else "B"
    return f"{head} {signature[:10]}{other}{signature[11:]}\n"


class SignedZone:
    """Written from the province's names and services each time it is served; the key stays the same."""

    def __init__(self, province):
        self.province = province
        self.records = []  # more lines of the zone, with full names
        self.folder = os.path.join(province.place.name, "zone")
        os.makedirs(self.folder)
        self.key = self.tool("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", "lan").strip()
        self.anchor = os.path.join(self.folder, self.key + ".key")  # the DNSKEY record
        self.anchor_ds = os.path.join(self.folder, self.key + ".ds")

    def tool(self, *words):
        return subprocess.run(words, check=True, capture_output=True, text=True, cwd=self.folder).stdout

    def tlsa(self, pem, host, port=5269, usage=DANE_EE, selector=SPKI, matching=SHA_256):
        """A record that this certificate, or one of this authority, matches."""
        data = der_of(pem, selector)
        if matching in (SHA_256, SHA_512):
            data = hashlib.new({SHA_256: "sha256", SHA_512: "sha512"}[matching], data).digest()
        self.records.append(f"_{port}._tcp.{host}. TLSA {usage} {selector} {matching} {data.hex()}")

    def all_records(self):
        lines = [f"{name}. A {address}" for name, address in self.province.zone.items()]
        for service in self.province.services:
            kind = "_xmpps-server" if service.startswith("tls ") else "_xmpp-server"
            name, place = service.removeprefix("tls ").split("=")
            host, port = place.split(":")
            lines.append(f"{kind}._tcp.{name}. SRV 0 0 {port} {host.rstrip('.')}.")
        return lines + self.records

    def write(self, name, lines):
        """A zone with these records, unsigned: its file."""
        start = ["$TTL 1", f"{name}. SOA ns.lan. root.lan. {int(time.time())} 3600 600 86400 1", f"{name}. NS ns.lan."]
        return self.province.file(f"zone/{name}.zone", "\n".join(start + lines) + "\n")

    def sign(self, file, broken):
        """`broken`: names with a type, "_xmpp-server._tcp.capulet.lan SRV", whose signature is wrong."""
        yesterday = str(int(time.time()) - 86400)
        self.tool("ldns-signzone", "-i", yesterday, "-f", file + ".signed", file, self.key)
        with open(file + ".signed", encoding="ascii") as signed:
            lines = signed.readlines()
        for each in broken:
            name, kind = each.split()
            found = [i for i, line in enumerate(lines)
                     if re.match(rf"{re.escape(name)}\.\s+\d+\s+IN\s+RRSIG\s+{kind}\s", line)]
            assert len(found) == 1, f"{each}: {len(found)} signatures"
            lines[found[0]] = with_broken_signature(lines[found[0]])
        with open(file + ".signed", "w", encoding="ascii") as signed:
            signed.writelines(lines)
        return file + ".signed"

    def serve(self, signed=True, broken=(), unsigned=()):
        """Ends the DNS server that there is and starts nsd. `signed` false: an anchor exists, yet no record of DNSSEC
        is in the answers (it was stripped from them). `unsigned`: domains that are zones of their own, below lan. but
        not signed, which lan. proves."""
        own, rest = {name: [] for name in unsigned}, [f"ns.lan. A {NAME_SERVER}"]
        for line in self.all_records():
            name = line.split()[0].rstrip(".")
            below = next((zone for zone in unsigned if name == zone or name.endswith("." + zone)), None)
            (own[below] if below else rest).append(line)
        zones = {name: self.write(name, lines) for name, lines in own.items()}
        lan = self.write("lan", rest + [f"{name}. NS ns.lan." for name in unsigned])
        zones["lan"] = self.sign(lan, broken) if signed else lan
        self.start_server(zones)

    def start_server(self, zones):
        lines = ["server:", f"ip-address: {NAME_SERVER}", 'username: ""', 'chroot: ""', f'zonesdir: "{self.folder}"',
                 'database: ""', 'pidfile: ""', 'xfrdfile: ""', f'xfrdir: "{self.folder}"',
                 f'zonelistfile: "{self.folder}/zone.list"', "server-count: 1", "rrl-ratelimit: 0",
                 "remote-control:", "control-enable: no"]
        for name, file in zones.items():
            lines += ["zone:", f'name: "{name}"', f'zonefile: "{file}"']
        config = self.province.file("zone/nsd.conf", "\n".join(lines) + "\n")
        if self.province.dns in self.province.processes:
            self.province.stop_dns()
        # With -d it stays in the foreground and ends its children with itself.
        self.province.dns = self.province.run("nsd", "nsd", "-d", "-c", config, ports=[(NAME_SERVER, 53)])
