"""Each extension of the server as slixmpp's plugins see it: one class a module.

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import datetime
import logging
import sys
import time
import unittest

import slixmpp
from slixmpp.exceptions import IqError
from slixmpp.plugins.xep_0082 import parse

from people import PASSWORD, PATIENCE, Person, Stage

Stage.PROGRAM = sys.argv.pop(1)
UNAVAILABLE, ABSENT = ("service-unavailable", "cancel"), ("item-not-found", "cancel")
NOT_ALLOWED, FORBIDDEN = ("not-allowed", "cancel"), ("forbidden", "auth")
UTC, MINUTE = datetime.timezone.utc, datetime.timedelta(minutes=1)  # the grace for clocks that are set meanwhile
ROMEO = slixmpp.JID("romeo@localhost")


async def refusal(answer):
    """The condition and the type of the error that a request is answered with."""
    try:
        got = await answer
    except IqError as error:
        return error.iq["error"]["condition"], error.iq["error"]["type"]
    raise AssertionError(f"not refused: {got}")


async def info_of(person, jid, node=None):
    return (await person["xep_0030"].get_info(jid=jid, node=node, local=False, timeout=PATIENCE))["disco_info"]


async def show_card(person, name, photo=b"", **how):
    card = person["xep_0054"].make_vcard()
    card["FN"], card["PHOTO"]["TYPE"], card["PHOTO"]["BINVAL"] = name, "image/png", photo
    await person["xep_0054"].publish_vcard(card, timeout=PATIENCE, **how)


async def card_of(person, jid):
    return (await person["xep_0054"].get_vcard(jid, timeout=PATIENCE))["vcard_temp"]


class Modules(Stage):
    async def enter(self, jid, *plugins, password=PASSWORD, **how):
        person = Person(jid, password)
        for plugin in plugins:
            person.register_plugin(plugin)
        person.add_event_handler("stream_error", lambda error: setattr(person, "why", error["condition"]))
        self.here.append(person)
        await person.come(self.port, **how)
        return person

    def set(self, name, value):
        self.jackdaw.do("setting", "set", name, value)


class Discovery(Modules):
    async def test_what_the_server_and_the_accounts_are(self):
        """XEP-0030 §3.1, §4.1; §8, RFC 6121 §8.5.1: to a stranger an account looks like one that is not there."""
        romeo = await self.enter("romeo@localhost/garden")
        juliet = await self.enter("juliet@localhost/balcony")
        info = await info_of(romeo, "localhost")
        self.assertEqual(info["identities"], {("server", "im", None, "Jackdaw")})
        self.assertLessEqual({
            "http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/disco#items", "urn:xmpp:ping",
            "http://jabber.org/protocol/caps", "urn:xmpp:time", "urn:xmpp:delay", "urn:xmpp:hints", "jabber:iq:last",
            "jabber:iq:private", "jabber:iq:register", "jabber:iq:version", "vcard-temp"}, set(info["features"]))
        self.assertEqual(await refusal(info_of(romeo, "localhost", "rose")), ABSENT)  # §7: no such node

        items = lambda jid: romeo["xep_0030"].get_items(jid=jid, local=False, timeout=PATIENCE)
        self.assertEqual((await items("localhost"))["disco_items"]["items"], set())
        self.set("disco.items", "chat.localhost, files.localhost")
        self.assertEqual((await items("localhost"))["disco_items"]["items"],
                         {("chat.localhost", None, None), ("files.localhost", None, None)})
        for jid in ("juliet@localhost", "nobody@localhost"):
            self.assertEqual(await refusal(info_of(romeo, jid)), UNAVAILABLE)
            self.assertEqual(await refusal(items(jid)), UNAVAILABLE)
        await self.befriend(romeo, juliet)
        for jid in ("romeo@localhost", "juliet@localhost"):
            info = await info_of(romeo, jid)
            self.assertEqual(info["identities"], {("account", "registered", None, None)})
            self.assertIn("vcard-temp", info["features"])


class Version(Modules):
    async def test_name_and_version_and_the_system_only_where_it_is_wanted(self):
        """XEP-0092 §2, §5."""
        romeo = await self.enter("romeo@localhost/garden", "xep_0092")
        ask = lambda jid: romeo["xep_0092"].get_version(jid, timeout=PATIENCE)
        said = (await ask("localhost"))["software_version"]
        self.assertEqual((said["name"], said["os"]), ("Jackdaw", ""))
        self.assertRegex(said["version"], r"^\d+\.\d+\.\d+")
        self.set("version.show_os", "true")
        self.assertRegex((await ask("localhost"))["software_version"]["os"], "^Linux ")
        self.assertEqual(await refusal(ask("juliet@localhost")), UNAVAILABLE)


class Ping(Modules):
    async def test_server_account_and_client_answer(self):
        """XEP-0199 §4.2, §4.4; of those who are not known nothing tells that they are there (RFC 6120 §13.11)."""
        romeo = await self.enter("romeo@localhost/garden")
        juliet = await self.enter("juliet@localhost/balcony")
        ping = lambda jid: romeo["xep_0199"].send_ping(slixmpp.JID(jid), timeout=PATIENCE)
        for jid in ("localhost", "romeo@localhost", "juliet@localhost/balcony"):
            answer = await ping(jid)
            self.assertEqual((answer["type"], answer["from"]), ("result", jid))
        for jid in ("juliet@localhost", "nobody@localhost", "juliet@localhost/nowhere"):
            self.assertEqual(await refusal(ping(jid)), UNAVAILABLE)
        self.assertEqual([one["from"] for one in await juliet.settle() if one.name == "iq"], ["romeo@localhost/garden"])


class Time(Modules):
    async def test_the_time_in_utc(self):
        """XEP-0202 §2: the formats of XEP-0082."""
        romeo, before = await self.enter("romeo@localhost/garden", "xep_0202"), datetime.datetime.now(UTC)
        said = (await romeo["xep_0202"].get_entity_time("localhost", timeout=PATIENCE))["entity_time"]
        # COMPAT(slixmpp, 1.8): its own reading puts a second "Z" behind that which is there.
        utc = said.xml.findtext("{urn:xmpp:time}utc")
        self.assertTrue(before - MINUTE <= parse(utc) <= datetime.datetime.now(UTC) + MINUTE, utc)
        self.assertEqual((utc[-1], said.xml.findtext("{urn:xmpp:time}tzo")), ("Z", "+00:00"))


class LastActivity(Modules):
    async def ask(self, person, jid):
        return (await person["xep_0012"].get_last_activity(jid, timeout=PATIENCE))["last_activity"]

    async def count(self, person, jid, since):
        """Asks until a second is over: the answer."""
        while (said := await self.ask(person, jid))["seconds"] == 0 and time.monotonic() < since + PATIENCE:
            await asyncio.sleep(0.05)
        self.assertTrue(1 <= said["seconds"] <= time.monotonic() - since + MINUTE.seconds, said)
        return said

    async def test_how_long_the_server_runs_and_since_when_a_contact_is_gone(self):
        """XEP-0012 §3, §4: only for those who may see the presence; §5: the server."""
        romeo = await self.enter("romeo@localhost/garden", "xep_0012")
        juliet = await self.enter("juliet@localhost/balcony", "xep_0012")
        for jid in ("juliet@localhost", "juliet@localhost/balcony", "nobody@localhost"):
            self.assertEqual(await refusal(self.ask(romeo, jid)), FORBIDDEN)
        await self.befriend(romeo, juliet)
        await self.count(romeo, "localhost", time.monotonic())
        self.assertEqual((await self.ask(romeo, "juliet@localhost"))["seconds"], 0)
        await juliet["xep_0012"].set_last_activity(seconds=4000, status="asleep")
        self.assertGreaterEqual((await self.ask(romeo, "juliet@localhost/balcony"))["seconds"], 4000)  # she answers

        since = time.monotonic()
        juliet.send_presence(ptype="unavailable", pstatus="gone <home>")
        await romeo.expect_presence("juliet@localhost/balcony", "unavailable")
        await juliet.go()
        self.assertEqual((await self.count(romeo, "juliet@localhost", since))["status"], "gone <home>")


class PrivateStorage(Modules):
    async def keep(self, person, name):
        bookmarks = person["xep_0048"].stanza.Bookmarks()
        bookmarks.add_url("xmpp:verona@localhost", name)
        await person["xep_0048"].set_bookmarks(bookmarks, method="xep_0049", timeout=PATIENCE)

    async def kept(self, person):
        answer = await person["xep_0048"].get_bookmarks(method="xep_0049", timeout=PATIENCE)
        return [url["name"] for url in answer["private"]["bookmarks"]["urls"]]

    async def test_bookmarks_are_kept_for_oneself(self):
        """XEP-0049 §2.2, §2.3, with the bookmarks that clients keep there (XEP-0048)."""
        romeo = await self.enter("romeo@localhost/garden", "xep_0048")
        juliet = await self.enter("juliet@localhost/balcony", "xep_0048")
        self.assertEqual(await self.kept(romeo), [])
        await self.keep(romeo, "Mantua")
        await self.keep(romeo, "Verona <&>")
        for kind in ("get", "set"):  # nobody reads or writes another's
            iq = juliet.make_iq(itype=kind, ito="romeo@localhost")
            iq["private"].enable("bookmarks")
            self.assertEqual(await juliet.refused(iq), UNAVAILABLE)
        self.set("private.max_item", "2KiB")
        self.assertEqual((await refusal(self.keep(romeo, "V" * 2048)))[0], "not-acceptable")
        self.assertEqual((await self.kept(romeo), await self.kept(juliet)), (["Verona <&>"], []))


class VCard(Modules):
    async def test_everybody_sees_it_and_its_owner_writes_it(self):
        """XEP-0054 §3."""
        romeo = await self.enter("romeo@localhost/garden", "xep_0054")
        juliet = await self.enter("juliet@localhost/balcony", "xep_0054")
        self.assertEqual(await refusal(card_of(romeo, "romeo@localhost")), ABSENT)  # §3.1
        for jid in ("romeo@localhost", "nobody@localhost"):  # §3.3: no card or no account, one must not learn which
            self.assertEqual(await refusal(card_of(juliet, jid)), UNAVAILABLE)
        await show_card(romeo, "Romeo Montague \N{ROSE}", photo=bytes(range(256)) * 4)
        self.assertEqual(await refusal(show_card(juliet, "Fool", jid=ROMEO)), UNAVAILABLE)
        await self.befriend(romeo, juliet)
        self.assertEqual(await refusal(show_card(juliet, "Fool", jid=ROMEO)), FORBIDDEN)  # §3.2
        self.set("vcard.max_size", "2KiB")
        self.assertEqual((await refusal(show_card(romeo, "Romeo", photo=bytes(2048))))[0], "not-acceptable")
        for person in (romeo, juliet):
            card = await card_of(person, "romeo@localhost")
            self.assertEqual((card["FN"], card["PHOTO"]["BINVAL"]), ("Romeo Montague \N{ROSE}", bytes(range(256)) * 4))


class Registration(Modules):
    async def sign_up(self, person, name, password=PASSWORD):
        iq = person.make_iq_set(ito="localhost")
        iq["register"]["username"], iq["register"]["password"] = name, password
        return await iq.send(timeout=PATIENCE)

    async def cannot_log_in(self, jid, password=PASSWORD):
        person = Person(jid, password)
        person["feature_mechanisms"].use_mech = "SCRAM-SHA-256-PLUS"  # one, so that it is one failure
        self.here.append(person)
        person.connect(("127.0.0.1", self.port), force_starttls=True)
        await asyncio.wait_for(person.failed.wait(), PATIENCE)

    async def ends(self, *people):
        for person in people:
            await asyncio.wait_for(person.gone.wait(), PATIENCE)
            self.assertEqual(person.why, "not-authorized")

    async def hear_all(self, person, *wanted):
        """These come in whatever order: (type, sender) of presence, (jid, subscription, ask) of roster pushes."""
        def gist(stanza):
            item = stanza.xml.find("*/{jabber:iq:roster}item")
            return (stanza.xml.get("type"), stanza["from"].full) if item is None else (
                item.get("jid"), item.get("subscription"), item.get("ask"))
        left = set(wanted)
        while left:
            left.remove(gist(await person.expect(lambda stanza: gist(stanza) in left, f"one of {left}")))

    async def test_closed_unless_it_is_opened(self):
        """XEP-0077 §3, §8: neither offered nor answered."""
        stranger, features = await self.at_the_door()
        self.assertNotIn("register", features)
        self.assertEqual(await refusal(stranger["xep_0077"].get_registration(timeout=PATIENCE)), UNAVAILABLE)
        with self.assertRaises(IqError) as refused:
            await self.sign_up(stranger, "mercutio")
        error = refused.exception.iq["error"]  # §9: in the new style and in the old one
        self.assertEqual((error["condition"], error["type"], error["code"]), (*NOT_ALLOWED, "405"))
        romeo = await self.enter("romeo@localhost/garden", "xep_0077")
        self.assertEqual(await refusal(self.sign_up(romeo, "romeo", "new")), NOT_ALLOWED)
        self.set("registration.removal", "false")
        self.assertEqual(await refusal(romeo["xep_0077"].cancel_registration(timeout=PATIENCE)), NOT_ALLOWED)
        await self.cannot_log_in("mercutio@localhost")

    async def test_somebody_signs_up_and_logs_in(self):
        """XEP-0077 §3.1, on one stream, as slixmpp's plugin does it when the server offers it (§8)."""
        self.set("registration.auto_signup", "true")
        mercutio, forms = Person("mercutio@localhost/street", "p\N{ROSE} <&>"), []

        async def fill(form):
            forms.append(form["register"])
            await self.sign_up(mercutio, "Mercutio", mercutio.password)
        mercutio.register_plugin("xep_0077")
        mercutio._always_send_everything = True
        mercutio.add_event_handler("register", fill)
        self.here.append(mercutio)
        await mercutio.come(self.port)
        self.assertEqual([form["fields"] for form in forms], [{"username", "password"}])
        # §3.1: who is registered is told so.
        form = (await mercutio["xep_0077"].get_registration("localhost", timeout=PATIENCE))["register"]
        self.assertEqual((form["registered"], form["username"], form["password"]), (True, "mercutio", ""))

    async def test_what_is_refused_to_who_signs_up(self):
        """XEP-0077 §3.1: a name that is taken is a conflict, a form that is not filled in is not acceptable."""
        self.set("registration.auto_signup", "true")
        stranger, features = await self.at_the_door()
        self.assertIn("register", features)
        for name in ("romeo", "ROMEO", "\uff32omeo"):  # RFC 7622 §3.3: one name
            self.assertEqual(await refusal(self.sign_up(stranger, name)), ("conflict", "cancel"))
        for name, password in (("benvolio", ""), ("", PASSWORD), ("a b", PASSWORD), ("r@meo", PASSWORD)):
            self.assertEqual(await refusal(self.sign_up(stranger, name, password)), ("not-acceptable", "modify"))
        removal = await refusal(stranger["xep_0077"].cancel_registration(timeout=PATIENCE))
        self.assertEqual(removal[0], "unexpected-request")  # §3.2, table 1
        self.set("registration.per_address_hour", "3")
        self.assertEqual((await refusal(self.sign_up(stranger, "mercutio")))[0], "resource-constraint")

    async def test_the_password_is_changed(self):
        """XEP-0077 §3.3: other sessions end, the one that asked stays."""
        self.set("registration.password_change", "true")
        romeo = await self.enter("romeo@localhost/garden", "xep_0077")
        phone = await self.enter("romeo@localhost/phone")
        juliet = await self.enter("juliet@localhost/balcony", "xep_0077")
        change = lambda password: romeo["xep_0077"].change_password(password, jid="localhost", timeout=PATIENCE)
        self.assertEqual(await refusal(change("")), ("bad-request", "modify"))
        self.assertEqual(await refusal(self.sign_up(juliet, "romeo", "stolen")), FORBIDDEN)
        await phone.settle()

        await change("wherefore art thou")
        await self.ends(phone)
        await romeo.expect_presence("romeo@localhost/phone", "unavailable")
        await self.cannot_log_in("romeo@localhost/phone")
        await self.cannot_log_in("romeo@localhost/phone", "stolen")
        await self.enter("romeo@localhost/phone", password="wherefore art thou")
        await romeo.expect_presence("romeo@localhost/phone")

    async def test_an_account_is_removed_by_its_user(self):
        """XEP-0077 §3.2: sessions end, subscriptions are cancelled on both sides, nothing is left, the name rests."""
        self.set("registration.auto_signup", "true")
        romeo = await self.enter("romeo@localhost/garden", "xep_0054", "xep_0077")
        phone, tybalt = await self.enter("romeo@localhost/phone"), await self.enter("tybalt@localhost/street")
        juliet = await self.enter("juliet@localhost/balcony", "xep_0054")
        await self.befriend(romeo, juliet)
        tybalt.send_presence_subscription(pto="romeo@localhost", ptype="subscribe")
        await romeo.expect_presence("tybalt@localhost", "subscribe")
        await show_card(romeo, "Romeo")

        await romeo["xep_0077"].cancel_registration(timeout=PATIENCE)
        await self.ends(romeo, phone)
        await self.hear_all(juliet, *(("unavailable", f"romeo@localhost/{where}") for where in ("garden", "phone")),
                            *((kind, "romeo@localhost") for kind in ("unsubscribed", "unsubscribe")),
                            ("romeo@localhost", "none", None))
        await self.hear_all(tybalt, ("unsubscribed", "romeo@localhost"), ("romeo@localhost", "none", None))
        await self.cannot_log_in("romeo@localhost/garden")
        self.assertEqual(await refusal(card_of(juliet, "romeo@localhost")), UNAVAILABLE)

        # registration.name_rest: nobody gets another's mail. The administrator may give the name; nothing is left.
        stranger, _ = await self.at_the_door()
        self.assertEqual(await refusal(self.sign_up(stranger, "romeo")), ("conflict", "cancel"))
        self.jackdaw.do("user", "add", "romeo@localhost", "--reuse", "--password-stdin", password=PASSWORD)
        romeo = await self.enter("romeo@localhost/garden", "xep_0054", "xep_0077")
        self.assertEqual(set(romeo.client_roster) - {"romeo@localhost"}, set())
        self.assertEqual(await refusal(card_of(romeo, "romeo@localhost")), ABSENT)
        self.assertEqual([one for one in await romeo.settle() if one["type"] == "subscribe"], [])
        await romeo["xep_0077"].cancel_registration(timeout=PATIENCE)
        self.set("registration.name_rest", "0s")
        await self.sign_up(stranger, "romeo")
        await self.enter("romeo@localhost/garden")


