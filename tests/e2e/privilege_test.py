"""Components that act for accounts (XEP-0356), with slixmpp's own plugin: rosters, messages, requests, presence.

    privilege_test.py PROGRAM [TEST]

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import sys
import unittest
from xml.etree import ElementTree

from slixmpp.exceptions import IqError

from people import PATIENCE, Stage
from services import Service

Stage.PROGRAM = sys.argv.pop(1)
SECRET = "wherefore art thou"
NURSE, OTHER = "nurse.localhost", "plays.localhost"
PRIVILEGE, FORWARD, CLIENT = "urn:xmpp:privilege:2", "urn:xmpp:forward:0", "jabber:client"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
ALL = (f"{NURSE} roster=both message=outgoing presence=roster iq=get:urn:xmpp:ping iq=both:jabber:iq:private "
       "iq=get:jabber:iq:roster")


def condition_of(stanza):
    """slixmpp does not find it in the namespace of components."""
    names = [child.tag for child in stanza.xml.iter() if child.tag.startswith(f"{{{STANZAS}}}")]
    return names[0].split("}")[1]


class Privileges(Stage):
    SETTINGS = (f"component.password={SECRET}", "server.cores=3", "log.level=problems")
    GRANT = ALL

    def setUp(self):
        self.SETTINGS = (*Privileges.SETTINGS, f"component.privileges={self.GRANT}") if self.GRANT else Privileges.SETTINGS
        super().setUp()

    async def service(self, name=NURSE):
        """A component that knows what it may do."""
        service = Service(name, SECRET)
        service.register_plugin("xep_0356")
        service["xep_0356"].granted_privileges = {"roster": "none", "message": "none", "presence": "none"}
        self.here.append(service)
        told = asyncio.Event()
        service.add_event_handler("privileges_advertised", lambda _: told.set())
        await service.come(self.port)
        if name == NURSE and self.GRANT:
            await asyncio.wait_for(told.wait(), PATIENCE)
        return service

    async def contact(self, person, jid, **how):
        """A contact in that person's roster."""
        await person.update_roster(jid, **how)

    async def condition(self, request):
        """The condition of the error for what was sent."""
        with self.assertRaises(IqError) as refused:
            await request
        return condition_of(refused.exception.iq)


class Rosters(Privileges):
    async def test_it_reads_and_changes_them(self):
        romeo, nurse = await self.enter("romeo@localhost/garden"), await self.service()
        await romeo.get_roster(timeout=PATIENCE)
        await self.contact(romeo, "benvolio@localhost", name="Benvolio", groups=["Cousins"])
        roster = await nurse["xep_0356"].get_roster("romeo@localhost", timeout=PATIENCE)
        self.assertEqual(roster["roster"]["items"]["benvolio@localhost"]["name"], "Benvolio")
        await nurse["xep_0356"].set_roster("romeo@localhost", {"rosaline@localhost": {"name": "Rosaline"}}, timeout=PATIENCE)
        await romeo.expect_push("rosaline@localhost", name="Rosaline")
        # It hears of changes, its own ones too.
        for jid in ("benvolio@localhost", "rosaline@localhost"):
            push = await nurse.expect(lambda s, jid=jid: s.xml.get("type") == "set" and jid in str(s), "a push")
            self.assertEqual((push["from"], push["to"]), ("romeo@localhost", NURSE))

    async def test_of_somebody_who_is_not_there(self):
        nurse = await self.service()
        await nurse["xep_0356"].set_roster("juliet@localhost", {"romeo@localhost": {"name": "Romeo"}}, timeout=PATIENCE)
        juliet = await self.enter("juliet@localhost/balcony")
        await juliet.get_roster(timeout=PATIENCE)
        self.assertEqual(juliet.client_roster["romeo@localhost"]["name"], "Romeo")

    async def test_others_may_not(self):
        """A component without permissions, and an account of the one that has them."""
        other, nurse = await self.service(OTHER), await self.service()
        for service, sender in ((other, OTHER), (nurse, f"angelica@{NURSE}")):
            request = service.make_iq_get("jabber:iq:roster", ito="romeo@localhost", ifrom=sender)
            self.assertEqual(await self.condition(request.send(timeout=PATIENCE)), "service-unavailable")


