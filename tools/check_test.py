#!/usr/bin/env python3
"""Tests of check_includes.py and check_house.py: what they must find, and what they must leave alone.

SPDX-License-Identifier: Apache-2.0
"""
import pathlib
import unittest

import check_house
import check_includes

BODY = "  one();\n" * 45


def lengths(text):
    return [last - first + 1 for first, last in check_house.functions(text)]


def house(name, text):
    """The rules that check_house's checks of one text find broken."""
    found = []
    say = lambda where, line, rule: found.append((line, rule))
    path = pathlib.Path(name)
    check_house.check_size(path, text, say)
    check_house.check_names(path, say)
    check_house.check_top(path, text, say)
    check_house.check_words(path, text, say)
    return found


class Includes(unittest.TestCase):
    def rule(self, path, included):
        return check_includes.broken_rule(pathlib.PurePath(path), pathlib.PurePath(included))

    def test_lower_floors_and_own_folder(self):
        for path, included in [("stream/c2s.cc", "net/core.h"), ("net/core.cc", "base/log.h"), ("net/core.cc", "net/core.h"),
                               ("main.cc", "admin/cli.h"), ("modules/ping.cc", "modules/ping.h"),
                               ("modules/all.cc", "modules/ping.h"), ("modules/muc/room.cc", "modules/muc/affiliation.h"),
                               ("modules/ping_test.cc", "modules/all.h"), ("store/sqlite/open.cc", "store/store.h")]:
            self.assertIsNone(self.rule(path, included), f"{path} {included}")

    def test_upper_floors_neighbours_and_modules(self):
        for path, included in [("base/log.h", "net/core.h"), ("net/core.cc", "settings/rows.h"), ("router/a.cc", "stream/c2s.h"),
                               ("modules/ping.cc", "stream/c2s.h"), ("modules/ping.cc", "modules/disco.h"),
                               ("modules/muc/room.cc", "modules/mam/page.h"), ("modules/ping.cc", "modules/muc/room.h"),
                               ("stream/c2s.cc", "outbox.h"), ("attic/a.cc", "base/log.h")]:
            self.assertIsNotNone(self.rule(path, included), f"{path} {included}")


class Functions(unittest.TestCase):
    def test_free_member_template_and_test(self):
        self.assertEqual(lengths("namespace a {\nint f() {\n  if (x) {\n  }\n}\n}  // namespace a\n"), [4])
        self.assertEqual(lengths("class A final : public B {\n public:\n  A() : a_{1}, b_(2) {\n    go();\n  }\n  int b() const { return 1; }\n"
                                 " private:\n  int a_{0};\n};\n"), [3, 1])
        self.assertEqual(lengths("template <class T>\nrequires(sizeof(T) > 1)\nauto f(T t) -> decltype(t) {\n}\n"), [4])
        self.assertEqual(lengths("TEST(A, B) {\n  EXPECT_EQ(f({.a = 1}), R\"({{{)\");\n}\n"), [3])
        self.assertEqual(lengths("A::A(int a)\n    : a_{a},\n      b_{f(a)} {\n  x();\n}\nint g() {\n}\n"), [5, 2])

    def test_values_and_types_are_none(self):
        self.assertEqual(lengths("const std::vector<int> v = {\n  f(1), g{2},\n};\nextern const Module m{\n  .setup = setup,\n};\n"
                                 "enum class E { a, b };\nstruct S {\n  int a = f(1);\n};\n"), [])

    def test_comments_strings_and_macros_do_not_count(self):
        self.assertEqual(lengths('// {\n#define A {\nint f() {\n  s = "}"; c = \'}\'; n = 1\'000\'000;  // }\n}\n'), [3])

    def test_long_functions(self):
        top = "// What it is.\n// " + check_house.SPDX + "\n"
        self.assertEqual(len(house("src/base/a.cc", f"{top}int f() {{\n{BODY}}}\n")), 1)
        self.assertEqual(len(house("src/base/a.cc", f"{top}namespace x {{\nstruct A {{\n  int f() {{\n{BODY}  }}\n}};\n}}\n")), 1)
        self.assertEqual(house("src/base/a.cc", f"{top}// Long: one table of cases.\nint f() {{\n{BODY}}}\n"), [])


class Files(unittest.TestCase):
    top = "// What it is.\n// " + check_house.SPDX + "\n"

    def test_good_file(self):
        self.assertEqual(house("src/base/a.h", self.top + "// See https://xmpp.org/extensions/ and 'http://jabber.org/protocol/muc'.\n"), [])

    def test_long_file(self):
        self.assertEqual(len(house("src/base/a.h", self.top + "\n" * 400)), 1)
        self.assertEqual(house("src/base/a.h", self.top + "// Long: one table.\n" + "\n" * 400), [])

    def test_top(self):
        self.assertEqual(len(house("src/base/a.h", "#pragma once\n")), 2)
        self.assertEqual(len(house("src/base/a.h", "// " + check_house.SPDX + "\n")), 1)

    def test_words(self):
        for line in ["// TODO: later", "// FIXME", "// a st" + "ub", "// for" + " now", 'open("/ho' + 'me/romeo/x")', '"https:' + '//registry.corp/x"',
                     '"http:' + '//10.1.2.3:80/"']:
            self.assertEqual(len(house("src/base/a.h", self.top + line + "\n")), 1, line)
        self.assertEqual(house("src/base/a.h", self.top + "// TODO(romeo): later\n// a stubborn peer\n"), [])

    def test_name(self):
        self.assertEqual(len(house("src/base/string_util.h", self.top)), 1)


if __name__ == "__main__":
    unittest.main()
