"""The real program in a directory of its own: started, asked, ended. For the tests of this folder.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import pathlib
import queue
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time

PATIENCE = 30


def free_port():
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


class Jackdaw:
    """A data directory and the words said about it."""

    def __init__(self, program):
        self.program = str(pathlib.Path(program).resolve())
        self.place = tempfile.TemporaryDirectory(prefix="jackdaw-e2e-")
        self.data = os.path.join(self.place.name, "data")
        self.prefix = []  # words in front of the server's
        self.server, self.listener = None, None
        self.lines = []

    def say(self, *words, password=None):
        """Runs `jackdaw WORDS` to its end: the exit code, standard output, standard error."""
        done = subprocess.run([*(self.prefix if words[:1] == ("serve",) else []), self.program, *words, "--data", self.data],
                              input=(password or "") + "\n", text=True, capture_output=True, timeout=PATIENCE,
                              cwd=self.place.name)
        return done.returncode, done.stdout, done.stderr

    def do(self, *words, password=None):
        """The same for words that must succeed: standard output."""
        code, out, err = self.say(*words, password=password)
        assert code == 0, f"{words}: exit {code}: {out}{err}"
        return out

    def read(self, *words):
        """The answer to `jackdaw WORDS --json`."""
        return json.loads(self.do(*words, "--json"))

    def refused(self, *words, password=None):
        """Words that must be refused with one line: that line."""
        code, out, err = self.say(*words, password=password)
        assert code == 1 and out == "" and err.count("\n") == 1 and err.startswith("jackdaw: "), \
            f"{words}: exit {code}: {out}{err}"
        return err

    def start(self, *words, choose_ports=True, address="127.0.0.1"):
        """`jackdaw serve` on ports of the system's choice, until it has said where it listens: the port at `address`."""
        every = ["--set", "listen.client=127.0.0.1:0", "--set", "listen.tls=127.0.0.1:0", "--set", "listen.server=",
                 "--set", "s2s.enabled=false"]  # no test asks the DNS of its machine
        if not choose_ports:
            every = []
        self.server = subprocess.Popen([*self.prefix, self.program, "serve", "--data", self.data, *every, *words],
                                       text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=self.place.name)
        self.lines, said = [], queue.Queue()

        def listen(pipe):
            for line in pipe:
                self.lines.append(line)
                said.put(line)
            said.put(None)

        self.listener = threading.Thread(target=listen, args=(self.server.stdout,), daemon=True)
        self.listener.start()
        port = None
        while port is None or not self.answers():
            assert self.server.poll() is None, "the server ended: " + "".join(self.lines)
            if port is None:
                line = said.get(timeout=PATIENCE)
                assert line is not None, "the server ended: " + "".join(self.lines)
                found = re.match(rf"Listening on {re.escape(address)}:(\d+) \(STARTTLS\)", line)
                port = int(found[1]) if found else None
        return port

    def said(self, pattern):
        """What fits in the server's lines, as soon as there is such a line: the log is written behind what it tells of."""
        until = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, "".join(list(self.lines)), re.M)):
            assert time.monotonic() < until, f"{pattern!r} is not in: " + "".join(self.lines)
            time.sleep(0.02)
        return found

    def answers(self):
        return self.say("status")[0] == 0

    def hang_up(self):
        self.server.send_signal(signal.SIGHUP)

    def end(self, how=signal.SIGTERM):
        """Ends the server; its exit code."""
        self.server.send_signal(how)
        code = self.server.wait(timeout=PATIENCE)
        self.forget()
        return code

    def forget(self):
        self.listener.join(PATIENCE)
        self.server.stdout.close()
        self.server = None

    def close(self):
        if self.server:
            self.server.kill()
            self.server.wait()
            self.forget()
        self.place.cleanup()
