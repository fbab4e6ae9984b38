"""A small internet of its own: a network namespace with DNS (dnsmasq), a private authority, and servers on their usual
ports, each at an address of its own in 127.0.0.0/8. For tests with servers that others wrote.

A test that uses it calls enter_namespace() first: the program runs again inside, with root's rights there only.
`Houses` is the stage of most of them.

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import contextlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest

from authority import sign_for_seconds
from people import PASSWORD, Person, Stage
from program import Jackdaw

PATIENCE = 60
INSIDE = "JACKDAW_E2E_NAMESPACE"
OURS, THEIRS, BETWEEN = "127.0.1.1", "127.0.1.2", "127.0.1.3"
HERE, THERE, LANE = "10.0.1.1", "10.0.2.1", "10.0.3.2"  # the ends of a Road; who is there, by the lane


def enter_namespace():
    """Runs this program again in namespaces for network and mounts, with the loopback device up."""
    if os.environ.get(INSIDE):
        return
    maps = [] if os.geteuid() == 0 else ["--map-root-user"]
    inside = "ip link set lo up && exec \"$@\""
    words = ["unshare", "--net", "--mount", *maps, "sh", "-c", inside, "sh", sys.executable, "-B", *sys.argv]
    os.execvpe("unshare", words, {**os.environ, INSIDE: "1"})


def wait_for_port(address, port, process):
    until = time.monotonic() + PATIENCE
    while True:
        assert process.poll() is None, f"{process.args[0]} ended with {process.returncode}"
        try:
            socket.create_connection((address, port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < until, f"nothing listens on {address}:{port}"
            time.sleep(0.05)


class Process:
    """A program that serves until it is ended, and again when it is told; what it says is in a file."""

    def __init__(self, place, name, words, ports=()):
        self.said, self.words, self.ports = pathlib.Path(place, f"{name}.out"), words, ports
        self.start()

    def start(self):
        with open(self.said, "ab") as out:
            self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        for address, port in self.ports:
            wait_for_port(address, port, self.process)

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Relay:
    """Listens at `address`:5269, passes everything on to the server `behind`, and keeps what it has seen."""

    def __init__(self, address, behind):
        self.address, self.behind = address, behind
        self.sent, self.answered = bytearray(), bytearray()
        self.connections, self.to_break = 0, 0  # of the next so many the TLS handshake is answered with rubbish
        self.server, self.open = None, set()

    async def start(self):
        self.server = await asyncio.start_server(self.relay, self.address, 5269)

    async def relay(self, reader, writer):
        self.open.add(asyncio.current_task())
        self.connections += 1
        broken, self.to_break = self.to_break > 0, max(0, self.to_break - 1)
        try:
            there_reader, there_writer = await asyncio.open_connection(self.behind, 5269)
            out = self.pass_on(reader, there_writer, self.sent)
            back = self.pass_on(there_reader, writer, self.answered, b"<proceed" if broken else None)
            await asyncio.gather(out, back)
        except OSError:
            pass
        finally:
            writer.close()
            self.open.discard(asyncio.current_task())

    async def pass_on(self, reader, writer, seen, until=None):
        try:
            while data := await reader.read(65536):
                seen += data
                writer.write(data)
                if until and until in data:
                    writer.write(b"This is no TLS record." * 100)
                    break
        except OSError:
            pass
        finally:
            writer.close()

    async def close(self):
        self.server.close()
        for task in list(self.open):
            task.cancel()
        await asyncio.gather(*self.open, return_exceptions=True)


class Namespace:
    """A network of its own; it is gone when its last process has ended."""

    def __init__(self, province, name):
        holder = province.run(name, "unshare", "--net", "sleep", "infinity").process
        self.path = f"/proc/{holder.pid}/ns/net"
        self.within = ("nsenter", f"--net={self.path}")  # words in front of a program's
        until = time.monotonic() + PATIENCE
        while os.readlink(self.path) == os.readlink("/proc/self/ns/net"):
            assert holder.poll() is None and time.monotonic() < until, "no network namespace"
            time.sleep(0.01)
        self.do("ip", "link", "set", "lo", "up")

    def do(self, *words):
        subprocess.run([*self.within, *words], check=True, capture_output=True)


class Road:
    """From HERE, where the program runs, to THERE, a network namespace, by way of a third one that can be cut: then
    what is sent is lost without a word. By the lane, which nobody cuts, clients reach the server there."""

    NEAR_GATE, FAR_GATE, LANE_HERE = "10.0.1.254", "10.0.2.254", "10.0.3.1"

    def __init__(self, province):
        self.middle, self.there = Namespace(province, "middle"), Namespace(province, "there")
        self.lay("near", HERE, self.middle, self.NEAR_GATE)
        self.lay("lane", self.LANE_HERE, self.there, LANE)
        self.lay("far", self.FAR_GATE, self.there, THERE, begin=self.middle.do)
        self.do_here("ip", "route", "add", THERE, "via", self.NEAR_GATE)
        self.there.do("ip", "route", "add", HERE, "via", self.FAR_GATE)
        self.mend()

    @staticmethod
    def do_here(*words):
        subprocess.run(words, check=True, capture_output=True)

    def lay(self, name, address, place, its_address, begin=None):
        """A pair of devices of that name: one here, or where `begin` runs programs, and one in that place."""
        begin = begin or self.do_here
        begin("ip", "link", "add", name, "type", "veth", "peer", "name", name, "netns", place.path)
        for do, own in ((begin, address), (place.do, its_address)):
            do("ip", "address", "add", f"{own}/24", "dev", name)
            do("ip", "link", "set", name, "up")

    def cut(self):
        self.forward(0)

    def mend(self):
        self.forward(1)

    def forward(self, does):
        # In a container /proc/sys may only be read; in a mount of one's own it is that of the network.
        self.middle.do("unshare", "--mount", "sh", "-c",
                       f"mount -t proc proc /proc && echo {does} > /proc/sys/net/ipv4/ip_forward")

    def close(self):
        """The other devices go with these."""
        for name in ("near", "lane"):
            self.do_here("ip", "link", "delete", name)


class Province:
    """`zone`: host lines of dnsmasq, NAME=ADDRESS; `services`: NAME=HOST:PORT for _xmpp-server, with "tls " in front
    for _xmpps-server."""

    def __init__(self, zone, services=()):
        self.place = tempfile.TemporaryDirectory(prefix="jackdaw-e2e-")
        self.processes = []
        self.zone, self.services = dict(zone), list(services)
        resolv = self.file("resolv.conf", "nameserver 127.0.0.53\noptions timeout:1 attempts:2\n")
        self.mounted = os.path.realpath("/etc/resolv.conf")
        subprocess.run(["mount", "--bind", resolv, self.mounted], check=True)
        self.dns = None
        self.start_dns()
        self.make_authority()

    def file(self, name, text):
        path = pathlib.Path(self.place.name, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    def run(self, name, *words, ports=()):
        started = Process(self.place.name, name, words, ports)
        self.processes.append(started)
        return started

    def start_dns(self):
        self.dns = self.run_dns("dnsmasq", "127.0.0.53")

    def run_dns(self, name, address, within=()):
        """A further one, in the namespace of the words `within`, asked there at 127.0.0.53 too."""
        listen = ",".join(dict.fromkeys(("127.0.0.53", address)))
        lines = ["no-hosts", "no-resolv", "no-daemon", "keep-in-foreground", f"listen-address={listen}",
                 "bind-interfaces", "local=/lan/", "user=root", "max-cache-ttl=1"]
        lines += [f"host-record={host},{place}" for host, place in self.zone.items()]
        for service in self.services:
            kind = "_xmpps-server" if service.startswith("tls ") else "_xmpp-server"
            domain, place = service.removeprefix("tls ").split("=")
            host, port = place.split(":")
            lines.append(f"srv-host={kind}._tcp.{domain},{host},{port}")
        config = self.file(f"{name}.conf", "\n".join(lines) + "\n")
        return self.run(name, *within, "dnsmasq", "--conf-file=" + config, ports=[(address, 53)])

    def stop_dns(self):
        self.dns.end()
        self.processes.remove(self.dns)

    def openssl(self, *words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=self.place.name)

    def make_authority(self):
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                     "-subj", "/CN=The authority of the province", "-keyout", "ca.key", "-out", "ca.pem")
        self.authority = os.path.join(self.place.name, "ca.pem")

    def certify(self, name, names=None, days=2, signed=True, seconds=None):
        """A certificate with the common name `name` and `names` as in subjectAltName (None: the same): its paths.
        With `seconds` it is valid no longer than that."""
        names = [f"DNS:{name}"] if names is None else names
        extensions = "basicConstraints=CA:FALSE\n" + (f"subjectAltName={','.join(names)}\n" if names else "")
        base = os.path.join(self.place.name, "cert", name)
        self.file(f"cert/{name}.ext", extensions)
        self.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-subj", f"/CN={name}", "-keyout", base + ".key", "-out", base + ".csr")
        signer = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"] if signed else ["-signkey", base + ".key"]
        self.openssl("x509", "-req", "-in", base + ".csr", *signer, "-days", str(days), "-extfile", base + ".ext",
                     "-out", base + ".pem")
        if seconds:
            sign_for_seconds(self.place.name, seconds, "ca.pem", "ca.key", base + ".csr", base + ".ext", base + ".pem")
        return base + ".pem", base + ".key"

    def start_prosody(self, name, address, users=(), certificate=None, port=5269, modules=(), within=(), door=None,
                      **options):
        """Prosody serves `name` at `address`:`port` and 5222; users with PASSWORD; options as in its file. `within`:
        words in front of its own; `door`: where clients find it."""
        more_modules = "".join(f', "{module}"' for module in modules)
        folder = os.path.join(self.place.name, "prosody", name)
        os.makedirs(folder, exist_ok=True)
        pem, key = certificate or self.certify(name)
        words = {True: "true", False: "false"}
        interfaces = ", ".join(f'"{each}"' for each in dict.fromkeys((address, door or address)))
        more = "\n".join(f"{option} = {words.get(value, value)}" for option, value in options.items())
        config = textwrap.dedent(f"""\
            run_as_root = true
            daemonize = false
            pidfile = "{folder}/pid"
            data_path = "{folder}"
            log = {{ debug = "{folder}/log" }}
            interfaces = {{ {interfaces} }}
            local_interfaces = {{ "{address}" }}
            s2s_ports = {{ {port} }}
            modules_enabled = {{ "roster", "saslauth", "tls", "dialback", "disco", "ping", "presence", "message", "iq",
                                "s2s", "offline"{more_modules} }}
            s2s_require_encryption = true
            c2s_require_encryption = false
            allow_unencrypted_plain_auth = true
            authentication = "internal_plain"
            """) + more + textwrap.dedent(f"""
            VirtualHost "{name}"
              ssl = {{ certificate = "{pem}", key = "{key}", cafile = "{self.authority}" }}
            """)
        config_file = self.file(f"prosody/{name}.cfg.lua", config)
        for user in users:
            subprocess.run(["prosodyctl", "--root", "--config", config_file, "register", user, name, PASSWORD],
                           check=True, capture_output=True)
        server = self.run("prosody." + name, *within, "prosody", "--root", "--config", config_file, "-F",
                          ports=[(address, port), (door or address, 5222)])
        server.log = pathlib.Path(folder, "log")
        return server

    def close(self):
        for process in reversed(self.processes):
            process.end()
        subprocess.run(["umount", self.mounted], check=True)
        self.place.cleanup()


class Houses(unittest.IsolatedAsyncioTestCase):
    """Jackdaw serves montague.lan at OURS, where romeo lives; a test starts Prosody for capulet.lan at THEIRS."""

    PROGRAM = None  # set by the test file
    DOMAINS = ("montague.lan",)
    ZONE = {"xmpp.montague.lan": OURS, "capulet.lan": THEIRS}
    SERVICES = ("montague.lan=xmpp.montague.lan:5269",)
    DOORS = {"capulet.lan": THEIRS}  # where clients find others' servers

    def setUp(self):
        self.province = Province(self.ZONE, self.SERVICES)
        self.addCleanup(self.province.close)
        self.jackdaw = Jackdaw(self.PROGRAM)
        self.addCleanup(self.jackdaw.close)
        self.jackdaw.do("setup", "--domain", ",".join(self.DOMAINS), "--password-stdin", password=PASSWORD)
        for domain in self.DOMAINS:
            self.jackdaw.do("user", "add", f"romeo@{domain}", "--password-stdin", password=PASSWORD)
        self.addCleanup(self.show_logs)
        self.here, self.said_before = [], []

    def show_logs(self):
        """What the servers said, when the test has failed."""
        result = self._outcome.result
        if not any(test is self for test, _ in result.errors + result.failures):
            return
        logs = [process.log for process in self.province.processes if hasattr(process, "log")]
        print(f"--- Jackdaw in {self.id()}\n{''.join(self.said_before + self.jackdaw.lines)}", file=sys.stderr)
        for log in logs:
            print(f"--- {log}", log.read_text(errors="replace")[-8000:], sep="\n", file=sys.stderr)

    def serve(self, *settings):
        words = [f"listen.client={OURS}:5222", f"listen.server={OURS}:5269", "listen.tls=", "log.level=low-level"]
        words = [word for setting in (*words, *settings) for word in ("--set", setting)]
        self.said_before += self.jackdaw.lines
        self.jackdaw.start(*words, choose_ports=False, address=OURS)

    def be_patient(self, age):
        """From now on a stanza waits so long for another server before it returns."""
        self.jackdaw.do("setting", "set", "s2s.queue_age", age)

    def be_certified(self):
        """The settings with which others of this province trust our certificate, and we theirs."""
        pem, key = self.province.certify("montague.lan")
        return f"tls.certificate={pem}", f"tls.key={key}", f"s2s.trusted_certificates={self.province.authority}"

    def start_prosody(self, **how):
        return self.province.start_prosody("capulet.lan", THEIRS, ["juliet"], **how)

    async def put_between(self):
        """What goes to capulet.lan goes through a relay: it. Before the servers are started."""
        relay = Relay(BETWEEN, THEIRS)
        await relay.start()
        self.addAsyncCleanup(relay.close)
        self.province.stop_dns()
        self.province.zone["capulet.lan"] = BETWEEN
        self.province.start_dns()
        return relay

    async def enter(self, jid, person=Person, **how):
        came = person(jid)
        self.here.append(came)
        await came.come(5222, address=self.DOORS.get(came.boundjid.domain, OURS), **how)
        return came

    async def enter_both(self):
        return await self.enter("romeo@montague.lan/garden"), await self.enter("juliet@capulet.lan/balcony")

    async def asyncTearDown(self):
        for person in self.here:
            if person.transport and not person.gone.is_set():
                person.abort()
                await asyncio.wait_for(person.gone.wait(), PATIENCE)

    async def says(self, speaker, listener, body):
        """A message that arrives."""
        speaker.send_message(listener.boundjid.full, body)
        return await listener.expect_message(body)

    befriend = Stage.befriend

    async def talk(self, one, other):
        """Both ways."""
        await self.says(one, other, "Art thou there?")
        await self.says(other, one, "Ay")

    async def returned(self, speaker, to, body="Art thou there?"):
        """The condition of the error that comes back for a message."""
        message = speaker.make_message(to, body)
        message.send()
        error = await speaker.expect(
            lambda stanza: stanza["type"] == "error" and stanza["id"] == message["id"], f"an error for {body!r}")
        self.assertEqual(error["from"], to)
        return error["error"]["condition"]

    async def until_it_arrives(self, speaker, listener):
        """Some may still return with what was wrong before."""
        for number in range(20):
            message = speaker.make_message(listener.boundjid.full, f"Art thou there {number}?")
            message.send()
            arrives, returns = [asyncio.ensure_future(person.expect(lambda s: s["id"] == message["id"], "the message"))
                                for person in (listener, speaker)]
            await asyncio.wait({arrives, returns}, return_when=asyncio.FIRST_COMPLETED)
            arrived = arrives.done()
            for waiting in (arrives, returns):
                waiting.cancel()
            await asyncio.gather(arrives, returns, return_exceptions=True)
            if arrived:
                return arrives.result()
        self.fail("no message arrives")

    async def until(self, holds, what, patience=PATIENCE):
        """Waits for something to hold; what it gave."""
        deadline = time.monotonic() + patience
        while not (given := holds()):
            self.assertLess(time.monotonic(), deadline, what)
            await asyncio.sleep(0.05)
        return given

    def logged(self, event, **fields):
        """The log's lines of that event with these fields."""
        words = [f'{name}="{value}"' if " " in value else f"{name}={value}" for name, value in fields.items()]
        lines = [line for line in self.jackdaw.lines if f" {event} " in line]
        return [line for line in lines if all(f" {word} " in line.replace("\n", " ") for word in words)]

    async def until_logged(self, event, patience=PATIENCE, **fields):
        return await self.until(lambda: self.logged(event, **fields), f"{event} {fields} is not in the log", patience)

    async def until_no_stream(self, why):
        """The log says that no stream to another server came about, and that this is why."""
        return await self.until(
            lambda: [line for line in self.logged("no stream to another server") if why in line],
            f"{why!r} is not in the log")

    def metric(self, name):
        found = re.search(rf"^{name}(?:_total)? (\d+)$", self.jackdaw.do("metrics"), re.MULTILINE)
        self.assertTrue(found, name)
        return int(found[1])