class ContactAddresses(Modules):
    SETTINGS = ("contact.abuse=mailto:abuse@localhost,xmpp:nurse@localhost", "contact.admin=mailto:admin@localhost")

    async def test_whom_to_write_to(self):
        """XEP-0157 §3: a form in the domain's answer; fields without an address are left out."""
        romeo = await self.enter("romeo@localhost/garden", "xep_0128")
        form = (await info_of(romeo, "localhost"))["form"]
        self.assertEqual({name: field.get_value(False) for name, field in form.get_fields().items()}, {
            "FORM_TYPE": ["http://jabber.org/network/serverinfo"], "admin-addresses": ["mailto:admin@localhost"],
            "abuse-addresses": ["mailto:abuse@localhost", "xmpp:nurse@localhost"]})
        self.assertEqual((form["type"], form.get_fields()["FORM_TYPE"]["type"]), ("result", "hidden"))


class Capabilities(Modules):
    async def verified(self, person):
        """slixmpp asks what the hash stands for and hashes it itself: what it is then, and that node."""
        until = time.monotonic() + PATIENCE
        while not (verified := await person["xep_0115"].get_verstring("localhost")):
            self.assertLess(time.monotonic(), until, "the hash did not prove true")
            await asyncio.sleep(0.05)
        return verified, (await person["xep_0115"].get_caps(verstring=verified))["node"]

    async def test_the_hash_in_the_stream_features_is_that_of_the_answer(self):
        """XEP-0115 §5.1, §6.2, §6.3: also with forms in it; and a hash that is no longer true is not found."""
        before, node = await self.verified(await self.enter("romeo@localhost/garden", "xep_0115"))
        self.set("contact.admin", "xmpp:nurse@localhost,mailto:admin@localhost")
        juliet = await self.enter("juliet@localhost/balcony", "xep_0115")
        self.assertNotEqual(before, (await self.verified(juliet))[0])
        self.assertEqual(await refusal(info_of(juliet, "localhost", node)), ABSENT)


