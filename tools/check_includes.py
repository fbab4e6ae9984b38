#!/usr/bin/env python3
"""Checks that a file of src/ includes only lower floors and its own folder (ARCHITECTURE.md, "Floors").

Prints file:line and the rule for each include that does not, and ends with 1. Words: src folder (default: src).
SPDX-License-Identifier: Apache-2.0
"""
import pathlib
import re
import sys

FLOORS = {
    "base": 0, "settings": 1, "net": 1, "xml": 1, "stanza": 2, "store": 3, "router": 4,
    "stream": 5, "modules": 5, "gateways": 5, "cluster": 5, "admin": 6, "main.cc": 7, "serve.cc": 7, "serve.h": 7,
    "serve_administration.cc": 7, "serve_certificates.cc": 7, "serve_settings.cc": 7, "serve_end.cc": 7, "serve_parts.h": 7,
}
TOP = ("main.cc", "serve.cc", "serve.h", "serve_administration.cc", "serve_certificates.cc", "serve_settings.cc", "serve_end.cc",
       "serve_parts.h")  # the wiring, above all folders
INCLUDE = re.compile(r'\s*#\s*include\s*"([^"]+)"')


def broken_rule(path, included):
    """Why src/`path` may not include "`included`"; None when it may. Both are relative to src/."""
    here, there = path.parts[0], included.parts[0]
    if here in TOP and str(included) in TOP:
        return None
    if len(included.parts) < 2:
        return 'an include names the folder: #include "base/log.h"'
    if here not in FLOORS or there not in FLOORS:
        return f"{here if here not in FLOORS else there} is no folder of the floors"
    if here != there and FLOORS[there] >= FLOORS[here]:
        return f"{here} (floor {FLOORS[here]}) includes only lower floors; {there} is floor {FLOORS[there]}"
    # Modules meet in router/. all.cc is their list; a folder (muc/, pubsub/, mam/) is one module; a test may set up several.
    if here == there == "modules" and path.name != "all.cc" and not path.stem.endswith("_test"):
        one_folder = len(path.parts) > 2 and path.parts[:2] == included.parts[:2]
        if not one_folder and path.with_suffix("") != included.with_suffix(""):
            return "modules never include each other; they meet in router/"
    return None


def main(top):
    files = [f for f in sorted(top.rglob("*")) if f.suffix in (".cc", ".h")]
    wrong = 0
    for file in files:
        for number, line in enumerate(file.read_text().splitlines(), 1):
            if found := INCLUDE.match(line):
                if rule := broken_rule(file.relative_to(top), pathlib.PurePath(found[1])):
                    print(f"{file}:{number}: includes \"{found[1]}\": {rule}")
                    wrong += 1
    print(f"includes: {len(files)} files, {wrong} wrong")
    return 1 if wrong or not files else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "src")))
