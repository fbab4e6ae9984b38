"""A certificate authority made with the openssl command, and the clients' certificates that it signs.

SPDX-License-Identifier: Apache-2.0
"""
import datetime
import os
import subprocess

# One file for all that openssl would take from the system's.
CONFIG = """[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
"""

SHORT = """[ca]
default_ca = authority
[authority]
database = index.txt
new_certs_dir = .
rand_serial = yes
unique_subject = no
default_md = sha256
policy = names
[names]
commonName = supplied
"""


def sign_for_seconds(folder, seconds, signer, key, request, extensions, out):
    """Signs a request; the certificate is valid for so many seconds from now on."""
    for name, text in (("short.cnf", SHORT), ("index.txt", "")):
        with open(os.path.join(folder, name), "w", encoding="ascii") as file:
            file.write(text)
    now = datetime.datetime.now(datetime.timezone.utc)
    begin, end = ((now + datetime.timedelta(seconds=s)).strftime("%Y%m%d%H%M%SZ") for s in (-60, seconds))
    words = ["openssl", "ca", "-config", "short.cnf", "-batch", "-notext", "-in", request, "-cert", signer, "-keyfile", key,
             "-startdate", begin, "-enddate", end, "-extfile", extensions, "-out", out]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60, cwd=folder)
    assert done.returncode == 0, f"{words}: {done.stderr}"


class Authority:
    """Its files stand in `folder`; all clients have the same key."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.certificate, self.key = self.file(name + ".pem"), self.file(name + ".key")
        self.client_key = self.file("client.key")
        with open(self.file("openssl.cnf"), "w", encoding="ascii") as file:
            file.write(CONFIG)
        for key in (self.key, self.client_key):
            if not os.path.exists(key):
                self.run("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
        self.run("req", "-x509", "-config", self.file("openssl.cnf"), "-extensions", "authority", "-key", self.key,
                 "-subj", f"/CN={name}", "-days", "30", "-out", self.certificate)

    def file(self, name):
        return os.path.join(self.folder, name)

    def run(self, *words):
        done = subprocess.run(["openssl", *words], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, f"openssl {words}: {done.stderr}"

    def sign(self, name, alternative_names="", subject="/CN=A client", days=30, usage="clientAuth"):
        """A certificate of the client's key, with these alternative names (x509v3_config(5)): its file."""
        return self.make(name, alternative_names, subject, days, usage,
                         ("-CA", self.certificate, "-CAkey", self.key, "-set_serial", "1"))

    def sign_for(self, seconds, name, alternative_names):
        """The same, valid for so many seconds."""
        self.sign(name, alternative_names)
        request, extensions, out = (self.file(name + end) for end in (".csr", ".ext", ".pem"))
        sign_for_seconds(self.folder, seconds, self.certificate, self.key, request, extensions, out)
        return out

    def sign_itself(self, name, alternative_names):
        return self.make(name, alternative_names, "/CN=A client", 30, "clientAuth", ("-key", self.client_key))

    def make(self, name, alternative_names, subject, days, usage, signer):
        request, extensions, out = (self.file(name + end) for end in (".csr", ".ext", ".pem"))
        self.run("req", "-new", "-config", self.file("openssl.cnf"), "-key", self.client_key, "-subj", subject,
                 "-out", request)
        with open(extensions, "w", encoding="utf-8") as file:
            file.write(f"basicConstraints = CA:FALSE\nextendedKeyUsage = {usage}\n")
            if alternative_names:
                file.write(f"subjectAltName = {alternative_names}\n")
        self.run("x509", "-req", "-in", request, "-extfile", extensions, "-days", str(days), *signer, "-out", out)
        return out
