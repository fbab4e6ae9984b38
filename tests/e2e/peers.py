"""Servers that others wrote, inside a Province: ejabberd and jabberd2 as Debian has them, each with all that it writes
in the province's folder, and ended by the id of its process: `start_ejabberd` and `start_jabberd2`.

SPDX-License-Identifier: Apache-2.0
"""
import contextlib
import json
import pathlib
import platform
import signal
import sqlite3
import time
import xml.etree.ElementTree as ET

from people import PASSWORD, PATIENCE


READY = "The users are registered."


def wait_until(holds, what):
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"not: {what}"
        time.sleep(0.05)


def together(certificate, key, path):
    """Both in one file, as these servers want them."""
    pathlib.Path(path).write_text(pathlib.Path(certificate).read_text() + pathlib.Path(key).read_text())
    return str(path)


def ejabberd_settings(province, name, address, pem):
    return {
        "hosts": [name],
        "loglevel": "info",
        "certfiles": [pem],
        "ca_file": province.authority,
        "s2s_cafile": province.authority,
        "s2s_use_starttls": "required",
        "outgoing_s2s_families": ["ipv4"],
        "s2s_max_retry_delay": 1,
        "listen": [{"ip": address, "port": 5222, "module": "ejabberd_c2s", "shaper": "none", "starttls": True},
                   {"ip": address, "port": 5269, "module": "ejabberd_s2s_in", "shaper": "none"}],
        "auth_method": ["internal"],
        "auth_password_format": "scram",
        "disable_sasl_mechanisms": ["digest-md5", "X-OAUTH2"],
        "default_db": "mnesia",
        "modules": {module: {} for module in ("mod_disco", "mod_offline", "mod_ping", "mod_roster",
                                              "mod_s2s_dialback")},
    }


def start_ejabberd(province, name, address, users=(), certificate=None, without=(), **settings):
    """ejabberd serves `name` at `address`:5269 and 5222; users with PASSWORD; settings of its file by their names (a
    file of JSON is one of YAML), its modules less those in `without`. No epmd: nothing else asks for its node."""
    folder = pathlib.Path(province.place.name, "ejabberd", name)
    folder.mkdir(parents=True, exist_ok=True)
    pem = together(*certificate or province.certify(name), folder / "both.pem")
    values = {**ejabberd_settings(province, name, address, pem), **settings}
    values["modules"] = {module: how for module, how in values["modules"].items() if module not in without}
    config = province.file(f"ejabberd/{name}/ejabberd.yml", json.dumps(values, indent=1))
    register = "".join(f',ejabberd_auth:try_register(<<"{user}">>,<<"{name}">>,<<"{PASSWORD}">>)' for user in users)
    environment = {"HOME": folder, "ERL_LIBS": f"/usr/lib/{platform.machine()}-linux-gnu", "ERL_CRASH_DUMP_BYTES": 0,
                   "EJABBERD_CONFIG_PATH": config, "EJABBERD_LOG_PATH": folder / "log", "ERL_MAX_PORTS": 1024}
    words = ["env", "-C", str(folder), *(f"{variable}={value}" for variable, value in environment.items()),
             "erl", "-noinput", "-sname", "peer@localhost", "-setcookie", "province", "-start_epmd", "false",
             "-erl_epmd_port", "14369", "-kernel", "inet_dist_use_interface", "{127,0,0,1}",
             "+S", "1:1", "+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none",
             "-mnesia", "dir", f'"{folder}/mnesia"',
             "-eval", f"{{ok,_}}=application:ensure_all_started(ejabberd){register},io:put_chars(\"{READY}\")."]
    server = province.run("ejabberd." + name, *words, ports=[(address, 5269), (address, 5222)])
    server.log = folder / "log"
    wait_until(lambda: READY in server.said.read_text(), "ejabberd has registered its users")
    return server


class Several:
    """Processes that are one server: started in this order, ended in the other."""

    def __init__(self, processes, log):
        self.processes, self.log = processes, log

    def start(self):
        for process in self.processes:
            process.start()

    def end(self, how=signal.SIGTERM):
        for process in reversed(self.processes):
            process.end(how)


