"""Which methods log in: those of the settings, old ones too, and no account at all; aliases; guesses from many addresses.

What slixmpp can log in with it does, behind TLS. Its xep_0078 awaits no answer, so jabber:iq:auth is spoken raw, in clear.

    login_methods_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import base64
import glob
import hashlib
import hmac
import os
import re
import signal
import socket
import sys
import unittest
import xml.etree.ElementTree as ET

import slixmpp

from people import PASSWORD, PATIENCE, Person, Stage
from raw_client import HEADER, Ended, RawClient

PROGRAM = sys.argv.pop(1)
WRONG = "wh3r3f0re"
DEFAULT = ["SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"]
OLD = ["LOGIN", "CRAM-MD5", "DIGEST-MD5"]
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
LEGACY = "{jabber:iq:auth}"
FEATURE = "<auth xmlns='http://jabber.org/features/iq-auth'/>"
MECHANISM = re.compile("<mechanism>([^<]*)</mechanism>")


class Door(RawClient):
    """A connection in clear that nobody has logged in on yet."""

    def __init__(self, port, domain="localhost", source="127.0.0.1", version=" version='1.0'"):
        self.bytes = b""
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE, (source, 0))
        self.send(HEADER.format(domain).replace(" version='1.0'>", version + ">"))
        self.number = re.search(" id='([^']+)'", self.until(rb"<stream:stream [^>]*>"))[1]
        self.features = self.until(b"</stream:features>") if version else ""

    def offered(self):
        return MECHANISM.findall(self.features)

    def ask(self, words, ends=rb"<(challenge|success|failure)\b[^>]*?(?:/>|>.*?</\1>)"):
        """Sends it: the answer, as an element."""
        self.send(words)
        while not (found := re.search(ends, self.bytes, re.S)):
            self.read()
        said, self.bytes = found[0], self.bytes[found.end():]
        return ET.fromstring(said)

    def sasl(self, kind, words, attributes=""):
        """One step: the challenge, or the name of what ended it (success, or the condition)."""
        text = base64.b64encode(words.encode()).decode()
        answer = self.ask(f"<{kind} xmlns='{SASL}'{attributes}>{text}</{kind}>")
        kind = answer.tag.split("}")[1]
        if kind == "challenge":
            return base64.b64decode(answer.text or "").decode()
        return answer[0].tag.split("}")[1] if kind == "failure" else kind

    def begin(self, method, words=""):
        return self.sasl("auth", words, f" mechanism='{method}'")

    def plain(self, name="romeo", password=PASSWORD):
        return self.begin("PLAIN", f"\0{name}\0{password}")

    def legacy(self, kind, fields, mark="legacy"):
        """jabber:iq:auth: the answer."""
        inner = "".join(f"<{name}>{text}</{name}>" for name, text in fields.items())
        return self.ask(f"<iq type='{kind}' id='{mark}'><query xmlns='jabber:iq:auth'>{inner}</query></iq>",
                        rb"<iq [^>]*id='" + mark.encode() + rb"'[^>]*?(?:/>|>.*?</iq>)")

    def fields(self):
        """Those that romeo may log in with."""
        answer = self.legacy("get", {"username": "romeo"})
        return {field.tag.removeprefix(LEGACY) for field in answer.find(LEGACY + "query")}

    def digest(self, password=PASSWORD):
        return hashlib.sha1((self.number + password).encode()).hexdigest()


class Logins(Stage):
    PROGRAM = PROGRAM
    SETTINGS = ("auth.require_tls=false", "auth.plain_without_tls=true")  # for those who speak in clear

    def set(self, name, value, *words):
        self.jackdaw.do("setting", "set", name, value, *words)

    def keep_passwords(self, *methods):
        """With these methods, and every account's password set since then."""
        self.set("auth.reversible_passwords", "true")
        self.set("auth.methods", ",".join(methods))
        for jid in self.ACCOUNTS:
            self.jackdaw.do("user", "passwd", jid, "--password-stdin", password=PASSWORD)

    def start_again(self, how=signal.SIGTERM):
        self.jackdaw.end(how)
        self.port = self.jackdaw.start(*(word for setting in self.SETTINGS for word in ("--set", setting)))

    def door(self, **how):
        made = Door(self.port, **how)
        self.addCleanup(made.close)
        return made

    def somebody(self, jid, method, password=PASSWORD):
        person = Person(jid, password)
        person["feature_mechanisms"].use_mech = method
        self.here.append(person)
        return person

    async def log_in(self, jid, method):
        person = self.somebody(jid, method)
        await person.come(self.port)
        self.assertEqual(person["feature_mechanisms"].mech.name, method)
        return person

    async def refusal(self, jid, method, password=WRONG):
        """The condition that slixmpp is refused with."""
        person, refused = self.somebody(jid, method, password), asyncio.get_running_loop().create_future()
        person.add_event_handler("failed_auth", lambda failure: refused.done() or refused.set_result(failure["condition"]))
        person.connect(("127.0.0.1", self.port), force_starttls=True)
        return await asyncio.wait_for(refused, PATIENCE)

    async def talk(self, one, other):
        """A message each way."""
        for speaker, listener in ((one, other), (other, one)):
            speaker.send_message(listener.boundjid.full, f"I am {speaker.boundjid.bare}")
            heard = await listener.expect_message(f"I am {speaker.boundjid.bare}")
            self.assertEqual(heard["from"], speaker.boundjid.full)

    @staticmethod
    async def error_of(person, sender):
        """The condition and the error of the next stanza of that kind from there."""
        stanza = await person.expect(lambda s: s.xml.get("type") == "error" and s["from"] == sender, f"an error of {sender}")
        return stanza["error"]["condition"], stanza