class ReadingOnly(Privileges):
    GRANT = f"{NURSE} roster=get push=false"

    async def test_a_change_is_forbidden_and_no_pushes_come(self):
        romeo, nurse = await self.enter("romeo@localhost/garden"), await self.service()
        await self.contact(romeo, "benvolio@localhost", name="Benvolio")
        roster = await nurse["xep_0356"].get_roster("romeo@localhost", timeout=PATIENCE)
        self.assertIn("benvolio@localhost", roster["roster"]["items"])
        request = nurse["xep_0356"]._make_set_roster("romeo@localhost", {"rosaline@localhost": {}})
        self.assertEqual(await self.condition(request.send(timeout=PATIENCE)), "forbidden")
        romeo.send_message(NURSE, "Hie thee hence")
        came = []
        while not came or came[-1]["body"] != "Hie thee hence":
            came.append(await nurse.expect(lambda s: True, "the message"))
        self.assertFalse([s for s in came if s.xml.get("type") == "set"])

    async def test_nothing_else_is_permitted(self):
        romeo, nurse = await self.enter("romeo@localhost/garden"), await self.service()
        words = nurse.make_message("juliet@localhost", "Wherefore art thou?", mfrom="romeo@localhost")
        nurse["xep_0356"]._make_privileged_message(words).send()
        error = await nurse.expect(lambda s: s["type"] == "error", "an error")
        self.assertEqual(condition_of(error), "forbidden")
        self.assertEqual([s for s in await romeo.settle() if s["from"] == NURSE], [])


class Speaking(Privileges):
    async def test_in_the_name_of_an_account_and_of_the_server(self):
        juliet, nurse = await self.enter("juliet@localhost/balcony"), await self.service()
        for sender in ("romeo@localhost", "localhost"):
            words = nurse.make_message("juliet@localhost/balcony", f"From {sender}", mfrom=sender)
            nurse["xep_0356"].send_privileged_message(words)
            self.assertEqual((await juliet.expect_message(f"From {sender}"))["from"], sender)

    async def test_but_no_others(self):
        """A device, another domain, no sender at all."""
        juliet, nurse = await self.enter("juliet@localhost/balcony"), await self.service()
        for sender in ("romeo@localhost/garden", "romeo@montague.lan", OTHER):
            words = nurse.make_message("juliet@localhost/balcony", "Come", mfrom=sender)
            nurse["xep_0356"].send_privileged_message(words)
            error = await nurse.expect(lambda s: s["type"] == "error", "an error")
            self.assertEqual((error["from"], condition_of(error)), ("localhost", "forbidden"))
        self.assertEqual([s for s in await juliet.settle() if s["body"]], [])

    def request(self, nurse, kind, payload, to="romeo@localhost", inner=None, encapsulated=None):
        """A request for romeo@localhost, as its XML."""
        iq = nurse.Iq()
        iq["to"], iq["from"], iq["type"] = to, NURSE, kind
        outer = f"<privileged_iq xmlns='{PRIVILEGE}'><iq xmlns='{CLIENT}' id='inside' type='{inner or kind}'"
        iq.append(ElementTree.fromstring(f"{outer} {encapsulated or ''}>{payload}</iq></privileged_iq>"))
        return iq.send(timeout=PATIENCE)

    async def test_requests_and_their_answers(self):
        """To the account itself, and to somebody else."""
        romeo, nurse = await self.enter("romeo@localhost/garden"), await self.service()
        note = "<query xmlns='jabber:iq:private'><note xmlns='urn:example:note'>Parting is such sweet sorrow</note></query>"
        await self.request(nurse, "set", note)
        answer = await self.request(nurse, "get", "<query xmlns='jabber:iq:private'><note xmlns='urn:example:note'/></query>")
        inner = answer.xml.find(f"{{{PRIVILEGE}}}privilege/{{{FORWARD}}}forwarded/{{{CLIENT}}}iq")
        self.assertEqual((inner.get("id"), inner.get("type"), inner.get("from"), inner.get("to")),
                         ("inside", "result", "romeo@localhost", "romeo@localhost"))
        self.assertIn("sweet sorrow", inner.find(".//{urn:example:note}note").text)
        answer = await self.request(nurse, "get", "<ping xmlns='urn:xmpp:ping'/>", encapsulated=f"to='{romeo.boundjid.full}'")
        inner = answer.xml.find(f"{{{PRIVILEGE}}}privilege/{{{FORWARD}}}forwarded/{{{CLIENT}}}iq")
        self.assertEqual((inner.get("from"), inner.get("type")), (romeo.boundjid.full, "result"))
        answer = await self.request(nurse, "get", "<ping xmlns='urn:xmpp:ping'/>", encapsulated="to='nobody@localhost'")
        inner = answer.xml.find(f"{{{PRIVILEGE}}}privilege/{{{FORWARD}}}forwarded/{{{CLIENT}}}iq")
        self.assertEqual((inner.get("from"), inner.get("type")), ("nobody@localhost", "error"))

    async def test_requests_that_are_forbidden(self):
        """XEP-0356 §6.3, its list."""
        nurse, ping = await self.service(), "<ping xmlns='urn:xmpp:ping'/>"
        forbidden = (dict(kind="get", payload="<query xmlns='jabber:iq:last'/>"), dict(kind="set", payload=ping),
                     dict(kind="get", payload=ping, inner="set"),
                     dict(kind="get", payload=ping, encapsulated="from='juliet@localhost'"),
                     dict(kind="get", payload=ping, encapsulated="from='romeo@localhost/garden'"))
        for how in forbidden:
            with self.subTest(how):
                self.assertEqual(await self.condition(self.request(nurse, **how)), "forbidden")


