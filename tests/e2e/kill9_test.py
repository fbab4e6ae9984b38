#!/usr/bin/env python3
"""Kills the program with SIGKILL under load, again and again: what it has answered for must be there afterwards.

A message to somebody who is away counts as answered for when <a/> has counted it or a ping behind it was answered
(XEP-0198 §4, RFC 6120 §10.1), a change of the roster when its result has come (RFC 6121 §2.3.2). Each such message is
delivered with exactly one stanza-id (XEP-0359), and the store opens as it is.

SPDX-License-Identifier: Apache-2.0
"""
import random
import re
import signal
import sys
import threading
import time

from program import Jackdaw
from raw_client import Ended, RawClient

KILLS = 20
PASSWORD = "r0m30myr0m30"
WORDS = ["--set", "auth.require_tls=false", "--set", "auth.plain_without_tls=true", "--set", "auth.iterations=4096",
         "--set", "offline.max_messages=1000000", "--set", "offline.max_bytes=1000000000", "--set", "roster.max_items=100000",
         "--set", "c2s.rate=0", "--set", "c2s.outbox=268435456"]


class Load(threading.Thread):
    """Sends messages to juliet until the server dies; knows which of them were answered for."""

    def __init__(self, port, number, first, managed):
        super().__init__(daemon=True)
        self.port, self.number, self.next, self.managed = port, number, first, managed
        self.sent, self.sure, self.contacts = [], [], []

    def run(self):
        try:
            client = RawClient(self.port, "romeo@localhost", PASSWORD, f"r{self.number}")
            if self.managed:
                client.send("<enable xmlns='urn:xmpp:sm:3'/>")
                client.until(rb"<enabled[^>]*/>")
            while True:
                self.batch(client)
        except Ended:
            pass

    def batch(self, client):
        names = [f"m{self.number}-{self.next + i}" for i in range(random.randint(1, 20))]
        self.next += len(names)
        self.sent += names
        contact = f"c{self.next}.r{self.number}@localhost"
        text = "".join(f"<message to='juliet@localhost' type='chat' id='{name}'><body>{name}</body></message>" for name in names)
        if self.managed:
            client.send(text + "<r xmlns='urn:xmpp:sm:3'/>")
            self.sure_by_acknowledgement(client)
        else:
            client.send(text)
            client.ping(f"p{self.next}")
            self.sure += names
            client.send(f"<iq type='set' id='c{self.next}'><query xmlns='jabber:iq:roster'><item jid='{contact}'/></query></iq>")
            answer = client.until(rb"<iq [^>]*id='c%d'[^>]*(/>|>.*?</iq>)" % self.next)
            if "type='result'" in answer:
                self.contacts.append(contact)

    def sure_by_acknowledgement(self, client):
        said = client.until(rb"<a [^>]*h='\d+'[^>]*/>")
        self.sure = self.sent[:int(re.search(r"<a [^>]*h='(\d+)'", said)[1])]


def delivered(port):
    """What juliet finds when she comes: id to number of times, and the stanza-ids of each."""
    juliet = RawClient(port, "juliet@localhost", PASSWORD, "balcony")
    juliet.send("<presence/>")
    seen, quiet = {}, 0
    while quiet < 3:
        said = juliet.ping(f"q{random.randrange(10**9)}")
        messages = re.findall(r"<message .*?</message>", said, re.S)
        quiet = 0 if messages else quiet + 1
        for message in messages:
            name = re.search(r"<message [^>]*\bid='([^']*)'", message)[1]
            seen.setdefault(name, []).append(re.findall(r"<stanza-id [^>]*\bid='([^']*)'", message))
        # The server asks whether all has come; then it may forget (XEP-0199 §4.1).
        for asked in re.findall(r"<iq [^>]*>\s*<ping", said):
            mark = re.search(r"id='([^']*)'", asked)[1]
            juliet.send(f"<iq type='result' id='{mark}' to='localhost'/>")
        time.sleep(0.05)
    juliet.close()
    return seen


def roster(port):
    romeo = RawClient(port, "romeo@localhost", PASSWORD, "reader")
    romeo.send("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>")
    romeo.until(rb"<iq [^>]*id='roster'[^>]*>")
    said = romeo.until(rb"</iq>")
    romeo.close()
    return set(re.findall(r"<item jid='([^']*)'", said))


def main(program):
    random.seed(1)
    jackdaw = Jackdaw(program)
    sent, sure, contacts, next_one = set(), set(), set(), 0
    try:
        port = jackdaw.start(*WORDS)
        for name in ("romeo", "juliet"):
            jackdaw.do("user", "add", f"{name}@localhost", "--password-stdin", password=PASSWORD)
        for kill in range(KILLS):
            loads = [Load(port, kill * 10 + n, next_one, managed=n % 2 == 0) for n in range(4)]
            for load in loads:
                load.start()
            time.sleep(random.uniform(0.05, 0.6))
            jackdaw.end(signal.SIGKILL)
            for load in loads:
                load.join(30)
                sent.update(load.sent)
                sure.update(load.sure)
                contacts.update(load.contacts)
            port = jackdaw.start(*WORDS)
        there, known = delivered(port), roster(port)
    finally:
        jackdaw.close()
    lost = sure - there.keys()
    assert sure and contacts, "nothing was answered for: the test tests nothing"
    assert not lost, f"{len(lost)} of {len(sure)} messages are lost, among them {sorted(lost)[:5]}"
    assert there.keys() <= sent, f"messages that nobody sent: {sorted(there.keys() - sent)[:5]}"
    wrong = {name: ids for name, ids in there.items() if any(len(each) != 1 for each in ids) or len({each[0] for each in ids}) != 1}
    assert not wrong, f"not exactly one stanza-id: {list(wrong.items())[:5]}"
    assert contacts <= known, f"contacts lost: {sorted(contacts - known)[:5]}"
    print(f"{KILLS} kills, {len(sure)} of {len(sent)} messages and {len(contacts)} contacts were answered for; all are there")


if __name__ == "__main__":
    main(sys.argv[1])
