"""Drives the real program as an administrator does: set-up, first start, users, sessions, settings, backup, ends.

    operations_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import json
import logging
import os
import pathlib
import re
import signal
import sqlite3
import ssl
import stat
import sys
import threading
import time
import unittest

import slixmpp

from program import Jackdaw, PATIENCE, free_port

PROGRAM = ""


def text_of(file):
    return pathlib.Path(file).read_text(encoding="utf-8")


class Client(slixmpp.ClientXMPP):
    """A login that notes how it went."""

    def __init__(self, jid, password):
        # One mechanism, so that a wrong password is one failure. COMPAT(slixmpp, 1.8): it knows only tls-unique, which
        # TLS 1.3 does not have (RFC 9266).
        super().__init__(jid, password, sasl_mech="SCRAM-SHA-256-PLUS")
        self.ssl_context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.ready, self.failed, self.gone = (threading.Event() for _ in range(3))
        self.why = None
        self.ssl_context.check_hostname = False
        self.ssl_context.verify_mode = ssl.CERT_NONE
        self.add_event_handler("session_start", lambda _: self.ready.set())
        self.add_event_handler("failed_all_auth", lambda _: self.fail())
        self.add_event_handler("stream_error", lambda error: setattr(self, "why", error["condition"]))
        self.add_event_handler("disconnected", lambda _: self.gone.set())

    def fail(self):
        self.failed.set()
        self.abort()


class Login:
    """A client in a thread of its own: `with Login(...) as client`."""

    def __init__(self, jid, password, port):
        self.words = jid, password, port
        self.client, self.loop, self.made = None, None, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        jid, password, port = self.words
        self.client = Client(jid, password)
        self.client.loop = self.loop
        self.client.connect(("127.0.0.1", port), force_starttls=True)
        self.made.set()
        self.loop.run_forever()
        left = asyncio.all_tasks(self.loop)
        for task in left:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self.loop.close()

    def __enter__(self):
        self.thread.start()
        assert self.made.wait(PATIENCE)
        return self.client

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.client.abort)
        self.loop.call_soon_threadsafe(self.loop.call_later, 0.2, self.loop.stop)
        self.thread.join(PATIENCE)


def can_log_in(jid, password, port):
    with Login(jid, password, port) as client:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if client.ready.wait(0.05):
                return True
            if client.failed.is_set() or client.gone.is_set():
                return False
    raise AssertionError(f"{jid}: the log-in came to no end")


class Program(unittest.TestCase):
    def setUp(self):
        self.jackdaw = Jackdaw(PROGRAM)
        self.addCleanup(self.jackdaw.close)

    def file(self, name):
        return os.path.join(self.jackdaw.place.name, name)


class FirstStart(Program):
    def test_serves_on_defaults_and_keeps_what_it_made(self):
        jackdaw = self.jackdaw
        port = jackdaw.start()
        administrator = jackdaw.said(r"Administrator: (\S+)")[1]
        password = jackdaw.said(r"Password: +(\S+)")[1]
        self.assertEqual(administrator, "admin@localhost")
        self.assertTrue(can_log_in(administrator, password, port))

        self.assertEqual(stat.S_IMODE(os.stat(jackdaw.data).st_mode), 0o700)
        self.assertEqual(stat.S_IMODE(os.stat(jackdaw.data + "/certs/localhost.key").st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(jackdaw.data + "/jackdaw.sock").st_mode), 0o600)
        certificate = text_of(jackdaw.data + "/certs/localhost.pem")

        self.assertIn("another server uses", jackdaw.refused("serve"))
        self.assertEqual(jackdaw.end(), 0)
        self.assertFalse(os.path.exists(jackdaw.data + "/jackdaw.sock"))

        port = jackdaw.start()
        self.assertNotIn("Password", "".join(jackdaw.lines))
        self.assertTrue(can_log_in(administrator, password, port))
        self.assertEqual(text_of(jackdaw.data + "/certs/localhost.pem"), certificate)
        self.assertEqual(jackdaw.end(signal.SIGINT), 0)

    def test_the_commands_it_names_work(self):
        jackdaw = self.jackdaw
        jackdaw.start()
        add = jackdaw.said(r"To add a user: +(.*)")[1].split()[1:-2]
        jackdaw.do(*[word.replace("NAME", "romeo") for word in add], "--password-stdin", password="secret")
        self.assertEqual([user["jid"] for user in jackdaw.read("user", "list")], ["admin@localhost", "romeo@localhost"])
        opened = jackdaw.said(r"To open it to the world: .*--set '(listen\.client=\*:)5222'")[1]
        jackdaw.end()
        jackdaw.start("--set", "listen.server=127.0.0.1:0", "--set", f"{opened}{free_port()}")
        self.assertTrue(any("Listening on 0.0.0.0:" in line or "Listening on [::]:" in line for line in jackdaw.lines))
        jackdaw.end()
        self.assertIn("listen.client", jackdaw.refused("serve", "--set", opened + "x"))

    def test_the_first_domain_that_is_added_takes_nobodys_away(self):
        jackdaw = self.jackdaw
        port = jackdaw.start()
        password = jackdaw.said(r"Password: +(\S+)")[1]
        self.assertIn("localhost: still served, as it has accounts or settings", jackdaw.do("domain", "add", "example.org"))
        self.assertEqual([row["domain"] for row in jackdaw.read("domain", "list")], ["example.org", "localhost"])
        self.assertTrue(can_log_in("admin@localhost", password, port))
        jackdaw.end()
        jackdaw.start()
        jackdaw.do("user", "delete", "admin@localhost")
        jackdaw.do("domain", "delete", "localhost")
        self.assertEqual([row["domain"] for row in jackdaw.read("domain", "list")], ["example.org"])

    def test_a_wrong_setting_is_one_line(self):
        jackdaw = self.jackdaw
        os.mkdir(jackdaw.data, 0o700)
        with open(jackdaw.data + "/jackdaw.toml", "w") as file:
            file.write("domains = ['example.org']\n\n[c2s]\nmax_resources = 0\n")
        said = jackdaw.refused("serve")
        for part in ("jackdaw.toml", "4", "c2s.max_resources", "1 to 1000"):
            self.assertIn(part, said)
        self.assertIn("c2s.max_resource", jackdaw.refused("serve", "--set", "c2s.max_resource=1"))
        self.assertFalse(os.path.exists(jackdaw.data + "/jackdaw.sock"))


class Setup(Program):
    def test_setup_serves_and_may_run_again(self):
        jackdaw = self.jackdaw
        silent = (0, "", "")
        self.assertEqual(jackdaw.say("setup", "--domain", "example.org,b.example", "--password-stdin", password="one"), silent)
        text = text_of(jackdaw.data + "/jackdaw.toml")
        self.assertIn('domains = ["example.org", "b.example"]', text)
        self.assertIn("#max_resources = 20", text)
        port = jackdaw.start()
        self.assertNotIn("Password", "".join(jackdaw.lines))
        self.assertTrue(can_log_in("admin@example.org", "one", port))

        self.assertEqual(jackdaw.do("setup", "--password-stdin", password="two"), "")
        self.assertEqual(text_of(jackdaw.data + "/jackdaw.toml"), text)
        self.assertTrue(can_log_in("admin@example.org", "two", port))
        self.assertFalse(can_log_in("admin@example.org", "one", port))

        self.assertEqual(jackdaw.do("setup", "--domain", "example.org,c.example"), "")
        self.assertEqual([d["domain"] for d in jackdaw.read("domain", "list")], ["c.example", "example.org"])
        self.assertTrue(can_log_in("admin@example.org", "two", port))
        self.assertEqual(jackdaw.end(), 0)

    def test_setup_changes_nothing_that_no_server_could_start_with(self):
        jackdaw = self.jackdaw
        jackdaw.start()
        jackdaw.do("setting", "set", "message.refuse_strangers", "true", "--domain", "localhost")
        for serves in (True, False):
            self.assertIn("localhost", jackdaw.refused("setup", "--domain", "new.lan", "--password-stdin", password="x"))
            self.assertFalse(os.path.exists(jackdaw.data + "/jackdaw.toml"))
            if serves:
                jackdaw.end()
        jackdaw.do("setting", "reset", "message.refuse_strangers", "--domain", "localhost")
        code, out, err = jackdaw.say("setup", "--domain", "new.lan", "--password-stdin", password="x")
        self.assertEqual((code, out), (0, ""))
        self.assertIn("localhost: is served no longer", err)
        port = jackdaw.start()
        self.assertTrue(can_log_in("admin@new.lan", "x", port))

    def test_setup_finds_the_domains_that_were_added(self):
        jackdaw = self.jackdaw
        jackdaw.start()
        jackdaw.do("domain", "add", "example.org")
        jackdaw.do("user", "delete", "admin@localhost")
        jackdaw.do("domain", "delete", "localhost")
        jackdaw.do("setup", "--password-stdin", password="x")
        self.assertEqual([row["domain"] for row in jackdaw.read("domain", "list")], ["example.org"])
        self.assertEqual(jackdaw.read("user", "rights"), [{"jid": "admin@example.org", "rights": "all"}])

    def test_what_is_set_without_a_server_is_checked_as_with_one(self):
        jackdaw = self.jackdaw
        jackdaw.do("setup", "--domain", "example.org", "--password-stdin", password="one")
        self.assertIn("NAME=SECRET", jackdaw.refused("setting", "set", "component.secrets", "hush"))
        jackdaw.do("setting", "set", "message.refuse_strangers", "true", "--domain", "example.org")
        for name, value, why in (("dns.servers", "foo", "foo"), ("dns.trust_anchor", "/nowhere", "/nowhere"),
                                 ("listen.client", "127.0.0.1:99999", "99999"), ("listen.client", "*:0", "port 0"),
                                 ("tls.certificate", "/nowhere.pem", "/nowhere.pem"),
                                 ("s2s.trusted_certificates", "/nowhere", "/nowhere"),
                                 ("s2s.routes", "a.lan=b.lan, A.lan=c.lan", "a.lan is there twice"),
                                 ("listen.channels_reserved", "5", "listen.client_addresses")):
            self.assertIn(why, jackdaw.refused("setting", "set", name, value))
        jackdaw.do("domain", "add", "x.lan")
        self.assertEqual([row["domain"] for row in jackdaw.read("domain", "list")], ["example.org", "x.lan"])
        jackdaw.start()

    def test_what_keeps_a_server_from_starting_can_be_mended_by_command(self):
        """A file that a setting names has gone meanwhile."""
        jackdaw = self.jackdaw
        jackdaw.do("setup", "--domain", "example.org", "--password-stdin", password="one")
        anchor = pathlib.Path(jackdaw.place.name, "root.key")
        anchor.write_text(". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n")
        jackdaw.do("setting", "set", "dns.trust_anchor", str(anchor))
        anchor.unlink()
        self.assertIn("root.key", jackdaw.refused("serve"))
        self.assertEqual([row["jid"] for row in jackdaw.read("user", "list")], ["admin@example.org"])
        jackdaw.do("setting", "set", "c2s.max_resources", "3")  # a first step, though it does not help yet
        jackdaw.do("setting", "reset", "dns.trust_anchor")
        jackdaw.start()

    def test_setup_asks_nobody_without_a_terminal(self):
        self.assertEqual(self.jackdaw.say("setup")[0], 2)
        self.assertIn("domain", self.jackdaw.refused("setup", "--domain", "a b", "--password-stdin", password="x"))
        self.assertFalse(os.path.exists(self.jackdaw.data + "/jackdaw.toml"))


class Users(Program):
    def test_users_without_a_server_and_with_one(self):
        jackdaw = self.jackdaw
        self.assertIn("no data directory", jackdaw.refused("user", "list"))
        jackdaw.do("setup", "--domain", "example.org", "--password-stdin", password="one")
        jackdaw.do("user", "add", "romeo@example.org", "--password-stdin", password="secret")
        self.assertIn("no server runs", jackdaw.refused("session", "list"))
        port = jackdaw.start()
        self.assertTrue(can_log_in("romeo@example.org", "secret", port))
        jackdaw.do("user", "add", "juliet@example.org", "--admin", "--password-stdin", password="secret")
        self.assertEqual(jackdaw.read("user", "show", "juliet@example.org")["rights"], "all")
        for wrong in ("romeo@example.org", "romeo@elsewhere.example", "example.org", "@", "r\u043emeo@example.org"):
            jackdaw.refused("user", "add", wrong, "--password-stdin", password="x")
        jackdaw.refused("user", "add", "new@example.org", "--password-stdin", password="")

        jackdaw.do("user", "passwd", "romeo@example.org", "--password-stdin", password="other")
        self.assertFalse(can_log_in("romeo@example.org", "secret", port))
        self.assertTrue(can_log_in("romeo@example.org", "other", port))
        jackdaw.do("user", "lock", "romeo@example.org")
        self.assertFalse(can_log_in("romeo@example.org", "other", port))
        jackdaw.do("user", "unlock", "romeo@example.org")
        self.assertTrue(can_log_in("romeo@example.org", "other", port))
        page = jackdaw.do("user", "list", "--limit", "2")
        self.assertIn("--after juliet@example.org", page)
        rest = jackdaw.read("user", "list", "--after", "juliet@example.org")
        self.assertEqual([user["jid"] for user in rest], ["romeo@example.org"])

        jackdaw.do("user", "delete", "romeo@example.org")
        self.assertFalse(can_log_in("romeo@example.org", "other", port))
        for words in (("show",), ("lock",), ("delete",)):
            jackdaw.refused("user", *words, "romeo@example.org")
        self.assertIn("--reuse", jackdaw.refused("user", "add", "romeo@example.org", "--password-stdin", password="x"))
        jackdaw.do("user", "add", "romeo@example.org", "--reuse", "--password-stdin", password="x")

    def test_a_password_is_never_a_word(self):
        self.assertEqual(self.jackdaw.say("user", "add", "romeo@example.org", "secret")[0], 2)
        self.assertEqual(self.jackdaw.say("user", "add", "romeo@example.org")[0], 2)


class Running(Program):
    """One server with one user for several looks at it."""

    def setUp(self):
        super().setUp()
        self.jackdaw.do("setup", "--domain", "example.org", "--password-stdin", password="one")
        self.port = self.jackdaw.start()

    def test_sessions_are_shown_and_ended(self):
        jackdaw = self.jackdaw
        self.assertEqual(jackdaw.read("session", "list"), [])
        with Login("admin@example.org/desk", "one", self.port) as client:
            self.assertTrue(client.ready.wait(PATIENCE))
            (session,) = jackdaw.read("session", "list")
            self.assertEqual((session["jid"], session["address"], session["transport"]),
                             ("admin@example.org/desk", "127.0.0.1", "tls"))
            self.assertEqual(jackdaw.read("session", "show", "admin@example.org/desk")["jid"], session["jid"])
            self.assertEqual(jackdaw.read("session", "list", "--account", "romeo@example.org"), [])
            self.assertEqual(jackdaw.read("session", "list", "--domain", "example.org"), [session])
            self.assertIn("not served", jackdaw.refused("session", "list", "--domain", "elsewhere.lan"))
            self.assertEqual(jackdaw.read("user", "show", "admin@example.org")["sessions"], 1)
            self.assertEqual(jackdaw.read("status")["sessions"], 1)
            jackdaw.do("session", "kill", "admin@example.org/desk")
            self.assertTrue(client.gone.wait(PATIENCE))
            self.assertEqual(client.why, "policy-violation")
        for words in ("kill", "show"):
            jackdaw.refused("session", words, "admin@example.org/desk")

    def test_settings_at_run_time(self):
        jackdaw = self.jackdaw
        value = lambda *more: jackdaw.read("setting", "get", "c2s.max_resources", *more)
        self.assertEqual((value()["value"], value()["from"]), ("20", "default"))
        jackdaw.do("setting", "set", "c2s.max_resources", "7")
        jackdaw.do("setting", "set", "c2s.max_resources", "3", "--domain", "example.org")
        self.assertEqual((value()["value"], value()["from"]), ("7", "command"))
        self.assertEqual(value("--domain", "example.org")["value"], "3")
        self.assertIn("1 to 1000", jackdaw.refused("setting", "set", "c2s.max_resources", "0"))
        self.assertIn("c2s.max_resources", jackdaw.refused("setting", "set", "c2s.max_resource", "1"))
        self.assertIn("command line", jackdaw.refused("setting", "set", "listen.client", "*:1"))
        self.assertIn("not served", jackdaw.refused("setting", "get", "c2s.max_resources", "--domain", "b.example"))

        jackdaw.end()
        self.port = jackdaw.start()
        self.assertEqual(value()["value"], "7")
        jackdaw.do("setting", "reset", "c2s.max_resources")
        self.assertEqual(value()["value"], "20")
        jackdaw.refused("setting", "reset", "c2s.max_resources")
        names = [row["name"] for row in jackdaw.read("setting", "list")]
        self.assertIn("c2s.max_resources", names)
        self.assertEqual(names, [row["name"] for row in jackdaw.read("settings")])

    def test_a_limit_is_in_force_at_once(self):
        self.jackdaw.do("setting", "set", "c2s.max_resources", "1")
        with Login("admin@example.org/one", "one", self.port) as first:
            self.assertTrue(first.ready.wait(PATIENCE))
            with Login("admin@example.org/two", "one", self.port) as second:
                self.assertFalse(second.ready.wait(1))

    def test_reload(self):
        jackdaw, file = self.jackdaw, self.jackdaw.data + "/jackdaw.toml"
        value = lambda: jackdaw.read("setting", "get", "c2s.max_resources")
        good = text_of(file)
        with open(file, "w") as out:
            out.write(good.replace("#max_resources = 20", "max_resources = 5"))
        jackdaw.do("reload")
        self.assertEqual((value()["value"], value()["from"]), ("5", "settings file"))
        self.assertIn("pinned", jackdaw.refused("setting", "set", "c2s.max_resources", "6"))
        with open(file, "w") as out:
            out.write(good.replace("#max_resources = 20", "max_resources = 'many'"))
        self.assertIn("c2s.max_resources", jackdaw.refused("reload"))
        self.assertEqual(value()["value"], "5")
        os.rename(file, file + ".away")
        self.assertIn("is not there any more", jackdaw.refused("reload"))
        self.assertEqual([row["domain"] for row in jackdaw.read("domain", "list")], ["example.org"])
        os.rename(file + ".away", file)
        jackdaw.hang_up()
        self.wait_for(lambda: any("c2s.max_resources" in line for line in jackdaw.lines))
        with open(file, "w") as out:
            out.write(good)
        jackdaw.hang_up()
        self.wait_for(lambda: value()["value"] == "20")

    def test_domains_at_run_time(self):
        jackdaw = self.jackdaw
        jackdaw.do("domain", "add", "Chat.Example")
        self.assertEqual(jackdaw.read("domain", "list"), [{"domain": "chat.example", "from": "command"},
                                                          {"domain": "example.org", "from": "settings"}])
        jackdaw.do("user", "add", "romeo@chat.example", "--password-stdin", password="x")
        self.assertTrue(can_log_in("romeo@chat.example", "x", self.port))
        jackdaw.do("setting", "set", "c2s.max_resources", "3", "--domain", "chat.example")
        jackdaw.refused("domain", "add", "chat.example")
        self.assertIn("accounts", jackdaw.refused("domain", "delete", "chat.example"))
        self.assertIn("settings file", jackdaw.refused("domain", "delete", "example.org"))
        jackdaw.refused("domain", "delete", "none.example")
        jackdaw.refused("domain", "add", "a b")
        jackdaw.do("user", "delete", "romeo@chat.example")
        jackdaw.do("domain", "delete", "chat.example")
        self.assertEqual([row["domain"] for row in jackdaw.read("domain", "list")], ["example.org"])
        jackdaw.end()
        jackdaw.start()

    def test_backup_and_restore(self):
        jackdaw, copy = self.jackdaw, self.file("copy.db")
        jackdaw.do("backup", "copy.db")  # relative to where the administrator stands
        self.assertIn("copy.db", jackdaw.refused("backup", copy))
        jackdaw.do("user", "add", "romeo@example.org", "--password-stdin", password="x")
        self.assertIn("a server uses", jackdaw.refused("restore", copy))
        jackdaw.end()
        bad = self.file("bad.db")
        with open(bad, "wb") as out:
            out.write(b"no backup" * 1000)
        jackdaw.refused("restore", bad)
        self.assertEqual(len(jackdaw.read("user", "list")), 2)
        jackdaw.do("restore", copy)
        self.assertEqual([user["jid"] for user in jackdaw.read("user", "list")], ["admin@example.org"])
        self.port = jackdaw.start()
        self.assertTrue(can_log_in("admin@example.org", "one", self.port))
        with sqlite3.connect(copy) as database:
            self.assertEqual(database.execute("pragma integrity_check").fetchone(), ("ok",))

    def test_metrics(self):
        before = self.metric("jackdaw_logins_total")
        self.assertTrue(can_log_in("admin@example.org", "one", self.port))
        self.assertEqual(self.metric("jackdaw_logins_total"), before + 1)

    def metric(self, name):
        text = self.jackdaw.do("metrics")
        self.assertTrue(text.endswith("\n# EOF\n"))
        kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
        for line in text.splitlines():
            if not line.startswith("#"):
                sample = re.fullmatch(r'([a-z0-9_]+)(\{[a-z_]+="[^"]*"\})? -?[0-9.e+]+', line)
                self.assertTrue(sample, line)
                family = sample[1].removesuffix("_total")
                self.assertEqual(kinds.get(family), "counter" if sample[1].endswith("_total") else "gauge", line)
        return int(re.search(rf"^{name} (\d+)$", text, re.M)[1])

    def test_handlers_and_status(self):
        handlers = self.jackdaw.read("handlers")
        self.assertIn("ping", {row["module"] for row in handlers})
        status = self.jackdaw.read("status")
        self.assertGreater(status["memory_bytes"], 1_000_000)
        self.assertEqual(status["domains"], 1)

    def wait_for(self, holds):
        until = time.monotonic() + PATIENCE
        while not holds():
            self.assertLess(time.monotonic(), until, "it did not happen: " + "".join(self.jackdaw.lines))
            time.sleep(0.05)


class Documents(Program):
    def test_every_operation_has_help_and_stands_in_the_documents(self):
        manual, page = self.jackdaw.do("man"), self.jackdaw.do("operations", "--markdown")
        for row in self.jackdaw.read("operations"):
            words = re.match(r"[a-z ]+[a-z]", row["operation"])[0]
            self.assertIn(f"\n## {words}\n", page)
            self.assertIn(f"\n.B {words}", manual)
            self.assertEqual(self.jackdaw.say(*words.split(), "--help")[0], 0)
        json.dumps(self.jackdaw.read("modules"))
        self.assertTrue(self.jackdaw.do("doap").startswith("<?xml"))

    def test_wrong_usage(self):
        for words in ((), ("fly",), ("user",), ("user", "add"), ("status", "now")):
            self.assertEqual(self.jackdaw.say(*words)[0], 2, words)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    logging.disable()  # what a client thinks of being refused
    unittest.main(verbosity=1)
