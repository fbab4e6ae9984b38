"""GSSAPI (RFC 4752): who has a ticket of the KDC logs in without a password. MIT Kerberos' KDC, slixmpp with pykerberos.

    kerberos_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import base64
import errno
import os
import pathlib
import socket
import subprocess
import sys
import textwrap
import time
import unittest

import kerberos

from people import PATIENCE, Person, Stage
from program import free_port

Stage.PROGRAM = sys.argv.pop(1)
PASSWORD = "kerb3r0s"
REALM = "LOCALHOST"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
TOO_LARGE, NOT_PROVEN = ("error", "policy-violation"), ("failure", "not-authorized")


def said(kind, size, mechanism=None):
    """A message of SASL with so many bytes that prove nothing."""
    attribute = f" mechanism='{mechanism}'" if mechanism else ""
    return f"<{kind} xmlns='{SASL}'{attribute}>{base64.b64encode(bytes(size)).decode()}</{kind}>"


class Realm:
    """A KDC of our own in `folder`, and the environment in which its principals are known."""

    def __init__(self, folder):
        self.folder, self.port = pathlib.Path(folder), free_port()
        self.environment = {**os.environ, "KRB5_CONFIG": self.file("krb5.conf"), "KRB5_KDC_PROFILE": self.file("kdc.conf"),
                            "KRB5RCACHEDIR": str(self.folder), "KRB5RCACHETYPE": "dfl"}
        self.write("krb5.conf", f"""\
            [libdefaults]
              default_realm = {REALM}
              dns_lookup_kdc = false
              dns_canonicalize_hostname = false
              rdns = false
            [realms]
              {REALM} = {{
                kdc = 127.0.0.1:{self.port}
              }}
            """)
        self.write("kdc.conf", f"""\
            [realms]
              {REALM} = {{
                database_name = {self.folder}/principal
                key_stash_file = {self.folder}/stash
                kdc_listen = 127.0.0.1:{self.port}
                kdc_tcp_listen = 127.0.0.1:{self.port}
              }}
            """)
        self.do("kdb5_util", "create", "-s", "-r", REALM, "-P", "master")
        for name in ("romeo", "juliet", "romeo/admin", "nobody"):
            self.ask(f"addprinc -pw {PASSWORD} {name}")
        self.ask("addprinc -randkey xmpp/localhost")
        self.ask(f"ktadd -k {self.keytab} xmpp/localhost")
        self.process = subprocess.Popen(["krb5kdc", "-n", "-P", self.file("pid")], env=self.environment,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + PATIENCE
        while not self.answers():
            assert time.monotonic() < until, "the KDC does not listen"
            time.sleep(0.05)

    @property
    def keytab(self):
        return self.file("keytab")

    def file(self, name):
        return str(self.folder / name)

    def write(self, name, text):
        pathlib.Path(self.file(name)).write_text(textwrap.dedent(text), encoding="ascii")

    def do(self, *words, said=""):
        done = subprocess.run(words, env=self.environment, input=said, text=True, capture_output=True, check=False,
                              timeout=PATIENCE)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"

    def ask(self, query):
        self.do("kadmin.local", "-r", REALM, "-q", query)

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def get_ticket(self, name):
        """`name` types the password; the ticket is what this process shows from now on."""
        os.environ.update({"KRB5_CONFIG": self.file("krb5.conf"), "KRB5CCNAME": self.file("cache-" + name.replace("/", "-"))})
        self.environment.update(KRB5CCNAME=os.environ["KRB5CCNAME"])
        self.do("kinit", name, said=PASSWORD + "\n")

    def close(self):
        self.process.terminate()
        self.process.wait(PATIENCE)


class Kerberos(Stage):
    SETTINGS = ("auth.methods=GSSAPI,SCRAM-SHA-256",)

    def setUp(self):
        super().setUp()
        self.realm = Realm(self.jackdaw.place.name)
        self.addCleanup(self.realm.close)
        self.jackdaw.end()
        os.environ.update({name: self.realm.environment[name] for name in ("KRB5_CONFIG", "KRB5RCACHEDIR", "KRB5RCACHETYPE")})
        self.serve(self.realm.keytab)

    def serve(self, keytab, *settings):
        words = [word for setting in (*self.SETTINGS, *settings) for word in ("--set", setting)]
        self.port = self.jackdaw.start("--set", f"auth.gssapi_keytab={keytab}", *words)

    async def show_ticket(self, name, jid):
        """Whoever has that principal's ticket knocks as `jid`: the person, and whether it was let in."""
        self.realm.get_ticket(name)
        person = Person(jid, "no password")
        person.credentials["service-name"] = "localhost"
        person["feature_mechanisms"].use_mech = "GSSAPI"
        self.here.append(person)
        person.connect(("127.0.0.1", self.port), force_starttls=True)
        waits = [asyncio.ensure_future(event.wait()) for event in (person.started, person.failed, person.gone)]
        await asyncio.wait(waits, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        return person, person.started.is_set()

    async def refuses(self, name, jid):
        self.assertFalse((await self.show_ticket(name, jid))[1])

    async def test_a_ticket_logs_in(self):
        romeo, is_in = await self.show_ticket("romeo", "romeo@localhost")
        self.assertTrue(is_in)
        self.assertEqual(romeo.boundjid.bare, "romeo@localhost")
        romeo.send_presence()
        await romeo.expect_presence(romeo.boundjid.full)
        romeo.send_message("romeo@localhost", "My own true love")
        await romeo.expect_message("My own true love")

    def token(self):
        """The first message of who shows romeo's ticket."""
        self.realm.get_ticket("romeo")
        _, context = kerberos.authGSSClientInit("xmpp@localhost")
        kerberos.authGSSClientStep(context, "")
        return f"<auth xmlns='{SASL}' mechanism='GSSAPI'>{kerberos.authGSSClientResponse(context)}</auth>"

    async def test_where_it_is_off_it_is_neither_offered_nor_accepted(self):
        """As by default."""
        self.SETTINGS = ()  # they change while the server runs
        self.jackdaw.end()
        self.serve(self.realm.keytab)
        for methods in (None, "PLAIN,SCRAM-SHA-256", "GSSAPI,SCRAM-SHA-256"):
            if methods:
                self.jackdaw.do("setting", "set", "auth.methods", methods)
            is_on = "GSSAPI" in (methods or "")
            features = str((await self.at_the_door())[1])
            self.assertIn("<mechanism>SCRAM-SHA-256</mechanism>", features)
            self.assertEqual("<mechanism>GSSAPI</mechanism>" in features, is_on, methods)
            answer = await self.answer_to(self.token())
            self.assertEqual(answer[0] if is_on else answer, "challenge" if is_on else ("failure", "invalid-mechanism"))

    async def test_it_waits_for_its_keys_alone(self):
        """Its thread is its own: whom a slow disk keeps waiting are those with tickets."""
        self.jackdaw.end()
        keytab = self.realm.file("slow")
        os.mkfifo(keytab)
        self.serve(keytab, "server.cores=1")
        waits = asyncio.ensure_future(self.show_ticket("romeo", "romeo@localhost"))
        until = time.monotonic() + PATIENCE
        while True:
            try:
                held = os.open(keytab, os.O_WRONLY | os.O_NONBLOCK)
                break
            except OSError as nobody_reads:
                self.assertEqual(nobody_reads.errno, errno.ENXIO)
                self.assertLess(time.monotonic(), until, "the server does not read its keys")
                await asyncio.sleep(0.05)
        with open(held, "wb"):  # the server reads until this is closed
            juliet = await self.enter("juliet@localhost")
            await juliet.settle()
            self.assertFalse(waits.done())
            os.rename(self.realm.keytab, keytab)
        self.assertFalse((await waits)[1])  # in what it read there was no key
        self.assertTrue((await self.show_ticket("romeo", "romeo@localhost"))[1])

    async def test_a_ticket_is_good_for_its_principal_alone(self):
        await self.refuses("romeo", "juliet@localhost")

    async def test_a_principal_without_an_account_is_refused(self):
        await self.refuses("nobody", "nobody@localhost")

    async def test_another_role_of_a_person_is_somebody_else(self):
        await self.refuses("romeo/admin", "romeo@localhost")

    async def test_a_locked_account_is_refused(self):
        self.jackdaw.do("user", "lock", "romeo@localhost")
        await self.refuses("romeo", "romeo@localhost")

    async def test_another_realm_is_refused(self):
        self.jackdaw.do("setting", "set", "auth.gssapi_realm", "ELSEWHERE", "--domain", "localhost")
        await self.refuses("romeo", "romeo@localhost")

    async def test_without_a_keytab_nobody_is_let_in_and_the_log_says_why(self):
        self.jackdaw.end()
        self.serve(self.realm.file("nothing"))
        await self.refuses("romeo", "romeo@localhost")
        self.jackdaw.said("nobody can log in with Kerberos")

    async def test_what_is_no_ticket_is_refused(self):
        for token in (b"", b"x", b"\x60\x82" + bytes(4000), bytes(40_000)):
            stranger, _ = await self.at_the_door()
            failed = asyncio.get_running_loop().create_future()
            stranger.add_filter("in", lambda s, f=failed: (f.done() or "failure" not in s.name or f.set_result(s), s)[1])
            text = base64.b64encode(token).decode() or "="
            stranger.send_raw(f"<auth xmlns='{SASL}' mechanism='GSSAPI'>" + text + "</auth>")
            self.assertIn("not-authorized", str(await asyncio.wait_for(failed, PATIENCE)))

    async def answer_to(self, *words):
        """Somebody at the door says these: how that ends, as a failure of SASL or an error of the stream, and why."""
        stranger, _ = await self.at_the_door()
        for name in ("Success", "Failure", "Challenge"):
            stranger.remove_handler(f"SASL {name}")  # slixmpp's own, which have not begun this
        answers = asyncio.Queue()
        stranger.add_filter("in", lambda stanza: (answers.put_nowait(stanza), stanza)[1])
        for each in words:
            stranger.send_raw(each)
            answer = await asyncio.wait_for(answers.get(), PATIENCE)
        stranger.abort()
        return answer.name, answer["condition"]

    async def test_large_tickets_are_read(self):
        """Up to 64 KiB a message, be it the first or a later one (MS-KILE: a ticket has all groups in it)."""
        for size, answer in ((12_000, NOT_PROVEN), (40_000, NOT_PROVEN), (66_000, TOO_LARGE)):
            self.assertEqual(await self.answer_to(said("auth", size, "GSSAPI")), answer, size)
            later = await self.answer_to(f"<auth xmlns='{SASL}' mechanism='GSSAPI'/>", said("response", size))
            self.assertEqual(later, answer, size)

    async def test_nothing_else_may_be_large(self):
        """Before a log-in, whether GSSAPI is a way in or not: 10,000 bytes a message."""
        first = base64.b64encode(b"n,,n=romeo,r=abcdefgh").decode()
        begun = f"<auth xmlns='{SASL}' mechanism='SCRAM-SHA-256'>{first}</auth>"
        sign_up = f"<iq type='set' id='1'><query xmlns='jabber:iq:register'>{'x' * 12_000}</query></iq>"
        self.SETTINGS = ()  # they change while the server runs
        self.jackdaw.end()
        self.serve(self.realm.keytab)
        for methods in ("PLAIN,SCRAM-SHA-256", "GSSAPI,PLAIN,SCRAM-SHA-256"):
            self.jackdaw.do("setting", "set", "auth.methods", methods)
            for words in ((said("auth", 12_000, "PLAIN"),), (said("auth", 40_000, "SCRAM-SHA-256"),),
                          (begun, said("response", 12_000)), (sign_up,)):
                with self.subTest(methods, words=words[-1][:80]):
                    self.assertEqual(await self.answer_to(*words), TOO_LARGE)
        # Nor what comes behind a ticket that is refused.
        self.assertEqual(await self.answer_to(said("auth", 40_000, "GSSAPI"), said("auth", 12_000, "PLAIN")), TOO_LARGE)


if __name__ == "__main__":
    unittest.main(verbosity=1)
