"""A certificate authority made with the openssl command, and the clients' certificates that it signs.

SPDX-License-Identifier: Apache-2.0
"""
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
