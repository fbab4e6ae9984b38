#!/usr/bin/env python3
"""Checks the rules of the house that a program can check. Start reading at main().

Prints file:line and the rule for each finding, and ends with 1. It expects code as clang-format leaves it.

  src/           a file has at most 400 lines, a function 40; longer ones say why in a line `// Long: reason`
                 (in the first 10 lines of the file; right above the function). File names say what happens there.
  C++, scripts   a top comment says what the file is; an SPDX line is among the first 20
  all files      nothing unfinished, no paths of somebody's machine, no hosts but the public ones in HOSTS

SPDX-License-Identifier: Apache-2.0
"""
import pathlib
import re
import subprocess
import sys

FILE_LINES, FUNCTION_LINES = 400, 40
SPDX = "SPDX-License-Identifier: Apache-2.0"
LONG = re.compile(r"//\s*Long: \S+")
VAGUE = {"manager", "helper", "helpers", "util", "utils", "common", "handler", "handlers", "data", "info"}
WORDS = {
    re.compile(r"\bTODO\b(?!\([a-z][a-z ]*\))"): "a TODO names who will do it: TODO(name)",
    re.compile(r"\b(FIXME|XXX|HACK)\b"): "finish it, or write down why it is so",
    re.compile(r"\b(stub(bed)?|for now)\b", re.I): "nothing unfinished is kept",
}
MACHINE = re.compile(r"(?<![\w.])/(work|root|home|Users|mnt)/\w")
URL = re.compile(r"\b(?:https?|wss?|ftp|git|ssh)://(?:[^\s/@\"'<>]*@)?([A-Za-z0-9.-]+)")
HOSTS = re.compile(
    r"(^|\.)(jabber\.org|xmpp\.org|w3\.org|ietf\.org|rfc-editor\.org|iana\.org|unicode\.org|apache\.org|debian\.org"
    r"|github\.com|linkmauve\.fr|usefulinc\.com|xmlns\.com|mozilla\.org|systemd\.io|prometheus\.io|npmjs\.org|schema\.org|oasis-open\.org"
    r"|example(\.(org|com|net))?|test|invalid|lit|localhost)$|^127\.|^0\.0\.0\.0$|^192\.0\.2\.|^(localhost|host|domain)$")
SCRIPTS = (".py", ".sh")


def blank_out(text):
    """`text` with comments, strings and characters replaced by blanks; lines and columns stay."""
    token = re.compile(
        r'R"([^ ()\\\t\n]*)\((?:.|\n)*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\'|//[^\n]*|/\*(?:.|\n)*?\*/'
        r"|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
    return token.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


SCOPE = re.compile(r"(^|[\s>])(namespace|class|struct|union|enum|extern)\b")


def block_kind(head):
    """What the brace after `head` opens: "scope" (namespace, class), "function" or "value"."""
    if head and not head[-1].isspace() and head[-1] != "(":  # a_{x}: clang-format sets a block's brace off by a blank
        return "value"
    text = head.strip()
    if not text or text[-1] in "=,({[":
        return "scope" if not text else "value"
    without_template = re.sub(r"^template\s*<.*?>\s*(?=[\w\[])", "", text, flags=re.S)
    if ")" in text and not re.match(r"(typedef\s+)?(class|struct|union|enum|namespace)\b", without_template):
        return "function"
    return "scope" if SCOPE.search(text) else "value"


def functions(text):
    """(first line, last line) of each function of clang-formatted C++, those inside classes too, not lambdas inside them."""
    code, found, head_start, i = blank_out(text), [], 0, 0

    def closing(at):
        depth = 0
        for match in re.compile(r"[{}]").finditer(code, at):
            depth += 1 if match[0] == "{" else -1
            if depth == 0:
                return match.start()
        return len(code) - 1

    for match in re.compile(r"[{};]|\b(?:public|private|protected)\s*:").finditer(code):
        if match.start() < i:
            continue
        i = match.end()
        if match[0] == "{":
            kind = block_kind(code[head_start:match.start()])
            if kind != "scope":
                i = closing(match.start()) + 1
            if kind == "value":
                continue  # the head goes on: a constructor's list, or the ; behind an initialiser
            if kind == "function":
                first = head_start + len(code[head_start:]) - len(code[head_start:].lstrip())
                found.append((text.count("\n", 0, first) + 1, text.count("\n", 0, i) + 1))
        head_start = i
    return found


def excused(lines, first):
    """True when the comment right above line `first` (from 1) has a line `// Long: reason`."""
    at = first - 2
    while at >= 0 and lines[at].strip().startswith("//"):
        if LONG.search(lines[at]):
            return True
        at -= 1
    return False


def check_size(path, text, say):
    lines = text.splitlines()
    if len(lines) > FILE_LINES and not any(LONG.match(line) for line in lines[:10]):
        say(path, 1, f"{len(lines)} lines, at most {FILE_LINES}: split it, or say why in a line `// Long: reason`")
    for first, last in functions(text):
        if last - first + 1 > FUNCTION_LINES and not excused(lines, first):
            say(path, first, f"a function of {last - first + 1} lines, at most {FUNCTION_LINES}: split it, or say why above it")


def check_names(path, say):
    if vague := VAGUE & set(re.split(r"[_.]", path.name)):
        say(path, 1, f"a file is named after what happens there; '{vague.pop()}' says nothing")


def check_top(path, text, say):
    lines = text.splitlines()
    if SPDX not in "\n".join(lines[:20]):
        say(path, 1, f"no line '{SPDX}'")
    if path.suffix in (".cc", ".h"):
        own_header = path.suffix == ".cc" and path.with_suffix(".h").exists()
        commented = bool(lines) and lines[0].startswith("// ") and (SPDX not in lines[0] or own_header)
    else:
        second = next((line for line in lines if not line.startswith("#!")), "")
        commented = second.startswith(("# ", '"""')) and SPDX not in second
    if not commented:
        say(path, 1, "the first line is a comment that says what the file is")


def check_words(path, text, say):
    for number, line in enumerate(text.splitlines(), 1):
        for words, rule in WORDS.items():
            if path.parts[0] in ("src", "web", "fuzz", "bench", "tests") and (found := words.search(line)):
                say(path, number, f"'{found[0]}': {rule}")
        if found := MACHINE.search(line):
            say(path, number, f"'{found[0]}': a path of somebody's machine")
        for host in URL.findall(line):
            if not HOSTS.search(host.rstrip(".").lower()):
                say(path, number, f"the host {host} is not one of the public ones that tools/check_house.py knows")


def tree():
    """The files of the project: what git keeps or would keep."""
    names = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                           check=True, capture_output=True, text=True).stdout.split("\0")
    return [path for path in map(pathlib.Path, sorted(set(names) - {""})) if path.is_file() and not path.is_symlink()]


def main(paths):
    findings = []
    files = paths or tree()
    for path in files:
        say = lambda where, line, rule: findings.append(f"{where}:{line}: {rule}")
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue  # a picture, a fuzz corpus
        is_cpp = path.suffix in (".cc", ".h")
        if path.parts[0] == "src" and is_cpp:
            check_size(path, text, say)
            check_names(path, say)
        if is_cpp or path.suffix in SCRIPTS or text.startswith("#!"):
            check_top(path, text, say)
        if path.parts[:2] != ("fuzz", "corpus") and path.name != "LICENSE":
            check_words(path, text, say)
    print("\n".join(findings + [f"house: {len(files)} files, {len(findings)} findings"]))
    return 1 if findings or not files else 0


if __name__ == "__main__":
    sys.exit(main([pathlib.Path(word) for word in sys.argv[1:]]))
