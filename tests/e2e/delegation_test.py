"""Components that answer requests in the server's place (XEP-0355), with slixmpp on both sides.

    delegation_test.py PROGRAM [TEST]

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import sys
import unittest
from xml.etree import ElementTree

from slixmpp.exceptions import IqError
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from people import PATIENCE, Stage
from services import Service

Stage.PROGRAM = sys.argv.pop(1)
SECRET, NURSE = "wherefore art thou", "nurse.localhost"
DELEGATION, FORWARD, CLIENT = "urn:xmpp:delegation:2", "urn:xmpp:forward:0", "jabber:client"
ACCEPT, INFO = "jabber:component:accept", "http://jabber.org/protocol/disco#info"
POEMS, PRIVATE = "urn:example:poems", "jabber:iq:private"


class Nurse(Service):
    """A component that answers what it is given: with the `answer` that a test has chosen, or as it should."""

    def __init__(self, name, secret):
        super().__init__(name, secret)
        self.given, self.granted, self.answer = [], asyncio.Queue(), self.good_answer
        self.register_handler(Callback("given", MatchXPath(f"{{{ACCEPT}}}iq/{{{DELEGATION}}}delegation"), self.take))
        self.register_handler(Callback("granted", MatchXPath(f"{{{ACCEPT}}}message/{{{DELEGATION}}}delegation"),
                                       lambda s: self.granted.put_nowait(s)))
        self.register_handler(Callback("asked", MatchXPath(f"{{{ACCEPT}}}iq/{{{INFO}}}query"), self.tell))

    def take(self, stanza):
        request = stanza.xml.find(f"{{{DELEGATION}}}delegation/{{{FORWARD}}}forwarded/{{{CLIENT}}}iq")
        if stanza["type"] == "set" and request is not None:
            self.given.append(request)
            self.send_raw(self.answer(stanza, request))

    @staticmethod
    def good_answer(stanza, request, **other):
        said = {"type": "result", "id": request.get("id"), "to": request.get("from"), "from": request.get("to"), **other}
        attributes = " ".join(f"{name}='{value}'" for name, value in said.items() if value)
        return (f"<iq type='result' id='{stanza['id']}' from='{NURSE}' to='localhost'><delegation xmlns='{DELEGATION}'>"
                f"<forwarded xmlns='{FORWARD}'><iq xmlns='{CLIENT}' {attributes}><poem xmlns='{POEMS}'>A rose</poem></iq>"
                f"</forwarded></delegation></iq>")

    def tell(self, stanza):
        """What it can do, for the server to say: XEP-0355 §7.2."""
        node = stanza.xml.find(f"{{{INFO}}}query").get("node", "")
        identity = "<identity category='pubsub' type='pep'/>" if ":bare:" in node else ""
        self.send_raw(f"<iq type='result' id='{stanza['id']}' from='{NURSE}' to='localhost'><query xmlns='{INFO}' "
                      f"node='{node}'>{identity}<feature var='{POEMS}'/><feature var='{POEMS}#sonnets'/></query></iq>")


class Delegations(Stage):
    SETTINGS = (f"component.password={SECRET}", "server.cores=3", "log.level=problems",
                f"component.delegations={NURSE} ns={POEMS} ns={PRIVATE} only=author "
                "ns=urn:xmpp:delegation:2:bare:disco#info:*")

    async def nurse(self):
        nurse = Nurse(NURSE, SECRET)
        self.here.append(nurse)
        await nurse.come(self.port)
        granted = (await asyncio.wait_for(nurse.granted.get(), PATIENCE)).xml.find(f"{{{DELEGATION}}}delegation")
        self.assertEqual({(one.get("namespace"), tuple(a.get("name") for a in one)) for one in granted},
                         {(POEMS, ()), (PRIVATE, ("author",)), ("urn:xmpp:delegation:2:bare:disco#info:*", ())})
        return nurse

    async def ask(self, person, payload, to=None, kind="get"):
        iq = person.Iq()
        iq["type"] = kind
        if to:
            iq["to"] = to
        iq.append(ElementTree.fromstring(payload))
        return (await iq.send(timeout=PATIENCE)).xml

    async def refusal(self, *request, **how):
        with self.assertRaises(IqError) as refused:
            await self.ask(*request, **how)
        return refused.exception.iq["error"]["condition"]


class Requests(Delegations):
    async def test_to_the_server_to_oneself_and_to_another_account(self):
        nurse, romeo = await self.nurse(), await self.enter("romeo@localhost/garden")
        for to, answers in (("localhost", "localhost"), ("romeo@localhost", "romeo@localhost"), (None, "romeo@localhost"),
                            ("juliet@localhost", "juliet@localhost")):
            answer = await self.ask(romeo, f"<poem xmlns='{POEMS}'/>", to)
            self.assertEqual(answer.find(f"{{{POEMS}}}poem").text, "A rose")
            self.assertEqual(answer.get("from", "romeo@localhost"), answers)
            given = nurse.given.pop()
            self.assertEqual((given.get("from"), given.get("to", answers), given.get("type")),
                             ("romeo@localhost/garden", answers, "get"))

    async def test_a_device_is_asked_itself(self):
        nurse, romeo = await self.nurse(), await self.enter("romeo@localhost/garden")
        juliet = await self.enter("juliet@localhost/balcony")
        self.assertEqual(await self.refusal(romeo, f"<poem xmlns='{POEMS}'/>", juliet.boundjid.full),
                         "feature-not-implemented")
        self.assertEqual(nurse.given, [])

    async def test_an_attribute_that_is_wanted(self):
        """Without it the server answers as ever."""
        nurse, romeo = await self.nurse(), await self.enter("romeo@localhost/garden")
        note = "<query xmlns='jabber:iq:private'{}><note xmlns='urn:example:note'/></query>"
        self.assertIsNone((await self.ask(romeo, note.format(""))).find(f".//{{{POEMS}}}poem"))
        self.assertIsNotNone((await self.ask(romeo, note.format(" author='will'"))).find(f".//{{{POEMS}}}poem"))
        self.assertEqual(len(nurse.given), 1)

    async def test_what_the_component_asks_the_server_answers(self):
        nurse = await self.nurse()
        request = nurse.make_iq_get(POEMS, ito="localhost", ifrom=NURSE)
        with self.assertRaises(IqError):
            await request.send(timeout=PATIENCE)
        self.assertEqual(nurse.given, [])

    async def test_bad_answers(self):
        nurse, romeo = await self.nurse(), await self.enter("romeo@localhost/garden")
        answers = [lambda s, r, other=other: Nurse.good_answer(s, r, **other) for other in (
            {"id": "another"}, {"to": "juliet@localhost"}, {"from": "juliet@localhost"}, {"type": "get"})]
        answers.append(lambda s, r: f"<iq type='result' id='{s['id']}' from='{NURSE}' to='localhost'/>")
        answers.append(lambda s, r: f"<iq type='error' id='{s['id']}' from='{NURSE}' to='localhost'><error type='auth'>"
                                    "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")
        for answer in answers:
            nurse.answer = answer
            self.assertEqual(await self.refusal(romeo, f"<poem xmlns='{POEMS}'/>"), "service-unavailable")

    async def test_nobody_else_may_answer(self):
        """Another one knows the request's id and sends an answer of its own."""
        nurse, romeo = await self.nurse(), await self.enter("romeo@localhost/garden")
        other = Service("plays.localhost", SECRET)
        self.here.append(other)
        await other.come(self.port)

        def wait(stanza, request):
            forged = Nurse.good_answer(stanza, request).replace("A rose", "A thorn")
            other.send_raw(forged.replace(f"from='{NURSE}'", "from='plays.localhost'"))
            romeo.send_raw(forged.replace(f"from='{NURSE}'", ""))
            return Nurse.good_answer(stanza, request)
        nurse.answer = wait
        answer = await self.ask(romeo, f"<poem xmlns='{POEMS}'/>")
        self.assertEqual(answer.find(f"{{{POEMS}}}poem").text, "A rose")

    async def test_while_it_is_away(self):
        romeo = await self.enter("romeo@localhost/garden")
        self.assertEqual(await self.refusal(romeo, f"<poem xmlns='{POEMS}'/>"), "service-unavailable")
        nurse = await self.nurse()
        await self.ask(romeo, f"<poem xmlns='{POEMS}'/>")
        nurse.disconnect(wait=PATIENCE)
        await asyncio.wait_for(nurse.gone.wait(), PATIENCE)
        self.assertEqual(await self.refusal(romeo, f"<poem xmlns='{POEMS}'/>"), "service-unavailable")


