"""Administrators' rights: on the whole server or for a domain, by the command line in an account's name and by ad-hoc
commands (XEP-0050) of slixmpp.

    rights_test.py PROGRAM

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import json
import sys
import time
import unittest
import xml.etree.ElementTree as ET

from people import PASSWORD, PATIENCE, Stage

Stage.PROGRAM = sys.argv.pop(1)

COMMANDS = "http://jabber.org/protocol/commands"
FORM = "{jabber:x:data}"
MONITOR, HELPER, OWNER = "monitor@localhost", "helper@localhost", "owner@capulet.lan"


class Administrators(Stage):
    """Romeo has no rights; one only looks, one has the accounts of a domain, one has a domain."""

    ACCOUNTS = ("romeo@localhost", MONITOR, HELPER, OWNER, "juliet@capulet.lan")
    SETTINGS = ("log.level=problems",)
    RIGHTS = {MONITOR: "monitors", HELPER: "users@capulet.lan", OWNER: "all@capulet.lan"}

    def setUp(self):
        super().setUp()
        for jid, rights in self.RIGHTS.items():
            self.jackdaw.do("user", "rights", jid, rights)

    def as_(self, jid, *words, password=PASSWORD, own=None):
        """In the name of `jid`: exit code, output, error; `own` is the password that the operation itself asks for."""
        return self.jackdaw.say(*words, "--as", jid, password=password + ("\n" + own if own else ""))

    def done_as(self, jid, *words, own=None):
        code, out, err = self.as_(jid, *words, own=own)
        self.assertEqual((code, err), (0, ""), out)
        return out

    def refused_as(self, jid, *words, password=PASSWORD, own=None):
        code, out, err = self.as_(jid, *words, password=password, own=own)
        self.assertEqual((code, out, err.count("\n")), (1, "", 1), err)
        return err

    def until_logged(self, *parts):
        """A line of the log has all of these."""
        deadline = time.monotonic() + PATIENCE
        while not any(all(part in line for part in parts) for line in self.jackdaw.lines):
            self.assertLess(time.monotonic(), deadline, parts)
            time.sleep(0.05)


class ByCommandLine(Administrators):
    def test_rights_are_given_shown_and_taken_away(self):
        jackdaw = self.jackdaw
        self.assertEqual(jackdaw.read("user", "rights", MONITOR), {"jid": MONITOR, "rights": "monitors"})
        self.assertIn("may monitors,users", jackdaw.do("user", "rights", "romeo@localhost", "users,monitors,users@capulet.lan"))
        self.assertEqual({row["jid"]: row["rights"] for row in jackdaw.read("user", "list", "capulet.lan")},
                         {OWNER: "all@capulet.lan", "juliet@capulet.lan": ""})
        jackdaw.do("user", "rights", "romeo@localhost", "none")
        self.assertEqual(jackdaw.read("user", "show", "romeo@localhost")["rights"], "")
        for wrong, why in (("user", "settings, users or monitors"), ("users@elsewhere.example", "not served"),
                           ("users@", "no domain's name"), ("all,none", "settings, users or monitors"),
                           ("", "say none"), (" ", "say none")):
            self.assertIn(why, jackdaw.refused("user", "rights", "romeo@localhost", wrong))
        self.assertIn("no such account", jackdaw.refused("user", "rights", "paris@localhost", "all"))
        self.assertIn("no such account", jackdaw.refused("user", "rights", "paris@localhost"))
        self.assertNotIn("No account", jackdaw.do("user", "lock", "romeo@localhost"))
        self.assertEqual({row["jid"]: row["rights"] for row in jackdaw.read("user", "rights")},
                         {"admin@localhost": "all", **self.RIGHTS})

    def test_a_domain_with_rights_for_it_stays(self):
        self.jackdaw.do("domain", "add", "new.lan")
        self.jackdaw.do("user", "rights", "romeo@localhost", "users@new.lan")
        self.assertIn("romeo@localhost has rights for it", self.jackdaw.refused("domain", "delete", "new.lan"))
        self.jackdaw.do("user", "rights", "romeo@localhost", "none")
        self.jackdaw.do("domain", "delete", "new.lan")

    def test_the_last_administrator_goes_with_a_word_and_comes_back_by_setup(self):
        jackdaw = self.jackdaw
        self.assertIn("No account has the right all any more", jackdaw.do("user", "rights", "admin@localhost", "none"))
        jackdaw.do("user", "lock", "admin@localhost")
        jackdaw.do("setup", "--password-stdin", password=PASSWORD)
        self.assertEqual(jackdaw.read("user", "rights", "admin@localhost")["rights"], "all")
        self.done_as("admin@localhost", "status")

    def test_rights_outlive_a_restart_and_go_with_the_account(self):
        self.jackdaw.end()
        self.port = self.jackdaw.start()
        self.assertIn("connections", self.done_as(MONITOR, "status"))
        self.jackdaw.do("user", "delete", MONITOR)
        self.jackdaw.do("user", "add", MONITOR, "--reuse", "--password-stdin", password=PASSWORD)
        self.assertIn("has no rights", self.refused_as(MONITOR, "status"))

    def test_who_monitors_changes_nothing(self):
        for words in (("status",), ("session", "list"), ("queue", "list"), ("listen", "list"), ("domain", "list"),
                      ("cert", "list"), ("log", "levels"), ("metrics",), ("handlers",)):
            if words[0] != "queue":
                self.done_as(MONITOR, *words)
        for words in (("setting", "set", "c2s.max_resources", "7"), ("setting", "reset", "c2s.max_resources"),
                      ("setting", "list"), ("reload",), ("log", "watch", "XMPPI"), ("user", "list"), ("user", "lock", "romeo@localhost"),
                      ("session", "kill", "romeo@localhost"), ("domain", "add", "new.lan"), ("backup", "/tmp/not-there/b"),
                      ("user", "rights", MONITOR, "all"), ("queue", "reject", "x.lan")):
            self.assertRegex(self.refused_as(MONITOR, *words), "needs the right .* for .*; .* has monitors")
        self.assertNotIn("7", [row["value"] for row in self.jackdaw.read("setting", "list") if row["name"] == "c2s.max_resources"])

    def test_a_helper_has_the_accounts_of_one_domain(self):
        self.done_as(HELPER, "user", "add", "nurse@capulet.lan", "--password-stdin", own="angelica")
        self.done_as(HELPER, "user", "lock", "nurse@capulet.lan")
        self.assertIn("nurse@capulet.lan", self.done_as(HELPER, "user", "list", "capulet.lan"))
        self.done_as(HELPER, "alias", "add", "n@capulet.lan", "nurse@capulet.lan")
        self.done_as(HELPER, "user", "delete", "nurse@capulet.lan")
        for words, where in ((("user", "show", "romeo@localhost"), "localhost"), (("user", "list"), "the whole server"),
                             (("user", "list", "localhost"), "localhost"), (("alias", "list"), "the whole server"),
                             (("alias", "add", "r@capulet.lan", "romeo@localhost"), "localhost"),
                             (("alias", "add", "r@localhost", "juliet@capulet.lan"), "localhost"),
                             (("user", "show", "no address@"), "the whole server"),
                             (("session", "list"), "the whole server")):
            self.assertIn(f"for {where}; {HELPER} has users@capulet.lan", self.refused_as(HELPER, *words))
        self.jackdaw.do("alias", "add", "chief@capulet.lan", "admin@localhost")
        self.assertIn("admin@localhost: has rights of its own", self.refused_as(HELPER, "alias", "delete", "chief@capulet.lan"))
        self.assertIn("needs the right all for the whole server",
                      self.refused_as(HELPER, "user", "add", "new@capulet.lan", "--admin", "--password-stdin", own="x"))
        self.assertIn("no such account", self.jackdaw.refused("user", "show", "new@capulet.lan"))

    def test_nobody_gets_hold_of_who_has_more_rights(self):
        for words in (("passwd", OWNER, "--password-stdin"), ("lock", OWNER), ("delete", OWNER), ("show", OWNER)):
            said = self.refused_as(HELPER, "user", *words, own="mine" if "--password-stdin" in words else None)
            self.assertIn("has rights of its own (all@capulet.lan)", said)
        self.assertIn("has rights of its own", self.refused_as(HELPER, "session", "kill", OWNER))
        self.assertIn("has rights of its own", self.refused_as(HELPER, "alias", "add", "o@capulet.lan", OWNER))
        self.done_as(OWNER, "user", "rights", "juliet@capulet.lan", "users@capulet.lan")
        self.done_as(OWNER, "user", "lock", "juliet@capulet.lan")
        self.jackdaw.do("user", "rights", "juliet@capulet.lan", "users@capulet.lan,monitors@localhost")
        self.assertIn("has rights of its own", self.refused_as(OWNER, "user", "unlock", "juliet@capulet.lan"))

    def test_an_owner_has_a_domain_and_gives_no_more_than_that(self):
        self.done_as(OWNER, "setting", "set", "message.refuse_strangers", "true", "--domain", "capulet.lan")
        self.done_as(OWNER, "setting", "get", "message.refuse_strangers", "--domain", "capulet.lan")
        self.done_as(OWNER, "cert", "check", "capulet.lan", "--no-dns")
        self.done_as(OWNER, "session", "list", "--account", "juliet@capulet.lan")
        for words in (("setting", "set", "message.refuse_strangers", "true"), ("setting", "list"), ("cert", "check"),
                      ("setting", "set", "message.refuse_strangers", "true", "--domain", "localhost"), ("domain", "delete", "capulet.lan")):
            self.assertIn("needs the right", self.refused_as(OWNER, *words))
        self.assertIn("names a file of the server's machine",
                      self.refused_as(OWNER, "setting", "set", "tls.key", "/etc/shadow", "--domain", "capulet.lan"))
        self.jackdaw.do("setting", "set", "auth.external_ca", "/etc/ssl/certs/ca-certificates.crt", "--domain", "capulet.lan")
        self.assertIn("names a file of the server's machine",
                      self.refused_as(OWNER, "setting", "reset", "auth.external_ca", "--domain", "capulet.lan"))
        self.assertIn("is a setting of the whole server", self.refused_as(OWNER, "setting", "get", "listen.client", "--domain", "capulet.lan"))
        for rights in ("all", "users", "users@localhost", "monitors"):
            self.assertIn("can be given by who has it alone", self.refused_as(OWNER, "user", "rights", "juliet@capulet.lan", rights))
        self.assertIn("for localhost", self.refused_as(OWNER, "user", "rights", "romeo@localhost", "users@capulet.lan"))

    def test_names_and_passwords_are_proven(self):
        wrong = self.refused_as(MONITOR, "status", password="wrong")
        self.assertEqual(wrong, self.refused_as("nobody@localhost", "status"))
        self.assertEqual(wrong, self.refused_as("not an address", "status"))
        self.assertIn("has no rights", self.refused_as("romeo@localhost", "status"))
        self.jackdaw.do("alias", "add", "watch@localhost", MONITOR)
        self.done_as("watch@localhost", "status")
        # As at a log-in: an alias in another domain is for messages alone.
        self.jackdaw.do("alias", "add", "watch@capulet.lan", MONITOR)
        self.assertEqual(wrong, self.refused_as("watch@capulet.lan", "status"))
        self.jackdaw.do("user", "lock", MONITOR)
        self.assertIn("locked", self.refused_as(MONITOR, "status"))
        self.assertEqual(self.as_(MONITOR, "settings")[0], 2)
        self.assertEqual(self.as_(MONITOR, "serve")[0], 2)
        self.assertEqual(self.as_("", "status")[0], 2)
        self.assertEqual(self.jackdaw.say("--as", MONITOR, "status", "--as", "admin@localhost", password=PASSWORD)[0], 2)

    def test_guessing_is_slowed_down(self):
        for _ in range(5):
            self.assertIn("is wrong", self.refused_as(MONITOR, "status", password="wrong"))
        self.assertIn("Too many failed log-ins", self.refused_as(MONITOR, "status"))
        self.assertIn('jackdaw_administrator_logins_refused_total 6', self.jackdaw.do("metrics"))

    def test_rights_count_on_the_store_too(self):
        self.jackdaw.end()
        self.assertIn("juliet@capulet.lan", self.done_as(HELPER, "user", "list", "capulet.lan"))
        self.assertIn("needs the right", self.refused_as(HELPER, "user", "list"))
        self.assertIn("is wrong", self.refused_as(HELPER, "user", "list", "capulet.lan", password="wrong"))

    def test_refusals_are_logged_and_counted(self):
        self.refused_as(MONITOR, "reload")
        self.until_logged("operation refused", "operation=reload", f"by={MONITOR}")
        self.refused_as(OWNER, "user", "rights", "juliet@capulet.lan", "all")
        self.until_logged("operation refused", '"user rights juliet@capulet.lan all"', f"by={OWNER}")
        self.refused_as("romeo@localhost", "status")
        self.until_logged("operation refused", "by=romeo@localhost")
        self.done_as(MONITOR, "status")
        self.until_logged("operation done", "operation=status", f"by={MONITOR}")
        self.done_as(HELPER, "user", "add", "nurse@capulet.lan", "--password-stdin", own="hush-hush")
        self.until_logged("operation done", '"user add nurse@capulet.lan ..."', f"by={HELPER}")
        self.jackdaw.do("setting", "set", "component.password", "hush-hush")
        self.until_logged("operation done", '"setting set component.password ..."', "by=local")
        self.jackdaw.refused("user", "lock", "paris@localhost")
        self.until_logged("operation failed", '"user lock paris@localhost"', "no such account")
        self.assertFalse([line for line in self.jackdaw.lines if "hush-hush" in line])
        self.assertIn("jackdaw_operations_refused_total 3", self.jackdaw.do("metrics"))


def submitted(fields):
    form = ET.Element(FORM + "x", type="submit")
    for name, values in fields.items():
        field = ET.SubElement(form, FORM + "field", var=name)
        for value in [values] if isinstance(values, str) else values:
            ET.SubElement(field, FORM + "value").text = value
    return form


class ByAdHocCommands(Administrators):
    async def enter(self, jid, **how):
        person = await super().enter(jid, **how)
        person.register_plugin("xep_0050")
        return person

    async def send(self, person, node, session=None, action=None, form=None, to=None):
        """One <command/>: the one that comes back."""
        iq = person.make_iq_set(ito=to or person.boundjid.domain)
        command = ET.SubElement(iq.xml, f"{{{COMMANDS}}}command", node=node)
        for name, value in (("sessionid", session), ("action", action)):
            if value is not None:
                command.set(name, value)
        if form is not None:
            command.append(form)
        answer = await iq.send(timeout=PATIENCE)
        return answer.xml.find(f"{{{COMMANDS}}}command")

    async def error_of(self, person, node, **how):
        """The condition, and that of XEP-0050 beside it."""
        from slixmpp.exceptions import IqError
        try:
            answer = await self.send(person, node, **how)
        except IqError as error:
            inside = [child.tag for child in error.iq.xml.find("{jabber:client}error")]
            own = [tag.split("}")[1] for tag in inside if tag.startswith("{" + COMMANDS)]
            return error.iq["error"]["condition"], *own
        raise AssertionError(f"not refused: {ET.tostring(answer)}")

    async def run_command(self, person, node, **fields):
        """From the first request to the end: the last <command/>."""
        command = await self.send(person, node)
        if command.get("status") == "executing":
            command = await self.send(person, node, session=command.get("sessionid"), action="complete", form=submitted(fields))
        self.assertEqual((command.get("status"), command.get("node")), ("completed", node))
        return command

    def notes(self, command, kind):
        return [note.text for note in command.iter(f"{{{COMMANDS}}}note") if note.get("type") == kind]

    def rows(self, command):
        return [{field.get("var"): field.findtext(FORM + "value") or "" for field in item.iter(FORM + "field")}
                for item in command.iter(FORM + "item")]

    async def listed(self, person, domain=None):
        items = await person["xep_0050"].get_commands(domain or person.boundjid.domain, timeout=PATIENCE)
        return {node for jid, node, name in items["disco_items"]["items"] if jid == (domain or person.boundjid.domain)}

    async def test_an_administrator_has_the_whole_table_and_can_do_all_of_it(self):
        table = [row["operation"] for row in json.loads(self.jackdaw.do("operations", "--json"))]
        admin = await self.enter("admin@localhost")
        nodes = await self.listed(admin)
        # All but what is a process of its own.
        for usage in table:
            mine = any(usage == node or usage.startswith(node + " ") for node in nodes)
            self.assertEqual(mine, usage.split()[0] not in ("serve", "setup", "restore"), usage)
        self.assertEqual(len(nodes), len(table) - 3)
        await self.enter("romeo@localhost/garden")
        for node in sorted(nodes - {"reload"}):
            command = await self.send(admin, node)
            form = command.find(FORM + "x")
            if command.get("status") == "executing" and form.find(f".//{FORM}required") is None:
                command = await self.send(admin, node, session=command.get("sessionid"), form=submitted({}))
            self.assertIn(command.get("status"), ("completed", "executing"), node)
            if command.get("status") == "completed" and node not in ("queue list", "queue flush"):
                self.assertEqual(self.notes(command, "error"), [], node)
                self.assertTrue(list(command), node)
        self.assertEqual(self.notes(await self.run_command(admin, "reload"), "error"), [])

    async def test_an_account_is_made_shown_and_removed(self):
        admin = await self.enter("admin@localhost")
        first = await self.send(admin, "user add", action="execute")
        self.assertEqual(first.get("status"), "executing")
        self.assertEqual([action.tag for action in first.find(f"{{{COMMANDS}}}actions")], [f"{{{COMMANDS}}}complete"])
        fields = {field.get("var"): field for field in first.iter(FORM + "field")}
        self.assertEqual({name: field.get("type") for name, field in fields.items()},
                         {"jid": "jid-single", "password": "text-private", "admin": "boolean", "reuse": "boolean"})
        self.assertIsNotNone(fields["jid"].find(FORM + "required"))
        form = submitted({"jid": "nurse@localhost", "password": "angelica", "unknown": "x"})
        last = await self.send(admin, "user add", session=first.get("sessionid"), form=form)
        self.assertEqual(self.notes(last, "info"), ["nurse@localhost: added"])
        self.assertEqual(last.get("sessionid"), first.get("sessionid"))
        shown = await self.run_command(admin, "user show", jid="nurse@localhost")
        self.assertEqual({f.get("var"): f.findtext(FORM + "value") for f in shown.iter(FORM + "field")}["rights"] or "", "")
        listed = self.rows(await self.run_command(admin, "user list", domain="localhost"))
        self.assertIn("nurse@localhost", [row["jid"] for row in listed])
        again = await self.run_command(admin, "user add", jid="nurse@localhost", password="x")
        self.assertEqual(self.notes(again, "error"), ["nurse@localhost: An account of this name exists already."])
        await self.run_command(admin, "user delete", jid="nurse@localhost")
        self.assertIn("no such account", self.jackdaw.refused("user", "show", "nurse@localhost"))

    async def test_settings_are_changed_at_run_time(self):
        admin = await self.enter("admin@localhost")
        done = await self.run_command(admin, "setting set", name="message.refuse_strangers", value="true", domain="capulet.lan")
        self.assertEqual(self.notes(done, "info"), ["domain.\"capulet.lan\".message.refuse_strangers = true"])
        self.assertEqual(self.jackdaw.read("setting", "get", "message.refuse_strangers", "--domain", "capulet.lan")["value"], "true")
        wrong = await self.run_command(admin, "setting set", name="c2s.max_resources", value="many")
        self.assertIn("1 to 1000", self.notes(wrong, "error")[0])
        # An empty value is one.
        await self.run_command(admin, "setting set", name="disco.items", value="")
        self.assertIn("a file, from / on", self.notes(await self.run_command(admin, "backup", file="here"), "error")[0])

    async def test_everybody_sees_and_does_what_they_may(self):
        monitor, helper, owner = [await self.enter(jid) for jid in (MONITOR, HELPER, OWNER)]
        nodes = await self.listed(monitor)
        self.assertLessEqual({"status", "session list", "metrics", "cert list"}, nodes)
        self.assertFalse(nodes & {"setting set", "user add", "user rights", "reload", "backup", "domain add"})
        self.assertEqual(await self.error_of(monitor, "setting set"), ("forbidden",))
        self.assertTrue(await self.run_command(monitor, "status"))
        self.assertLessEqual({"user add", "user list", "session kill"}, await self.listed(helper))
        await self.run_command(helper, "user add", jid="nurse@capulet.lan", password="angelica")
        elsewhere = await self.run_command(helper, "user add", jid="nurse@localhost", password="angelica")
        self.assertIn("needs the right users for localhost", self.notes(elsewhere, "error")[0])
        admin = await self.run_command(helper, "user add", jid="new@capulet.lan", password="x", admin="1")
        self.assertIn("needs the right all", self.notes(admin, "error")[0])
        self.assertNotIn("alias list", await self.listed(helper))
        self.assertIn("user rights", await self.listed(owner))
        await self.run_command(owner, "user rights", jid="juliet@capulet.lan", rights="monitors@capulet.lan")
        self.assertEqual(self.jackdaw.read("user", "rights", "juliet@capulet.lan")["rights"], "monitors@capulet.lan")

    async def test_who_has_no_rights_sees_nothing_and_does_nothing(self):
        romeo = await self.enter("romeo@localhost")
        self.assertEqual(await self.listed(romeo), set())
        for node in ("status", "settings", "user add", "nonsense"):
            self.assertEqual(await self.error_of(romeo, node), ("forbidden",))
        self.assertEqual(await self.refused_info(romeo, "user add"), ("forbidden", "auth"))
        self.assertEqual(await self.refused_info(romeo, "nonsense"), ("item-not-found", "cancel"))
        self.until_logged("ad-hoc command refused", "romeo@localhost")
        self.until_logged("operation refused", "by=romeo@localhost")
        self.assertIn("jackdaw_commands_refused_total 4", self.jackdaw.do("metrics"))
        self.assertIn("jackdaw_operations_refused_total 5", self.jackdaw.do("metrics"))

    async def refused_info(self, person, node):
        iq = person.make_iq_get("http://jabber.org/protocol/disco#info", ito=person.boundjid.domain)
        iq["disco_info"]["node"] = node
        return await person.refused(iq)

    async def test_commands_say_what_they_are(self):
        admin = await self.enter("admin@localhost")
        domain = await admin["xep_0030"].get_info(jid="localhost", timeout=PATIENCE)
        self.assertIn(COMMANDS, domain["disco_info"]["features"])
        one = await admin["xep_0030"].get_info(jid="localhost", node="user add", timeout=PATIENCE)
        self.assertEqual({identity[:2] for identity in one["disco_info"]["identities"]}, {("automation", "command-node")})
        self.assertEqual(set(one["disco_info"]["features"]), {COMMANDS, "jabber:x:data"})
        every = await admin["xep_0030"].get_info(jid="localhost", node=COMMANDS, timeout=PATIENCE)
        self.assertEqual({identity[:2] for identity in every["disco_info"]["identities"]}, {("automation", "command-list")})

    async def test_wrong_requests_get_their_conditions(self):
        admin, monitor = await self.enter("admin@localhost"), await self.enter(MONITOR)
        self.assertEqual(await self.error_of(admin, "nonsense"), ("item-not-found",))
        self.assertEqual(await self.error_of(admin, "user add", action="dance"), ("bad-request", "malformed-action"))
        self.assertEqual(await self.error_of(admin, "user add", action="cancel"), ("bad-request", "bad-sessionid"))
        self.assertEqual(await self.error_of(admin, "user add", session="none", form=submitted({})), ("not-allowed", "session-expired"))
        first = await self.send(admin, "user add")
        session = first.get("sessionid")
        self.assertEqual(await self.error_of(admin, "user show", session=session), ("bad-request", "bad-sessionid"))
        self.jackdaw.do("user", "rights", MONITOR, "users")
        self.assertEqual(await self.error_of(monitor, "user add", session=session), ("not-allowed", "session-expired"))
        self.assertEqual(await self.error_of(admin, "user add", session=session, action="prev"), ("bad-request", "bad-action"))
        for form in (None, submitted({"jid": "x@localhost"}), submitted({"jid": "", "password": "x"})):
            self.assertEqual(await self.error_of(admin, "user add", session=session, form=form), ("bad-request", "bad-payload"))
        self.assertEqual((await self.send(admin, "user add", session=session, action="cancel")).get("status"), "canceled")
        self.assertEqual(await self.error_of(admin, "user add", session=session, action="cancel"), ("not-allowed", "session-expired"))

    async def test_what_is_not_clear_is_refused(self):
        admin = await self.enter("admin@localhost")
        session = (await self.send(admin, "user add")).get("sessionid")
        for fields in ({"jid": ["x@localhost", "y@localhost"], "password": "x"},
                       {"jid": "x@localhost", "password": "x", "admin": "maybe"}):
            self.assertEqual(await self.error_of(admin, "user add", session=session, form=submitted(fields)), ("bad-request", "bad-payload"))
        asking = submitted({"jid": "x@localhost", "password": "x"})
        asking.set("type", "form")
        self.assertEqual(await self.error_of(admin, "user add", session=session, form=asking), ("bad-request", "bad-payload"))

    async def test_who_changes_their_own_password_stays_and_is_answered(self):
        admin, other = await self.enter("admin@localhost/one"), await self.enter("admin@localhost/two")
        done = await self.run_command(admin, "user passwd", jid="admin@localhost", password="another one")
        self.assertEqual(self.notes(done, "info"), ["admin@localhost: password changed"])
        await asyncio.wait_for(other.gone.wait(), PATIENCE)
        self.assertTrue(await self.run_command(admin, "status"))

    async def test_rights_that_are_taken_away_count_at_once(self):
        helper = await self.enter(HELPER)
        first = await self.send(helper, "user add")
        self.jackdaw.do("user", "rights", HELPER, "none")
        form = submitted({"jid": "nurse@capulet.lan", "password": "angelica"})
        self.assertEqual(await self.error_of(helper, "user add", session=first.get("sessionid"), form=form), ("forbidden",))
        self.assertIn("no such account", self.jackdaw.refused("user", "show", "nurse@capulet.lan"))

    async def test_passwords_are_in_no_log(self):
        self.jackdaw.do("log", "watch", "127.0.0.1")
        admin = await self.enter("admin@localhost")
        await self.run_command(admin, "user add", jid="nurse@localhost", password="hush-hush")
        await self.run_command(admin, "setting set", name="component.secrets", value="c.localhost=hush-hush")
        await admin.go()
        self.jackdaw.end()
        self.jackdaw.said("with a secret")
        self.assertFalse([line for line in self.jackdaw.lines if "hush-hush" in line])

    async def test_who_ends_their_own_account_or_session_harms_nobody(self):
        admin = await self.enter("admin@localhost/one")
        first = await self.send(admin, "session kill")
        iq = admin.make_iq_set(ito="localhost")
        iq.xml.append(ET.fromstring(f"<command xmlns='{COMMANDS}' node='session kill' sessionid='{first.get('sessionid')}'/>"))
        iq.xml[0].append(submitted({"jid": "admin@localhost/one"}))
        iq.send()
        await asyncio.wait_for(admin.gone.wait(), PATIENCE)
        again = await self.enter("admin@localhost/two")
        self.assertTrue(await self.run_command(again, "status"))


if __name__ == "__main__":
    unittest.main(verbosity=1)