class DelayAndHints(Modules):
    def say(self, person, body, *hints):
        message = person.make_message("juliet@localhost", body, mtype="chat")
        for hint in hints:
            message.enable(hint)
        message.send()

    async def test_hints_arrive_and_are_heeded_and_what_waited_has_its_time(self):
        """XEP-0334 §3, §4: what is not to be stored does not wait for who is away, the rest does; XEP-0203 §2."""
        hints_of = lambda message: {one.tag[16:] for one in message.xml if one.tag.startswith("{urn:xmpp:hints}")}
        romeo, before = await self.enter("romeo@localhost/garden", "xep_0334"), datetime.datetime.now(UTC)
        self.say(romeo, "burn this", "no-store")
        self.say(romeo, "no archive of this", "no-permanent-store")
        self.say(romeo, "no copy of this", "no-copy")
        self.say(romeo, None, "store")
        self.assertEqual([one for one in await romeo.settle() if one.name == "message"], [])
        juliet = await self.enter("juliet@localhost/balcony", "xep_0334")
        kept, single, asked = [await juliet.expect(lambda one: one.name == "message") for _ in range(3)]
        self.assertEqual([(one["body"], *hints_of(one)) for one in (kept, single)],
                         [("no archive of this", "no-permanent-store"), ("no copy of this", "no-copy")])
        self.assertEqual(hints_of(asked), {"store"})
        self.assertEqual((kept["delay"]["from"], kept["delay"].xml.get("stamp")[-1]), ("localhost", "Z"))
        self.assertTrue(before - MINUTE <= kept["delay"]["stamp"] <= datetime.datetime.now(UTC) + MINUTE, kept)
        every = {"no-store", "no-permanent-store", "no-copy", "store"}
        self.say(romeo, "read this", *every)
        got = await juliet.expect(lambda one: one.name == "message")
        self.assertEqual((got["body"], hints_of(got), got["delay"].xml.get("stamp")), ("read this", every, None))


if __name__ == "__main__":
    logging.disable()  # what slixmpp thinks of being refused
    unittest.main(verbosity=1)