class Discovery(Delegations):
    async def until_it_says(self, person, jid, feature):
        """What is said of that address when it has the feature: the server asks the component first."""
        while True:
            info = (await person["xep_0030"].get_info(jid=jid, timeout=PATIENCE))["disco_info"]
            if feature in info["features"]:
                return info

    async def test_what_it_can_do_is_said_as_the_servers_own(self):
        romeo = await self.enter("romeo@localhost/garden")
        before = (await romeo["xep_0030"].get_info(jid="localhost", timeout=PATIENCE))["disco_info"]
        self.assertIn(DELEGATION, before["features"])
        self.assertNotIn(POEMS, before["features"])
        await self.nurse()
        await self.until_it_says(romeo, "localhost", f"{POEMS}#sonnets")
        info = await self.until_it_says(romeo, "romeo@localhost", f"{POEMS}#sonnets")
        self.assertIn(("pubsub", "pep"), {one[:2] for one in info["identities"]})

    async def test_nodes_that_the_server_does_not_know(self):
        nurse, romeo = await self.nurse(), await self.enter("romeo@localhost/garden")
        question = f"<query xmlns='{INFO}' node='urn:xmpp:microblog:0'/>"
        answer = await self.ask(romeo, question, "romeo@localhost")
        self.assertIsNotNone(answer.find(f"{{{POEMS}}}poem"))
        self.assertEqual(len(nurse.given), 1)
        self.assertEqual(await self.refusal(romeo, question, "localhost"), "item-not-found")


class Settings(Stage):
    async def test_wrong_rows_are_refused(self):
        for row, why in ((f"{NURSE} only=node", "allowed: ns=NAMESPACE"), (f"{NURSE}", "no namespace is named"),
                         (f"{NURSE} ns={POEMS},plays.localhost ns={POEMS}", "is given away twice"),
                         (f"{NURSE} {POEMS}", "is not NAME=VALUE")):
            told = self.jackdaw.refused("setting", "set", "component.delegations", row)
            self.assertIn("component.delegations", told)
            self.assertIn(why, told)


if __name__ == "__main__":
    unittest.main(verbosity=1)