# Of db-setup.sqlite of jabberd2 what it uses here: an owner and a number in front of each.
JABBERD2_TABLES = {
    "active": "time INTEGER", "logout": "time INTEGER", "queue": "xml TEXT", "motd-message": "xml TEXT",
    "motd-times": "time INTEGER", "privacy-default": '"default" TEXT', "private": "ns TEXT, xml TEXT",
    "roster-items": 'jid TEXT, name TEXT, "to" BOOLEAN, "from" BOOLEAN, ask INTEGER',
    "roster-groups": 'jid TEXT, "group" TEXT',
    "privacy-items": 'list TEXT, type TEXT, value TEXT, deny BOOL, "order" INTEGER, block INTEGER',
    "vacation-settings": 'start INTEGER, "end" INTEGER, message TEXT',
    "status": 'status TEXT, show TEXT, "last-login" INTEGER, "last-logout" INTEGER, xml TEXT'}


def make_jabberd2_database(path, name, users):
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE authreg (username TEXT, realm TEXT, password TEXT)")
        for table, columns in JABBERD2_TABLES.items():
            database.execute(f'CREATE TABLE "{table}" ("collection-owner" TEXT, "object-sequence" INTEGER PRIMARY KEY, '
                             f"{columns})")
        database.executemany("INSERT INTO authreg VALUES (?, ?, ?)", [(user, name, PASSWORD) for user in users])
        database.executemany('INSERT INTO active ("collection-owner", time) VALUES (?, 1)',
                             [(f"{user}@{name}",) for user in users])
        database.commit()


def jabberd2_settings(address, name, pem, database):
    """What differs from Debian's files, by program: the text of elements, by their paths; None: the element goes."""
    to_router = {"router/ip": address}
    return {
        "router": {"local/ip": address},
        "sm": {**to_router, "local/id": name, "storage/sqlite/dbname": database, "storage/sqlite/sql": None},
        "s2s": {**to_router, "local/ip": address, "local/pemfile": pem, "lookup/min-ttl": "1", "lookup/max-ttl": "1",
                "lookup/bad-host-timeout": "1", "check/interval": "1", "check/queue": "10", "check/retry": "10",
                "security/require_tls": ""},
        "c2s": {**to_router, "local/ip": address, "local/id": name, "authreg/mechanisms/sasl/digest-md5": None,
                "authreg/sqlite/dbname": database, "authreg/sqlite/sql": None},
    }


def jabberd2_file(program, changes, log):
    """Debian's file with these changes."""
    config = ET.parse(f"/etc/jabberd2/{program}.xml")
    for path, text in {**changes, "pidfile": None, "log/file": log}.items():
        *above, last = path.split("/")
        parent = config.find("/".join(above) or ".")
        element = parent.find(last)
        if text is None:
            parent.remove(element)
        else:
            (ET.SubElement(parent, last) if element is None else element).text = text
    return config


def start_jabberd2(province, name, address, users=(), certificate=None, tls="required"):
    """The four programs of jabberd2 serve `name` at `address`:5269 and 5222; users with PASSWORD. Between servers it
    knows dialback, with `tls` required, optional or none, and no certificates that prove a domain."""
    folder = pathlib.Path(province.place.name, "jabberd2", name)
    folder.mkdir(parents=True, exist_ok=True)
    pem = together(*certificate or province.certify(name), folder / "both.pem")
    make_jabberd2_database(folder / "database", name, users)
    settings = jabberd2_settings(address, name, pem, str(folder / "database"))
    if tls != "required":
        del settings["s2s"]["security/require_tls"]
    if tls == "none":
        del settings["s2s"]["local/pemfile"]
    ports, processes = {"router": 5347, "s2s": 5269, "c2s": 5222}, []
    for program, changes in settings.items():
        config = jabberd2_file(program, changes, str(folder / "log"))
        if program == "c2s":
            config.find("local/id").attrib = {"pemfile": pem, "require-starttls": "mu"}
        config.write(folder / f"{program}.xml")
        processes.append(province.run(f"jabberd2-{program}.{name}", f"/usr/sbin/jabberd2-{program}", "-c",
                                      str(folder / f"{program}.xml"),
                                      ports=[(address, ports[program])] if program in ports else []))
    processes[0].log = folder / "log"
    return Several(processes, folder / "log")
