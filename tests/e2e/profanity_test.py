#!/usr/bin/env python3
"""Two people with profanity, each in a terminal: they trust the certificate once, log in and write to each other.

SPDX-License-Identifier: Apache-2.0
"""
import os
import select
import shutil
import signal
import subprocess
import sys
import time

from program import Jackdaw

PASSWORD = "r0m30myr0m30"
PATIENCE = 30


class Terminal:
    """A tmux server of its own with one person's profanity in it."""

    def __init__(self, place, name):
        self.socket = os.path.join(place, f"{name}.tmux")
        home = os.path.join(place, name)
        os.makedirs(home)
        environment = {**os.environ, "HOME": home, "XDG_CONFIG_HOME": f"{home}/config", "XDG_DATA_HOME": f"{home}/share",
                       "TERM": "xterm", "LC_ALL": "C.UTF-8"}
        environment.pop("TMUX", None)
        subprocess.run(["tmux", "-S", self.socket, "-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "40", "profanity"],
                       env=environment, check=True)
        self.process = os.pidfd_open(int(self.tmux("list-panes", "-F", "#{pane_pid}")))

    def tmux(self, *words):
        return subprocess.run(["tmux", "-S", self.socket, *words], check=True, capture_output=True, text=True).stdout

    def type(self, line):
        self.tmux("send-keys", "-l", line)
        self.tmux("send-keys", "Enter")

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def wait_for(self, *texts):
        """Waits until one of `texts` is on the screen: that one."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            shown = self.screen()
            for text in texts:
                if text in shown:
                    return text
            time.sleep(0.1)
        raise AssertionError(f"none of {texts} came; the screen shows:\n{self.screen()}")

    def log_in(self, jid, port):
        self.wait_for("Profanity")
        self.type(f"/connect {jid} server 127.0.0.1 port {port} tls force")
        self.wait_for("Enter password")
        self.type(PASSWORD)
        # The certificate is self-signed: it is shown, and trusted from now on.
        self.wait_for("/tls always")
        self.type("/tls always")
        self.wait_for("logged in successfully")

    def close(self):
        """Ends profanity and waits until it is gone: it writes into its home to the last."""
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], check=False, capture_output=True)
        if not select.select([self.process], [], [], PATIENCE)[0]:
            signal.pidfd_send_signal(self.process, signal.SIGKILL)
            select.select([self.process], [], [], PATIENCE)
        os.close(self.process)


def converse(romeo, juliet):
    romeo.type("/msg juliet@localhost Art thou not Romeo, and a Montague?")
    juliet.wait_for("romeo@localhost")
    juliet.type("/win 2")
    juliet.wait_for("Art thou not Romeo, and a Montague?")
    juliet.type("Neither, fair saint, if either thee dislike.")
    romeo.wait_for("Neither, fair saint, if either thee dislike.")


def main(program):
    if not (shutil.which("profanity") and shutil.which("tmux")):
        sys.exit("profanity and tmux are needed: tools/install_packages.sh tools/packages-test.txt")
    jackdaw, terminals = Jackdaw(program), []
    try:
        port = jackdaw.start()
        for name in ("romeo", "juliet"):
            jackdaw.do("user", "add", f"{name}@localhost", "--password-stdin", password=PASSWORD)
        for name in ("romeo", "juliet"):
            terminals.append(Terminal(jackdaw.place.name, name))
            terminals[-1].log_in(f"{name}@localhost", port)
        converse(*terminals)
    finally:
        for terminal in terminals:
            terminal.close()
        jackdaw.close()
    print("profanity: connected over TLS, a message each way")


if __name__ == "__main__":
    main(sys.argv[1])