class Methods(Logins):
    ACCOUNTS = Logins.ACCOUNTS + ("juliet@capulet.example",)

    def test_the_usual_ones_are_offered(self):
        self.assertEqual(self.door().offered(), DEFAULT)
        for method in OLD + ["ANONYMOUS"]:
            self.assertEqual(self.door().begin(method), "invalid-mechanism", method)

    async def test_what_is_off_is_neither_offered_nor_accepted(self):
        self.set("auth.methods", "SCRAM-SHA-256")
        self.assertEqual(self.door().offered(), ["SCRAM-SHA-256"])
        self.assertEqual(self.door().plain(), "invalid-mechanism")
        first = "n,,n=romeo,r=abcdefgh"
        for method in ("SCRAM-SHA-1", "SCRAM-SHA-512", "SCRAM-SHA-1-PLUS"):
            self.assertEqual(self.door().begin(method, first), "invalid-mechanism", method)
        await self.log_in("romeo@localhost", "SCRAM-SHA-256")
        self.assertIn("KERBEROS", self.jackdaw.refused("setting", "set", "auth.methods", "PLAIN,KERBEROS"))

    async def test_plus_follows_its_method(self):
        _, features = await self.at_the_door()
        self.assertIn("SCRAM-SHA-1-PLUS", features["mechanisms"])
        await self.log_in("romeo@localhost", "SCRAM-SHA-1-PLUS")
        self.set("auth.methods", "SCRAM-SHA-256,PLAIN")
        _, features = await self.at_the_door()
        self.assertEqual(set(features["mechanisms"]), {"SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "PLAIN"})

    async def test_each_domain_has_its_own(self):
        self.set("auth.methods", "PLAIN", "--domain", "capulet.example")
        self.assertEqual(self.door(domain="capulet.example").offered(), ["PLAIN"])
        self.assertEqual(self.door().offered(), DEFAULT)
        juliet = await self.log_in("juliet@capulet.example", "PLAIN")
        await self.talk(juliet, await self.log_in("romeo@localhost", "SCRAM-SHA-512"))

    def test_what_is_hidden_is_accepted_but_not_offered(self):
        for methods in ("SCRAM-SHA-256", "SCRAM-SHA-256,PLAIN"):
            self.set("auth.methods", methods)
            self.set("auth.hidden", "PLAIN")
            self.assertEqual(self.door().offered(), ["SCRAM-SHA-256"])
            self.assertEqual(self.door().plain(), "success")
            self.assertEqual(self.door().plain(password=WRONG), "not-authorized")

    async def test_every_method_logs_in_with_the_right_password_alone(self):
        self.keep_passwords(*DEFAULT, *OLD)
        romeo = await self.enter("romeo@localhost")
        for method in ("SCRAM-SHA-512-PLUS", *DEFAULT, *OLD):
            with self.subTest(method):
                juliet = await self.log_in("juliet@localhost", method)
                await self.talk(juliet, romeo)
                await juliet.go()
                self.assertEqual(await self.refusal("juliet@localhost", method), "not-authorized")
                # so many failures in a row would close the door
                self.assertEqual(self.door().plain("juliet"), "success")

    async def test_nobody_else_logs_in_with_an_old_method(self):
        self.keep_passwords(*OLD)
        for method in OLD:
            self.assertEqual(await self.refusal("mercutio@localhost", method, PASSWORD), "not-authorized", method)


class KeptPasswords(Logins):
    def test_without_the_setting_the_methods_are_off(self):
        self.set("auth.methods", ",".join(["PLAIN", *OLD]))
        self.assertEqual(set(self.door().offered()), {"PLAIN", "LOGIN"})
        for method in ("CRAM-MD5", "DIGEST-MD5"):
            self.assertEqual(self.door().begin(method), "invalid-mechanism")

    def cram(self, password=PASSWORD, name="romeo"):
        door = self.door()
        door.send(f"<auth xmlns='{SASL}' mechanism='CRAM-MD5'/>")
        challenge = base64.b64decode(door.until(rb"<challenge[^>]*>[^<]*</challenge>").split(">")[1].split("<")[0])
        return door.sasl("response", f"{name} {hmac.new(password.encode(), challenge, 'md5').hexdigest()}")

    def login(self, name="romeo", password=PASSWORD):
        door = self.door()
        door.send(f"<auth xmlns='{SASL}' mechanism='LOGIN'/>")
        door.until(rb"<challenge[^>]*>[^<]*</challenge>")
        door.sasl("response", name)
        return door.sasl("response", password)

    def test_a_password_from_before_is_kept_at_the_next_login_that_shows_it(self):
        self.set("auth.methods", ",".join(DEFAULT + OLD))
        self.set("auth.reversible_passwords", "true")
        for name, show in (("romeo", self.door().plain), ("juliet", self.login)):
            self.assertEqual(self.cram(name=name), "not-authorized")
            self.assertEqual(show(name), "success")
            self.assertEqual(self.cram(name=name), "success")
        self.jackdaw.do("user", "passwd", "romeo@localhost", "--password-stdin", password="qu33nmab")
        self.assertEqual(self.cram(), "not-authorized")
        self.assertEqual(self.cram("qu33nmab"), "success")

    def test_they_survive_a_new_start(self):
        self.keep_passwords(*DEFAULT, *OLD)
        self.start_again(signal.SIGKILL)
        self.assertEqual(self.cram(), "success")
        self.assertEqual(self.cram(WRONG), "not-authorized")

    def nowhere(self, secret):
        """In no file of the data directory."""
        for file in glob.glob(os.path.join(self.jackdaw.data, "**"), recursive=True):
            if os.path.isfile(file):
                with open(file, "rb") as content:
                    self.assertNotIn(secret, content.read(), file)

    async def test_no_file_has_a_password_in_clear(self):
        self.keep_passwords(*DEFAULT, *OLD)
        self.set("auth.iq_auth", "true")
        for method in ("PLAIN", *OLD):
            await self.log_in("romeo@localhost", method)
        door = self.door()
        door.legacy("set", {"username": "romeo", "password": PASSWORD, "resource": "balcony"})
        key = os.path.join(self.jackdaw.data, "password.key")
        self.assertEqual(os.stat(key).st_mode & 0o777, 0o600)
        self.assertTrue(os.path.getsize(os.path.join(self.jackdaw.data, "jackdaw.db")))
        self.nowhere(PASSWORD.encode())
        self.jackdaw.end()
        self.nowhere(PASSWORD.encode())


class Legacy(Logins):
    """Non-SASL authentication (XEP-0078)."""

    def setUp(self):
        super().setUp()
        self.set("auth.iq_auth", "true")

    def refused(self, error, answer):
        """With that code (XEP-0086) and condition."""
        said = answer.find("{jabber:client}error")
        if said is None:
            said = answer.find("error")
        self.assertEqual((answer.get("type"), said.get("code")), ("error", error[0]))
        self.assertIn(error[1], [part.tag.split("}")[1] for part in said])

    async def works(self, door, resource):
        """romeo is bound there: the roster, and messages with juliet."""
        juliet = await self.enter("juliet@localhost/window")
        door.ask("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>", rb"<iq [^>]*id='roster'.*?</iq>")
        door.send("<message to='juliet@localhost/window' type='chat'><body>My name, dear saint</body></message>")
        self.assertEqual((await juliet.expect_message("My name, dear saint"))["from"], f"romeo@localhost/{resource}")
        juliet.send_message(f"romeo@localhost/{resource}", "Art thou not Romeo?")
        await asyncio.to_thread(door.until, rb"Art thou not Romeo\?</body></message>")

    def test_it_is_offered_only_when_it_is_on(self):
        self.assertIn(FEATURE, self.door().features)
        self.set("auth.iq_auth", "false")
        door = self.door()
        self.assertNotIn("iq-auth", door.features)
        with self.assertRaises((Ended, AttributeError)):  # the stream ends, or an error
            door.fields()

    async def test_a_password_logs_in_and_binds_at_once(self):
        door = self.door()
        self.assertEqual(door.fields(), {"username", "password", "resource"})
        answer = door.legacy("set", {"username": "romeo", "password": PASSWORD, "resource": "balcony"})
        self.assertEqual((answer.get("type"), len(answer)), ("result", 0))
        await self.works(door, "balcony")

    async def test_a_digest_logs_in(self):
        self.keep_passwords(*DEFAULT, "CRAM-MD5")
        door = self.door()
        self.assertEqual(door.fields(), {"username", "password", "digest", "resource"})
        self.refused(("401", "not-authorized"), door.legacy(
            "set", {"username": "romeo", "digest": door.digest(WRONG), "resource": "balcony"}))
        door = self.door()
        answer = door.legacy("set", {"username": "romeo", "digest": door.digest(), "resource": "balcony"})
        self.assertEqual((answer.get("type"), len(answer)), ("result", 0))
        await self.works(door, "balcony")

    def test_a_digest_needs_its_method(self):
        self.keep_passwords(*DEFAULT)
        door = self.door()
        self.assertEqual(door.fields(), {"username", "password", "resource"})
        answer = door.legacy("set", {"username": "romeo", "digest": door.digest(), "resource": "balcony"})
        self.assertEqual(answer.get("type"), "error")
        self.set("auth.hidden", "CRAM-MD5")
        self.assertIn("digest", self.door().fields())

    async def test_a_client_without_a_version(self):
        door = self.door(version="")
        self.assertEqual(door.fields(), {"username", "password", "resource"})
        door.legacy("set", {"username": "romeo", "password": PASSWORD, "resource": "1999"})
        await self.works(door, "1999")

    def test_what_is_wrong_is_refused(self):
        for fields, error in (({"password": WRONG, "resource": "balcony"}, ("401", "not-authorized")),
                              ({"password": PASSWORD}, ("406", "not-acceptable"))):
            self.refused(error, self.door().legacy("set", {"username": "romeo", **fields}))
        self.refused(("401", "not-authorized"), self.door().legacy(
            "set", {"username": "mercutio", "password": PASSWORD, "resource": "balcony"}))
        self.assertEqual(self.door().plain(), "success")


class Anonymous(Logins):
    SETTINGS = Logins.SETTINGS + ("s2s.enabled=true", "s2s.unlisted=wherever_possible", "dns.servers=127.0.0.1@9")

    async def stranger(self):
        self.set("auth.methods", ",".join(DEFAULT + ["ANONYMOUS"]))
        person = await self.log_in("localhost", "ANONYMOUS")
        self.assertRegex(person.boundjid.bare, "^anonymous-[^@]+@localhost$")
        return person

    async def test_somebody_without_an_account_talks_and_leaves(self):
        romeo, stranger = await self.enter("romeo@localhost"), await self.stranger()
        await self.talk(stranger, romeo)
        await stranger.go()
        for jid in (stranger.boundjid.full, stranger.boundjid.bare):
            romeo.send_message(jid, "What man art thou?", mtype="chat")
            self.assertEqual((await self.error_of(romeo, jid))[0], "service-unavailable")

    async def test_each_is_somebody_else(self):
        self.assertNotEqual((await self.stranger()).boundjid.bare, (await self.stranger()).boundjid.bare)

    async def test_other_servers_are_out_of_reach(self):
        stranger = await self.stranger()
        stranger.send_message("juliet@elsewhere.example", "By a name I know not")
        self.assertEqual((await self.error_of(stranger, "juliet@elsewhere.example"))[0], "not-allowed")
        stranger.send_presence_subscription(pto="juliet@elsewhere.example", ptype="subscribe")
        self.assertEqual((await self.error_of(stranger, "juliet@elsewhere.example"))[0], "not-allowed")
        self.assertEqual(await stranger.refused(stranger["xep_0199"].make_iq_get(
            "urn:xmpp:ping", ito="elsewhere.example")), ("not-allowed", "cancel"))

    async def test_nothing_is_left_when_the_server_is_killed(self):
        stranger = await self.stranger()
        self.assertNotIn("anonymous-", self.jackdaw.do("user", "list"))
        self.jackdaw.do("session", "show", stranger.boundjid.full)
        self.start_again(signal.SIGKILL)
        self.assertNotIn("anonymous-", self.jackdaw.do("user", "list"))
        self.jackdaw.refused("user", "show", stranger.boundjid.bare)
        romeo = await self.enter("romeo@localhost")
        romeo.send_message(stranger.boundjid.bare, "Art thou there?", mtype="chat")
        self.assertEqual((await self.error_of(romeo, stranger.boundjid.bare))[0], "service-unavailable")


class Aliases(Logins):
    def setUp(self):
        super().setUp()
        self.jackdaw.do("alias", "add", "montague@localhost", "romeo@localhost")

    def listed(self):
        return [tuple(row.values()) for row in self.jackdaw.read("alias", "list")]

    async def test_what_is_sent_to_it_arrives_also_after_a_new_start(self):
        self.start_again()
        self.assertEqual(self.listed(), [("montague@localhost", "romeo@localhost")])
        romeo, juliet = await self.enter("romeo@localhost"), await self.enter("juliet@localhost")
        juliet.send_message("montague@localhost", "Deny thy father", mtype="chat")
        await romeo.expect_message("Deny thy father")
        self.jackdaw.do("alias", "delete", "montague@localhost")
        self.assertEqual(self.listed(), [])
        juliet.send_message("montague@localhost", "and refuse thy name", mtype="chat")
        self.assertEqual((await self.error_of(juliet, "montague@localhost"))[0], "service-unavailable")
        self.assertEqual(self.door().plain("montague"), "not-authorized")

    async def test_it_logs_the_account_in(self):
        juliet = await self.enter("juliet@localhost")
        for method in ("SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "PLAIN"):
            self.assertEqual(await self.refusal("montague@localhost", method), "not-authorized")
            romeo = await self.log_in("montague@localhost", method)
            self.assertEqual(romeo.boundjid.bare, "romeo@localhost")
            await self.talk(romeo, juliet)

    def test_what_cannot_be_is_refused(self):
        for words in (("juliet@localhost", "romeo@localhost"), ("capulet@localhost", "mercutio@localhost"),
                      ("montague@localhost", "juliet@localhost")):
            self.jackdaw.refused("alias", "add", *words)
        self.jackdaw.refused("alias", "delete", "capulet@localhost")
        self.jackdaw.refused("user", "add", "montague@localhost", "--password-stdin", password=PASSWORD)
        self.assertEqual(self.listed(), [("montague@localhost", "romeo@localhost")])

    async def test_who_subscribes_to_it_is_sent_to_the_account(self):
        juliet = await self.enter("juliet@localhost")
        juliet.send_presence_subscription(pto="montague@localhost", ptype="subscribe")
        condition, stanza = await self.error_of(juliet, "montague@localhost")
        self.assertEqual(condition, "redirect")
        self.assertIn("romeo@localhost", str(stanza))

    def test_it_goes_with_the_account(self):
        self.jackdaw.do("alias", "add", "capulet@localhost", "juliet@localhost")
        self.jackdaw.do("user", "delete", "romeo@localhost")
        self.assertEqual(self.listed(), [("capulet@localhost", "juliet@localhost")])
        self.jackdaw.do("user", "add", "montague@localhost", "--password-stdin", password=PASSWORD)
        self.assertEqual(self.door().plain("montague"), "success")


class Guesses(Logins):
    def guess(self, times):
        """Wrong passwords for romeo, four from each address: what each is refused with."""
        return [self.door(source=f"127.0.0.{2 + count // 4}").plain(password=WRONG) for count in range(times)]

    def test_many_addresses_guess_no_more_than_one(self):
        self.assertEqual(self.door(source="127.0.0.50").plain(), "success")
        self.assertEqual(set(self.guess(9)), {"not-authorized"})
        self.guess(12)
        self.assertEqual(self.door(source="127.0.0.60").plain(), "temporary-auth-failure")
        self.assertEqual(self.door(source="127.0.0.60").plain("juliet"), "success")
        self.assertEqual(self.door(source="127.0.0.50").plain(), "success")

    def test_that_can_be_off(self):
        self.set("auth.account_failures", "0")
        self.assertEqual(set(self.guess(24)), {"not-authorized"})
        self.assertEqual(self.door(source="127.0.0.60").plain(), "success")

    def test_each_address_has_its_own_limit(self):
        said = [self.door(source="127.0.0.2").plain(password=WRONG) for _ in range(6)]
        self.assertEqual(said, ["not-authorized"] * 5 + ["temporary-auth-failure"])
        self.assertEqual(self.door(source="127.0.0.2").plain(), "temporary-auth-failure")
        self.assertEqual(self.door(source="127.0.0.3").plain(), "success")


if __name__ == "__main__":
    unittest.main(verbosity=1)
