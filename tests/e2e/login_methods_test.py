"""Which methods log in: those of the settings, old ones, and none at all; aliases; guesses from many addresses.

What slixmpp can log in with it does, behind TLS. Its xep_0078 awaits no answer: jabber:iq:auth is spoken raw, in clear.

    login_methods_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import base64
import functools
import hashlib
import hmac
import pathlib
import re
import signal
import socket
import sys
import time
import unittest
import xml.etree.ElementTree as ET
from unittest import mock

from people import PASSWORD, PATIENCE, Person, Stage
from raw_client import HEADER, Ended, RawClient

PROGRAM = sys.argv.pop(1)
WRONG = "wh3r3f0re"
CAPULET = "capulet.example"
DEFAULT = ["SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"]
OLD = ["LOGIN", "CRAM-MD5", "DIGEST-MD5"]
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
NOT_AUTHORIZED = ("401", "not-authorized")
MECHANISM = re.compile("<mechanism>([^<]*)</mechanism>")


class Door(RawClient):
    """A connection in clear that nobody has logged in on yet."""

    def __init__(self, port, domain="localhost", source="127.0.0.1", version=" version='1.0'"):
        self.bytes = b""
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE, (source, 0))
        self.send(HEADER.format(domain).replace(" version='1.0'>", version + ">"))
        self.number = re.search(" id='([^']+)'", self.until(rb"<stream:stream [^>]*>"))[1]
        self.features = self.until(b"</stream:features>") if version else ""
        self.offered = MECHANISM.findall(self.features)

    def ask(self, words, ends=rb"<(challenge|success|failure)\b[^>]*?(?:/>|>.*?</\1>)"):
        """Sends it: the answer, as an element."""
        self.send(words)
        while not (found := re.search(ends, self.bytes, re.S)):
            self.read()
        self.bytes = self.bytes[found.end():]
        return ET.fromstring(found[0])

    def sasl(self, kind, words, attributes=""):
        """One step: the challenge, or the name of what ended it (success, or the condition)."""
        answer = self.ask(f"<{kind} xmlns='{SASL}'{attributes}>{base64.b64encode(words.encode()).decode()}</{kind}>")
        if answer.tag.endswith("}challenge"):
            return base64.b64decode(answer.text or "").decode()
        return (answer[0] if answer.tag.endswith("}failure") else answer).tag.split("}")[1]

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
        return {field.tag.split("}")[1] for field in self.legacy("get", {"username": "romeo"}).find("{*}query")}

    def digest(self, password=PASSWORD):
        return hashlib.sha1((self.number + password).encode()).hexdigest()


class Logins(Stage):
    PROGRAM = PROGRAM
    SETTINGS = ("auth.require_tls=false", "auth.plain_without_tls=true")  # for those who speak in clear

    def set(self, name, value, *words):
        self.jackdaw.do("setting", "set", name, value, *words)

    def keep_passwords(self, *methods):
        """With these methods, and the passwords of romeo and juliet set since then."""
        self.set("auth.reversible_passwords", "true")
        self.set("auth.methods", ",".join(methods))
        for jid in self.ACCOUNTS[:2]:
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
        sasl = person["feature_mechanisms"]
        sasl.use_mech, credentials = method, sasl.sasl_callback
        if not method.endswith("-PLUS"):  # else it would say that the server knows no -PLUS (RFC 5802 §6)
            sasl.sasl_callback = lambda required, optional: credentials(required, optional - {"channel_binding"})
        self.here.append(person)
        return person

    async def log_in(self, jid, method):
        person = self.somebody(jid, method)
        await person.come(self.port)
        return person

    async def refusal(self, jid, method, password=WRONG):
        """The condition that slixmpp is refused with."""
        person, refusals = self.somebody(jid, method, password), asyncio.Queue()
        person.add_event_handler("failed_auth", lambda failure: refusals.put_nowait(failure["condition"]))
        person.connect(("127.0.0.1", self.port), force_starttls=True)
        return await asyncio.wait_for(refusals.get(), PATIENCE)

    async def talk(self, one, other):
        """A message each way."""
        for speaker, listener in ((one, other), (other, one)):
            speaker.send_message(listener.boundjid.full, f"I am {speaker.boundjid.bare}")
            heard = await listener.expect_message(f"I am {speaker.boundjid.bare}")
            self.assertEqual(heard["from"], speaker.boundjid.full)

    async def error_of(self, person, sender):
        """Of the next error from there: the condition, and the whole stanza."""
        stanza = await person.expect(lambda s: s.xml.get("type") == "error" and s["from"] == sender, "an error")
        return stanza["error"]["condition"], str(stanza)


class Methods(Logins):
    ACCOUNTS = Logins.ACCOUNTS + (f"juliet@{CAPULET}",)

    async def test_what_is_off_is_neither_offered_nor_accepted(self):
        self.assertEqual(self.door().offered, DEFAULT)
        for method in OLD + ["ANONYMOUS"]:
            self.assertEqual(self.door().begin(method), "invalid-mechanism", method)
        self.set("auth.methods", "SCRAM-SHA-256")
        self.assertEqual(self.door().offered, ["SCRAM-SHA-256"])
        self.assertEqual(self.door().plain(), "invalid-mechanism")
        for method in ("SCRAM-SHA-1", "SCRAM-SHA-512", "SCRAM-SHA-1-PLUS"):
            self.assertEqual(self.door().begin(method, "n,,n=romeo,r=abcdefgh"), "invalid-mechanism", method)
        await self.log_in("romeo@localhost", "SCRAM-SHA-256")

    async def test_plus_follows_its_method(self):
        plus = [method + "-PLUS" for method in DEFAULT if method != "PLAIN"]
        self.assertEqual(MECHANISM.findall(str((await self.at_the_door())[1])), plus + DEFAULT)
        await self.log_in("romeo@localhost", "SCRAM-SHA-1-PLUS")
        self.set("auth.methods", "SCRAM-SHA-256,PLAIN")
        self.assertEqual(MECHANISM.findall(str((await self.at_the_door())[1])),
                         ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN"])

    async def test_each_domain_has_its_own(self):
        self.set("auth.methods", "PLAIN", "--domain", CAPULET)
        self.assertEqual(self.door(domain=CAPULET).offered, ["PLAIN"])
        self.assertEqual(self.door().offered, DEFAULT)
        juliet = await self.log_in(f"juliet@{CAPULET}", "PLAIN")
        await self.talk(juliet, await self.log_in("romeo@localhost", "SCRAM-SHA-512"))

    def test_each_domain_hides_its_own(self):
        self.set("auth.methods", "SCRAM-SHA-256")
        self.set("auth.hidden", "PLAIN", "--domain", CAPULET)
        for domain in (CAPULET, "localhost"):
            self.assertEqual(self.door(domain=domain).offered, ["SCRAM-SHA-256"])
        self.assertEqual(self.door(domain=CAPULET).plain("juliet"), "success")
        self.assertEqual(self.door(domain=CAPULET).plain("juliet", WRONG), "not-authorized")
        self.assertEqual(self.door().plain(), "invalid-mechanism")

    def test_what_is_hidden_is_accepted_but_not_offered(self):
        for methods in ("SCRAM-SHA-256", "SCRAM-SHA-256,PLAIN"):
            self.set("auth.methods", methods)
            self.set("auth.hidden", "PLAIN")
            self.assertEqual(self.door().offered, ["SCRAM-SHA-256"])
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
                self.assertEqual(self.door().plain("juliet"), "success")  # five failures in a row would be too many


class KeptPasswords(Logins):
    ACCOUNTS = Logins.ACCOUNTS + (f"juliet@{CAPULET}",)

    def test_without_the_setting_the_methods_are_off(self):
        self.set("auth.methods", ",".join(OLD))
        self.assertEqual(self.door().offered, ["LOGIN"])
        for method in ("CRAM-MD5", "DIGEST-MD5"):
            self.assertEqual(self.door().begin(method), "invalid-mechanism")

    def cram(self, password=PASSWORD, name="romeo", **where):
        door = self.door(**where)
        challenge = door.begin("CRAM-MD5").encode()
        return door.sasl("response", f"{name} {hmac.new(password.encode(), challenge, 'md5').hexdigest()}")

    def test_each_domain_has_its_own(self):
        """Whether passwords are kept, and what may use them."""
        there = ("--domain", CAPULET)
        self.set("auth.methods", ",".join(DEFAULT + ["CRAM-MD5"]))
        self.set("auth.reversible_passwords", "true", *there)
        for jid in (f"juliet@{CAPULET}", "romeo@localhost"):
            self.jackdaw.do("user", "passwd", jid, "--password-stdin", password=PASSWORD)
        self.assertIn("CRAM-MD5", self.door(domain=CAPULET).offered)
        self.assertEqual(self.cram(name="juliet", domain=CAPULET), "success")
        self.assertNotIn("CRAM-MD5", self.door().offered)
        self.assertEqual(self.door().begin("CRAM-MD5"), "invalid-mechanism")
        # Here nothing was kept until now. Kept in both, the method may still be off in one.
        self.set("auth.reversible_passwords", "true")
        self.assertEqual(self.cram(), "not-authorized")
        self.assertEqual(self.door().plain(), "success")
        self.set("auth.methods", ",".join(DEFAULT), *there)
        self.assertEqual(self.cram(), "success")
        self.assertNotIn("CRAM-MD5", self.door(domain=CAPULET).offered)
        self.assertEqual(self.door(domain=CAPULET).begin("CRAM-MD5"), "invalid-mechanism")

    def login(self, name="romeo"):
        door = self.door()
        asked = [door.begin("LOGIN"), door.sasl("response", name)]
        self.assertEqual(asked, ["Username:", "Password:"])
        return door.sasl("response", PASSWORD)

    def test_a_password_from_before_is_kept_at_the_next_login_that_shows_it(self):
        self.set("auth.methods", ",".join(DEFAULT + OLD))
        self.set("auth.reversible_passwords", "true")
        for name, show in (("romeo", self.door().plain), ("juliet", self.login)):
            self.assertEqual(self.cram(name=name), "not-authorized")
            self.assertEqual(show(name), "success")
            self.assertEqual(self.cram(name=name), "success")
        self.jackdaw.do("user", "passwd", "romeo@localhost", "--password-stdin", password="qu33nmab")
        for _ in range(2):
            self.assertEqual(self.cram(), "not-authorized")
            self.assertEqual(self.cram("qu33nmab"), "success")
            self.start_again(signal.SIGKILL)

    def look_for_the_password(self):
        """In every file of the data directory: the names of these."""
        files = [file for file in pathlib.Path(self.jackdaw.data).rglob("*") if file.is_file()]
        self.assertEqual([file for file in files if PASSWORD.encode() in file.read_bytes()], [])
        return {file.name for file in files}

    async def test_no_file_has_a_password_in_clear(self):
        self.keep_passwords(*DEFAULT, *OLD)
        self.set("auth.iq_auth", "true")
        for method in ("PLAIN", "CRAM-MD5", "DIGEST-MD5"):
            await (await self.log_in("romeo@localhost", method)).go()
        self.assertEqual(self.login(), "success")
        self.door().legacy("set", {"username": "romeo", "password": PASSWORD, "resource": "balcony"})
        self.assertLessEqual({"jackdaw.db", "jackdaw.db-wal", "password.key"}, self.look_for_the_password())
        self.assertEqual((pathlib.Path(self.jackdaw.data) / "password.key").stat().st_mode & 0o777, 0o600)
        self.jackdaw.end()
        self.assertIn("jackdaw.db", self.look_for_the_password())


class Legacy(Logins):
    ACCOUNTS = Logins.ACCOUNTS + (f"juliet@{CAPULET}",)

    def setUp(self):
        super().setUp()
        self.set("auth.iq_auth", "true")

    def refusal_of(self, door, **fields):
        """The code (XEP-0086) and the condition."""
        error = door.legacy("set", {"username": "romeo", **fields}).find("{*}error")
        return error.get("code"), error[0].tag.split("}")[1]

    async def works(self, door, **proof):
        """romeo is bound at once: the roster, and messages with juliet."""
        juliet = await self.enter("juliet@localhost")
        answer = door.legacy("set", {"username": "romeo", "resource": "balcony", **proof})
        self.assertEqual((answer.get("type"), len(answer)), ("result", 0))
        door.ask("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>", rb"<iq [^>]*id='roster'.*?</iq>")
        door.send(f"<message to='{juliet.boundjid.full}' type='chat'><body>My name, dear saint</body></message>")
        self.assertEqual((await juliet.expect_message("My name, dear saint"))["from"], "romeo@localhost/balcony")
        juliet.send_message("romeo@localhost/balcony", "Art thou not Romeo?")
        await asyncio.to_thread(door.until, rb"Art thou not Romeo\?</body></message>")

    def test_it_is_offered_only_when_it_is_on(self):
        self.assertIn("<auth xmlns='http://jabber.org/features/iq-auth'/>", self.door().features)
        self.set("auth.iq_auth", "false")
        door = self.door()
        self.assertNotIn("iq-auth", door.features)
        with self.assertRaises(Ended):
            door.fields()
        self.assertIn(b"<stream:error><not-authorized ", door.bytes)

    def test_each_domain_has_its_own(self):
        self.set("auth.iq_auth", "false", "--domain", CAPULET)
        door, other = self.door(domain=CAPULET), self.door()
        self.assertNotIn("iq-auth", door.features)
        with self.assertRaises(Ended):
            door.fields()
        self.assertIn(b"<stream:error><not-authorized ", door.bytes)
        self.assertIn("<auth xmlns='http://jabber.org/features/iq-auth'/>", other.features)
        self.assertEqual(other.fields(), {"username", "password", "resource"})
        # The other way round.
        self.set("auth.iq_auth", "true", "--domain", CAPULET)
        self.set("auth.iq_auth", "false")
        self.assertNotIn("iq-auth", self.door().features)
        who = {"username": "juliet", "password": PASSWORD, "resource": "balcony"}
        self.assertEqual(self.door(domain=CAPULET).legacy("set", who).get("type"), "result")

    async def test_without_cram_md5_the_digest_goes_and_the_password_stays(self):
        """CommuniGate's rule (its check C19): off in one domain, on in the other."""
        self.keep_passwords(*DEFAULT, "CRAM-MD5")
        self.jackdaw.do("user", "passwd", f"juliet@{CAPULET}", "--password-stdin", password=PASSWORD)
        self.set("auth.methods", ",".join(DEFAULT), "--domain", "localhost")
        self.assertEqual(self.door().fields(), {"username", "password", "resource"})
        door = self.door()
        self.assertEqual(self.refusal_of(door, digest=door.digest(), resource="balcony"), NOT_AUTHORIZED)
        await self.works(door, password=PASSWORD)
        there = self.door(domain=CAPULET)
        self.assertEqual(there.fields(), {"username", "password", "digest", "resource"})
        who = {"username": "juliet", "digest": there.digest(), "resource": "balcony"}
        self.assertEqual(there.legacy("set", who).get("type"), "result")

    async def test_a_password_logs_in_also_a_client_without_a_version(self):
        for door in (self.door(), self.door(version="")):
            self.assertEqual(door.fields(), {"username", "password", "resource"})
            await self.works(door, password=PASSWORD)

    async def test_a_digest_logs_in(self):
        self.keep_passwords(*DEFAULT, "CRAM-MD5")
        door, other = self.door(), self.door()
        self.assertEqual(door.fields(), {"username", "password", "digest", "resource"})
        self.assertEqual(self.refusal_of(door, digest=door.digest(WRONG), resource="balcony"), NOT_AUTHORIZED)
        await self.works(other, digest=other.digest())

    def test_a_digest_needs_its_method(self):
        self.keep_passwords(*DEFAULT)
        door = self.door()
        self.assertEqual(door.fields(), {"username", "password", "resource"})
        self.assertEqual(self.refusal_of(door, digest=door.digest(), resource="balcony"), NOT_AUTHORIZED)
        self.set("auth.hidden", "CRAM-MD5")
        self.assertIn("digest", self.door().fields())

    def test_what_is_wrong_is_refused(self):
        who = {"username": "mercutio", "password": PASSWORD, "resource": "balcony"}
        self.assertEqual(self.refusal_of(self.door(), **who), NOT_AUTHORIZED)
        self.assertEqual(self.refusal_of(self.door(), password=WRONG, resource="balcony"), NOT_AUTHORIZED)
        self.assertEqual(self.refusal_of(self.door(), password=PASSWORD), ("406", "not-acceptable"))


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

    async def test_other_servers_are_out_of_reach(self):
        stranger = await self.stranger()
        stranger.send_message("juliet@elsewhere.example", "By a name I know not")
        self.assertEqual((await self.error_of(stranger, "juliet@elsewhere.example"))[0], "not-allowed")
        stranger.send_presence_subscription(pto="juliet@elsewhere.example", ptype="subscribe")
        self.assertEqual((await self.error_of(stranger, "juliet@elsewhere.example"))[0], "not-allowed")
        ping = stranger.make_iq_get("urn:xmpp:ping", ito="elsewhere.example")
        self.assertEqual(await stranger.refused(ping), ("not-allowed", "cancel"))

    async def test_nothing_is_left_when_the_server_is_killed(self):
        stranger = await self.stranger()
        self.assertNotIn("anonymous-", self.jackdaw.do("user", "list"))
        self.start_again(signal.SIGKILL)
        await asyncio.wait_for(stranger.gone.wait(), PATIENCE)
        self.assertNotIn("anonymous-", self.jackdaw.do("user", "list"))
        self.jackdaw.refused("user", "show", stranger.boundjid.bare)


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
        for alias, name in (("juliet", "romeo"), ("capulet", "mercutio"), ("montague", "juliet")):
            self.jackdaw.refused("alias", "add", f"{alias}@localhost", f"{name}@localhost")
        self.jackdaw.refused("alias", "delete", "capulet@localhost")
        self.jackdaw.refused("user", "add", "montague@localhost", "--password-stdin", password=PASSWORD)
        self.assertEqual(self.listed(), [("montague@localhost", "romeo@localhost")])

    async def test_who_subscribes_to_it_is_sent_to_the_account(self):
        juliet = await self.enter("juliet@localhost")
        juliet.send_presence_subscription(pto="montague@localhost", ptype="subscribe")
        condition, stanza = await self.error_of(juliet, "montague@localhost")
        self.assertEqual(condition, "redirect")
        self.assertIn("romeo@localhost", stanza)

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

    async def outcome(self, jid, source, password=PASSWORD):
        """How a log-in with slixmpp from there ends: the condition of its refusal, or success."""
        person, refusals = self.somebody(jid, "SCRAM-SHA-256", password), asyncio.Queue()
        person.add_event_handler("failed_auth", lambda failure: refusals.put_nowait(failure["condition"]))
        person.add_event_handler("session_start", lambda _: refusals.put_nowait("success"))
        loop = asyncio.get_running_loop()
        from_there = functools.partial(loop.create_connection, local_addr=(source, 0))
        with mock.patch.object(loop, "create_connection", from_there):
            person.connect(("127.0.0.1", self.port), force_starttls=True)
            return await asyncio.wait_for(refusals.get(), PATIENCE)

    async def test_the_right_password_waits_too(self):
        """Ten wrong ones of an account in a minute, then none is looked at, from wherever; until that is over."""
        for count in range(10):
            source = f"127.0.0.{2 + count // 4}"
            self.assertEqual(await self.outcome("romeo@localhost", source, WRONG), "not-authorized", count)
        for source in ("127.0.0.2", "127.0.0.4", "127.0.0.60"):
            self.assertEqual(await self.outcome("romeo@localhost", source), "temporary-auth-failure", source)
        self.assertEqual(await self.outcome("juliet@localhost", "127.0.0.2"), "success")
        self.set("auth.account_failures_time", "1s")
        until = time.monotonic() + PATIENCE
        while (outcome := await self.outcome("romeo@localhost", "127.0.0.60")) == "temporary-auth-failure":
            self.assertLess(time.monotonic(), until, "it never ends")
        self.assertEqual(outcome, "success")

    def test_that_can_be_off(self):
        self.set("auth.account_failures", "0")
        self.assertEqual(set(self.guess(24)), {"not-authorized"})
        self.assertEqual(self.door(source="127.0.0.60").plain(), "success")
        self.assertEqual(self.door(source="127.0.0.2").plain(password=WRONG), "not-authorized")
        self.assertEqual(self.door(source="127.0.0.2").plain(), "temporary-auth-failure")  # its own limit


if __name__ == "__main__":
    unittest.main(verbosity=1)