class Presence(Privileges):
    async def test_of_accounts_and_their_contacts(self):
        nurse = await self.service()
        romeo, juliet = await self.enter("romeo@localhost/garden"), await self.enter("juliet@localhost/balcony")
        for person in (romeo, juliet):
            came = await nurse.expect_presence(person.boundjid.full)
            self.assertEqual(came["to"], NURSE)
        await self.befriend(romeo, juliet)
        juliet.send_presence(pshow="away")
        await nurse.expect_presence(juliet.boundjid.full, fits=lambda p: p["show"] == "away")
        await romeo.go()
        await nurse.expect_presence("romeo@localhost/garden", "unavailable")

    async def test_of_who_was_there_before(self):
        romeo = await self.enter("romeo@localhost/garden")
        nurse = await self.service()
        await nurse.expect_presence(romeo.boundjid.full)


class AccountsOnly(Privileges):
    GRANT = f"{NURSE} presence=managed_entity"

    async def test_only_coming_and_going(self):
        nurse = await self.service()
        romeo = await self.enter("romeo@localhost/garden")
        await nurse.expect_presence(romeo.boundjid.full)
        romeo.send_presence(pshow="away")
        await romeo.settle()
        await romeo.go()
        gone = await nurse.expect(lambda s: s["from"] == "romeo@localhost/garden", "presence")
        self.assertEqual(gone["type"], "unavailable")


class Changes(Privileges):
    GRANT = None

    async def test_at_run_time(self):
        """What it may do is said again; wrong rows are refused."""
        nurse = await self.service()
        self.jackdaw.do("setting", "set", "component.privileges", f"{NURSE} roster=get")
        await nurse.expect(lambda s: s.xml.find(f"{{{PRIVILEGE}}}privilege") is not None, "permissions")
        await nurse["xep_0356"].get_roster("romeo@localhost", timeout=PATIENCE)
        for row, why in ((f"{NURSE} presence=roster", "presence=roster needs roster=get"),
                         (f"{NURSE} roster=all", "allowed: roster=none|get|set|both"),
                         ("roster=get", "is no component's name"),
                         (f"{NURSE} roster=get,{NURSE} roster=set", "is named twice")):
            self.assertIn(why, self.jackdaw.refused("setting", "set", "component.privileges", row))
        self.jackdaw.do("setting", "set", "component.privileges", "")
        request = nurse["xep_0356"]._make_get_roster("romeo@localhost")
        self.assertEqual(await self.condition(request.send(timeout=PATIENCE)), "service-unavailable")


if __name__ == "__main__":
    unittest.main(verbosity=1)
