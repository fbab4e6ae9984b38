"""Several domains in one server, and what is one address: forms of JIDs, international domains, names that look alike.

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import logging
import sys
import unittest
from unittest import mock

import slixmpp.util.sasl.client as sasl
from slixmpp.exceptions import IqError

from people import PASSWORD, PATIENCE, Person, Stage

Stage.PROGRAM = sys.argv.pop(1)
WIDE = {letter: letter + 0xFEE0 for letter in range(0x21, 0x7F)}  # fullwidth forms (RFC 8264 §5.2.1)


def wide(text):
    return text.translate(WIDE)


class Unprepared(Person):
    """Writes its address as it is told; slixmpp would prepare it. Notes the bound JID as the server wrote it."""

    def __init__(self, local, domain, resource="garden"):
        super().__init__("romeo@localhost")
        self.stream_header = self.stream_header.replace("to='localhost'", f"to='{domain}'")
        self.credentials["username"] = local
        self.requested_jid = mock.Mock(user=local, domain=domain, resource=resource)

    async def come(self, port, presence=True):
        with mock.patch.object(sasl, "saslprep", lambda text: text):
            await super().come(port, presence=False)
        bound = await self.expect(lambda one: one.xml.find("*/{*}jid") is not None)
        self.bound_text = bound.xml.findtext("*/{*}jid")
        if presence:
            self.send_presence()
            await self.expect_presence(self.boundjid.full)


class Domains(Stage):
    async def come_as(self, person):
        self.here.append(person)
        await person.come(self.port)
        return person

    def error_of(self, person):
        """The condition that its stream will end with."""
        error = asyncio.get_running_loop().create_future()
        person.add_event_handler("stream_error", lambda stanza: error.set_result(stanza["condition"]))
        return asyncio.wait_for(error, PATIENCE)

    async def unserved(self, jid):
        """The stream error of who wants to log in there."""
        person = Person(jid)
        error = self.error_of(person)
        self.here.append(person)
        person.connect(("127.0.0.1", self.port), force_starttls=True)
        return await error

    def add(self, jid):
        self.jackdaw.do("user", "add", jid, "--password-stdin", password=PASSWORD)

    def not_added(self, jid):
        """The one line of the refusal."""
        return self.jackdaw.refused("user", "add", jid, "--password-stdin", password=PASSWORD)

    async def sign_up(self, person, name):
        """Empty, or the condition and the text of the refusal."""
        iq = person.make_iq_set()
        iq["register"]["username"], iq["register"]["password"] = name, PASSWORD
        try:
            await iq.send(timeout=PATIENCE)
        except IqError as error:
            return error.iq["error"]["condition"], error.iq["error"]["text"]
        return ()


class TwoDomains(Domains):
    ACCOUNTS = ("romeo@montague.example", "juliet@capulet.example", "romeo@capulet.example")

    async def test_people_of_two_domains_talk(self):
        romeo = await self.enter("romeo@montague.example/garden")
        juliet = await self.enter("juliet@capulet.example/balcony")
        other = await self.enter("romeo@capulet.example/garden")  # another account
        await self.befriend(romeo, juliet)
        juliet.send_message("romeo@montague.example", "Wherefore art thou Romeo?")
        await romeo.expect_message("Wherefore art thou Romeo?")
        romeo.send_message("juliet@capulet.example/balcony", "Shall I hear more?")
        await juliet.expect_message("Shall I hear more?")
        await juliet.go()
        await romeo.expect_presence("juliet@capulet.example/balcony", "unavailable")
        romeo.send_message("juliet@capulet.example", "Art thou gone so?")
        info = await romeo["xep_0030"].get_info(jid="capulet.example", timeout=PATIENCE)
        self.assertEqual(info["from"], "capulet.example")
        await romeo.settle()
        juliet = await self.enter("juliet@capulet.example/window")
        self.assertEqual((await juliet.expect_message("Art thou gone so?"))["delay"]["from"], "capulet.example")
        self.assertEqual(await other.settle(), [])

    async def test_settings_differ_by_domain(self):
        """docs/settings.md: [domain."NAME".area] in the settings file, --domain at run time."""
        with open(self.jackdaw.data + "/jackdaw.toml", "a", encoding="utf-8") as file:
            file.write('[domain."capulet.example".version]\nshow_os = true\n'
                       '[domain."capulet.example".contact]\nadmin = ["mailto:admin@capulet.example"]\n'
                       '[domain."capulet.example".registration]\nauto_signup = true\n')
        self.jackdaw.do("reload")
        self.jackdaw.do("setting", "set", "disco.items", "chat.montague.example", "--domain", "montague.example")
        self.jackdaw.do("setting", "set", "offline.max_messages", "0", "--domain", "montague.example")
        juliet = await self.enter("juliet@capulet.example/balcony")
        for plugin in ("xep_0092", "xep_0128"):
            juliet.register_plugin(plugin)
        found = {}
        for domain in ("montague.example", "capulet.example"):
            version = (await juliet["xep_0092"].get_version(domain, timeout=PATIENCE))["software_version"]
            info = (await juliet["xep_0030"].get_info(jid=domain, timeout=PATIENCE))["disco_info"]
            items = (await juliet["xep_0030"].get_items(jid=domain, timeout=PATIENCE))["disco_items"]["items"]
            forms = [form.get_fields()["admin-addresses"]["value"] for form in info if form.name == "x"]
            stranger, features = await self.at_the_door(domain)
            found[domain] = (bool(version["os"]), [item[0] for item in items], forms, "register" in features,
                             await self.sign_up(stranger, "mercutio") == ())
        self.assertEqual(found, {
            "montague.example": (False, ["chat.montague.example"], [], False, False),
            "capulet.example": (True, [], [["mailto:admin@capulet.example"]], True, True)})

        juliet.send_message("romeo@montague.example", "Stay but a little")  # nothing is kept there
        refused = await juliet.expect(lambda one: one["type"] == "error", "an error")
        self.assertEqual((refused["from"].bare, refused["error"]["condition"]),
                         ("romeo@montague.example", "service-unavailable"))
        # A setting of the server is none of a domain.
        self.assertIn("c2s.max_stanza",
                      self.jackdaw.refused("setting", "set", "c2s.max_stanza", "1MiB", "--domain", "capulet.example"))

    async def test_supplementary_items_change_at_once(self):
        """XEP-0030 §4.1: disco.items names domains, accounts and single devices, for every domain or for one."""
        juliet = await self.enter("juliet@capulet.example/balcony")

        async def items():
            """What each domain shows now."""
            found = {}
            for domain in ("montague.example", "capulet.example"):
                answer = await juliet["xep_0030"].get_items(jid=domain, timeout=PATIENCE)
                found[domain] = {str(jid) for jid, _, _ in answer["disco_items"]["items"]}
            return found["montague.example"], found["capulet.example"]

        self.assertEqual(await items(), (set(), set()))
        everywhere = {"plays.verona.example", "friar@verona.example", "friar@verona.example/Cell of his"}
        self.set_items("plays.verona.example, friar@verona.example, Friar@verona.example/Cell of his")
        self.assertEqual(await items(), (everywhere, everywhere))
        self.set_items("nurse@capulet.example/market", "--domain", "capulet.example")
        self.assertEqual(await items(), (everywhere, {"nurse@capulet.example/market"}))
        self.assertIn("@ is not a valid address", self.jackdaw.refused("setting", "set", "disco.items", "plays.lan, @"))
        self.set_items("plays.verona.example")
        self.assertEqual(await items(), ({"plays.verona.example"}, {"nurse@capulet.example/market"}))
        self.jackdaw.do("setting", "reset", "disco.items", "--domain", "capulet.example")
        self.assertEqual(await items(), ({"plays.verona.example"}, {"plays.verona.example"}))
        self.set_items("")
        self.assertEqual(await items(), (set(), set()))

    def set_items(self, items, *where):
        self.jackdaw.do("setting", "set", "disco.items", items, *where)

    async def test_a_domain_comes_and_goes_while_the_server_runs(self):
        """RFC 6120 §4.9.3.5, §4.9.3.6, §8.3.3.16."""
        romeo = await self.enter("romeo@montague.example/garden")
        self.assertEqual(await self.unserved("nurse@verona.example"), "host-unknown")
        self.jackdaw.do("domain", "add", "verona.example")
        self.add("nurse@verona.example")
        nurse = await self.enter("nurse@verona.example/market")
        stranger, _ = await self.at_the_door("verona.example")
        nurse.send_message("romeo@montague.example", "My mistress!")
        await romeo.expect_message("My mistress!")
        await self.befriend(romeo, nurse)

        self.assertIn("has accounts", self.jackdaw.refused("domain", "delete", "verona.example"))
        await nurse.settle()
        ended = self.error_of(nurse), self.error_of(stranger)
        self.jackdaw.do("user", "delete", "nurse@verona.example")
        self.assertEqual(await ended[0], "not-authorized")
        await romeo.expect_push("nurse@verona.example", subscription="none")
        self.jackdaw.do("domain", "delete", "verona.example")
        stranger["feature_mechanisms"]._handle_sasl_auth({"mechanisms": ["PLAIN"]})
        self.assertEqual(await ended[1], "host-gone")
        self.assertEqual(await self.unserved("nurse@verona.example"), "host-unknown")
        romeo.send_message("nurse@verona.example", "Nurse?")
        error = await romeo.expect(lambda one: one["type"] == "error", "an error")
        self.assertEqual((error["from"], error["error"]["condition"]),
                         ("nurse@verona.example", "remote-server-not-found"))

    async def test_sessions_end_where_the_settings_file_drops_their_domain(self):
        """RFC 6120 §4.9.3.5: host-gone. The accounts are kept for the day when it is served again."""
        romeo = await self.enter("romeo@montague.example/garden")
        juliet = await self.enter("juliet@capulet.example/balcony")
        await self.befriend(romeo, juliet)
        ended = self.error_of(juliet)
        self.jackdaw.do("setup", "--domain", "montague.example")
        self.assertEqual(await ended, "host-gone")
        await romeo.expect_presence("juliet@capulet.example/balcony", "unavailable")
        self.assertEqual(await self.unserved("juliet@capulet.example"), "host-unknown")
        self.jackdaw.do("setup", "--domain", "montague.example,capulet.example")
        await self.enter("juliet@capulet.example/balcony")
        await romeo.expect_presence("juliet@capulet.example/balcony")


class Forms(Domains):
    ACCOUNTS = ("romeo@localhost", "juliet@localhost", "romeo@b\xfccher.example")

    async def test_case_and_width_make_no_other_account(self):
        """RFC 7622 §3.2, §3.3; RFC 8265 §3.3: localparts are mapped in width and case, domainparts as in IDNA."""
        names = {"garden": ("romeo", "localhost"), "street": ("ROMEO", "LocalHost"),
                 "tomb": (wide("RoMeo"), wide("localhost"))}
        romeos = [await self.come_as(Unprepared(*name, where)) for where, name in names.items()]
        self.assertEqual([one.bound_text for one in romeos], [f"romeo@localhost/{where}" for where in names])
        juliet = await self.enter("juliet@localhost/balcony")
        for number, form in enumerate(("Romeo@LOCALHOST", f"{wide('ROMEO')}@localhost", f"romeo@{wide('LOCALHOST')}")):
            juliet.send(f"<message to='{form}' type='chat'><body>{number}</body></message>")
            for romeo in romeos:  # RFC 6121 §8.5.2.1.1: each device of the one account
                self.assertEqual((await romeo.expect_message(str(number)))["from"], "juliet@localhost/balcony")
        await juliet.settle()

        # RFC 6121 §2.3: one contact, whatever form it is written in.
        for form, name in (("TYBALT@localhost", "one"), (wide("Tybalt@localhost").replace(wide("@"), "@"), "two")):
            juliet.send(f"<iq type='set' id='{name}'><query xmlns='jabber:iq:roster'><item jid='{form}' name='{name}'/>"
                        "</query></iq>")
            await juliet.expect_push("tybalt@localhost", name=name)
        roster = juliet.make_iq_get()
        roster.enable("roster")
        items = (await roster.send(timeout=PATIENCE)).xml.findall("*/{jabber:iq:roster}item")
        self.assertEqual([(item.get("jid"), item.get("name")) for item in items], [("tybalt@localhost", "two")])
        self.assertIn("exists", self.not_added(f"{wide('ROMEO')}@Localhost"))

    async def test_the_forms_of_an_international_domain(self):
        """RFC 7622 §3.2.1: an A-label stands for its U-label."""
        forms = ("b\xfccher.example", "xn--bcher-kva.example", "B\xdcCHER.Example", "XN--BCHER-KVA.example",
                 "bu\u0308cher.example")
        for number, form in enumerate(forms):
            romeo = await self.come_as(Unprepared("romeo", form, str(number)))
            self.assertEqual(romeo.bound_text, f"romeo@b\xfccher.example/{number}")
        juliet = await self.enter("juliet@localhost/balcony")
        for form in forms:
            juliet.send(f"<message to='romeo@{form}/4'><body>{form}</body></message>")
            await romeo.expect_message(form)
        romeo.send_message("juliet@localhost", "Good night")
        got = await juliet.expect_message("Good night")
        self.assertEqual(got.xml.get("from"), "romeo@b\xfccher.example/4")

        self.assertIn("served already", self.jackdaw.refused("domain", "add", "XN--BCHER-KVA.example"))
        self.jackdaw.do("domain", "add", "xn--mnchen-3ya.example")
        self.assertIn("m\xfcnchen.example", [row["domain"] for row in self.jackdaw.read("domain", "list")])
        self.add("nurse@M\xdcNCHEN.example")
        nurse = await self.come_as(Unprepared("nurse", "xn--mnchen-3ya.example"))
        self.assertEqual(nurse.bound_text, "nurse@m\xfcnchen.example/garden")

    async def test_resources_keep_their_case(self):
        """RFC 7622 §3.4, RFC 8265 §4.2: OpaqueString maps neither case nor width."""
        resources = ("garden", "Garden", "GARDEN", wide("garden"), "Rose \N{ROSE} <&>")
        people = [await self.come_as(Unprepared("romeo", "localhost", one)) for one in resources]
        self.assertEqual([one.bound_text for one in people], [f"romeo@localhost/{one}" for one in resources])
        juliet = await self.enter("juliet@localhost/balcony")
        for where in resources:
            to = where.replace("&", "&amp;").replace("<", "&lt;")
            juliet.send(f"<message to='romeo@localhost/{to}' type='chat'><body>to {to}</body></message>")
        await juliet.settle()
        for person, where in zip(people, resources):
            came = [one["body"] for one in await person.settle() if one.name == "message"]
            self.assertEqual(came, [f"to {where}"])

    async def test_what_is_no_address_is_malformed(self):
        """RFC 6120 §8.3.3.8, RFC 7622 §3; the session goes on."""
        romeo = await self.enter("romeo@localhost/garden")
        payloads = {"message": ("", "<body>Hist!</body>"), "presence": ("", ""),
                    "iq": ("type='get'", "<ping xmlns='urn:xmpp:ping'/>")}
        for form in ("@localhost", "juliet@", "a b@localhost", "juliet@localhost/", "a&quot;b@localhost", "@",
                     "/balcony", "a@b@localhost", "juliet@local host", "juliet@-.example", "juliet@xn--a.example",
                     "juliet@..", "a" * 1024 + "@localhost", "juliet@localhost/" + "a" * 1024,
                     "juliet@" + "a" * 64 + ".example", "\u265a@localhost", "\u200bjuliet@localhost"):
            for kind, (attributes, payload) in payloads.items():
                romeo.send(f"<{kind} to='{form}' id='bad' {attributes}>{payload}</{kind}>")
                heard = await romeo.expect(lambda one: one["id"] == "bad", f"an error about {form!r}")
                self.assertEqual((heard.name, heard["id"], heard["type"], heard["error"]["condition"],
                                  heard["error"]["type"]), (kind, "bad", "error", "jid-malformed", "modify"), form)
        self.assertEqual(await romeo.settle(), [])


class LookAlikes(Domains):
    ACCOUNTS = ("romeo@localhost", "jessica@localhost", "romeo@venice.example")
    SETTINGS = ("registration.auto_signup=true", "registration.per_address_hour=0")
    MIXED = "nurs\u0435"  # a Cyrillic letter among Latin ones
    CYRILLIC = "\u0458\u0435\u0455\u0455\u0456\u0441\u0430"  # looks like "jessica"
    LATIN = "rorneo"  # looks like "romeo"

    async def test_they_are_refused(self):
        """UTS 39 §4, §5.2, at both places where accounts are made."""
        said = {self.MIXED: "mixes letters of different scripts", self.CYRILLIC: "looks too much like",
                self.LATIN: "looks too much like"}
        stranger, _ = await self.at_the_door("localhost")
        for name, why in said.items():
            self.assertIn(why, self.not_added(f"{name}@localhost"))
            condition, text = await self.sign_up(stranger, name)
            self.assertEqual(condition, "not-acceptable" if name == self.MIXED else "conflict")
            self.assertIn(why, text)
        # Whole names of other scripts are welcome, and what looks like an account of another domain.
        self.add("\u043c\u0435\u0440\u043a\u0443\u0446\u0438\u043e@localhost")
        self.add(f"{self.CYRILLIC}@venice.example")
        self.assertEqual(await self.sign_up(stranger, "\u03c4\u03c5\u03b2\u03ac\u03bb\u03c4\u03bf\u03c2"), ())

    async def test_they_are_allowed_where_the_administrator_wants_it(self):
        self.jackdaw.do("setting", "set", "account.refuse_lookalikes", "false", "--domain", "localhost")
        stranger, _ = await self.at_the_door("localhost")
        self.add(f"{self.MIXED}@localhost")
        for name in (self.CYRILLIC, self.LATIN):
            self.assertEqual(await self.sign_up(stranger, name), ())
        jessica, other = await self.enter("jessica@localhost/a"), await self.enter(f"{self.CYRILLIC}@localhost/a")
        await self.enter(f"{self.MIXED}@localhost/a")
        other.send_message("jessica@localhost", "I am not thou")
        self.assertEqual((await jessica.expect_message("I am not thou"))["from"], f"{self.CYRILLIC}@localhost/a")
        self.assertIn("looks too much like", self.not_added(f"{self.LATIN}@venice.example"))


if __name__ == "__main__":
    logging.disable()  # what slixmpp thinks of being refused
    unittest.main(verbosity=1)
