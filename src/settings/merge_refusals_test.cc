// Every message that an operator can get, word for word: file, line, setting, why, what is allowed; always one line.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "settings/merge.h"
#include "settings/sample_rows.h"

namespace jackdaw {
namespace {

std::string failure_of(const SettingSources& sources) {
  auto settings = merge(sample::table(), sources);
  return settings ? "merged" : settings.failure().what;
}
std::string of_file(std::string text) {
  return failure_of({.file_name = "jackdaw.toml", .file_text = std::move(text)});
}
std::string of_set(std::string word) { return failure_of({.command_line = {std::move(word)}}); }
std::string of_stored(StoredChange change) { return failure_of({.stored = {std::move(change)}}); }
std::string of_change(std::string_view name, std::string_view domain, std::string_view text) {
  return check_change(sample::table(), name, domain, text);
}

TEST(MergeRefusals, BoundsInTheFile) {
  EXPECT_EQ(of_file("\n\n[c2s]\nmax_stanza = 5\n"),
            "jackdaw.toml:4: c2s.max_stanza = 5: too small; allowed: 10000 to 16777216 (bytes)");
  EXPECT_EQ(of_file("c2s.max_stanza = \"17MiB\""),
            "jackdaw.toml:1: c2s.max_stanza = \"17MiB\": too large; allowed: 10000 to 16777216 (bytes)");
  EXPECT_EQ(of_file("[c2s]\nidle = \"500ms\""),
            "jackdaw.toml:2: c2s.idle = \"500ms\": whole seconds only; allowed: 10s to 1d");
  EXPECT_EQ(of_file("[c2s]\nidle = -1"), "jackdaw.toml:2: c2s.idle = -1: too small; allowed: 10s to 1d");
  EXPECT_EQ(of_file("[log]\nlevel = \"loud\""),
            "jackdaw.toml:2: log.level = \"loud\": not one of the words; allowed: one of major, all");
  EXPECT_EQ(of_file("[domain.\"a.example\".c2s]\nidle = 1"),
            "jackdaw.toml:2: domain.\"a.example\".c2s.idle = 1: too small; allowed: 10s to 1d");
}

TEST(MergeRefusals, TypesInTheFile) {
  EXPECT_EQ(of_file("c2s.idle = true"), "jackdaw.toml:1: c2s.idle = true: not a duration; allowed: 10s to 1d");
  EXPECT_EQ(of_file("c2s.idle = 1.5"), "jackdaw.toml:1: c2s.idle = 1.5: not a duration; allowed: 10s to 1d");
  EXPECT_EQ(of_file("c2s.idle = 07:32:00"),
            "jackdaw.toml:1: c2s.idle = a date or time: not a duration; allowed: 10s to 1d");
  EXPECT_EQ(of_file("c2s.idle.x = 1"), "jackdaw.toml:1: c2s.idle = a table: not a duration; allowed: 10s to 1d");
  EXPECT_EQ(of_file("c2s.port = \"5222\""),
            "jackdaw.toml:1: c2s.port = \"5222\": not a whole number; allowed: 1 to 65535");
  EXPECT_EQ(of_file("c2s.max_stanza = [\"a\"]"),
            "jackdaw.toml:1: c2s.max_stanza = [\"a\"]: not a size; allowed: 10000 to 16777216 (bytes)");
  EXPECT_EQ(of_file("registration.auto_signup = \"true\""),
            "jackdaw.toml:1: registration.auto_signup = \"true\": not a boolean; allowed: true or false");
  EXPECT_EQ(of_file("registration.admins = \"a, b\""),
            "jackdaw.toml:1: registration.admins = \"a, b\": not a list of strings; allowed: a list of strings");
  EXPECT_EQ(of_file("registration.admins = [1]"),
            "jackdaw.toml:1: registration.admins = a list with other things than strings: not a list of strings; "
            "allowed: a list of strings");
  EXPECT_EQ(of_file("log.note = 5"), "jackdaw.toml:1: log.note = 5: not a string; allowed: any string");
}

TEST(MergeRefusals, ListsInTheFile) {
  EXPECT_EQ(of_file("registration.admins = [\"a,b\"]"),
            "jackdaw.toml:1: registration.admins = [\"a,b\"]: has an item with a comma; allowed: a list of strings");
  EXPECT_EQ(of_file("registration.admins = [\"\"]"),
            "jackdaw.toml:1: registration.admins = [\"\"]: has an empty item; allowed: a list of strings");
  EXPECT_EQ(of_file("registration.admins = [\"a\", \"a\"]"),
            "jackdaw.toml:1: registration.admins = [\"a\", \"a\"]: has an item twice; allowed: a list of strings");
  EXPECT_EQ(of_file("c2s.mechanisms = [\"X\"]"),
            "jackdaw.toml:1: c2s.mechanisms = [\"X\"]: has a word that is not allowed; allowed: a list of "
            "SCRAM-SHA-256, SCRAM-SHA-1, PLAIN");
}

TEST(MergeRefusals, UnknownNamesInTheFile) {
  EXPECT_EQ(of_file("[c2s]\nmax_stanz = 5"),
            "jackdaw.toml:2: c2s.max_stanz: no such setting; did you mean c2s.max_stanza?");
  EXPECT_EQ(of_file("[completely]\ndifferent_word = 5"), "jackdaw.toml:2: completely.different_word: no such setting");
  EXPECT_EQ(of_file("idle = 5"), "jackdaw.toml:1: idle: no such setting; did you mean c2s.idle?");
  EXPECT_EQ(of_file("[registraton]"),
            "jackdaw.toml:1: registraton: no such area of settings; did you mean registration?");
  EXPECT_EQ(of_file("c2s = 5"), "jackdaw.toml:1: c2s: not a table; allowed: [c2s]");
  EXPECT_EQ(of_file("[[c2s]]\nidle = 90"), "jackdaw.toml:1: c2s: not a table; allowed: [c2s]");
  EXPECT_EQ(of_file("\"c2s.idle\" = 90"), "jackdaw.toml:1: c2s.idle: allowed only without quotes around the dot");
  EXPECT_EQ(of_file("[domain.\"a.example\".c2s]\nidel = 90"),
            "jackdaw.toml:2: domain.\"a.example\".c2s.idel: no such setting; did you mean c2s.idle?");
}

TEST(MergeRefusals, DomainTables) {
  EXPECT_EQ(of_file("[domain.\"a.example\".c2s]\nport = 5"),
            "jackdaw.toml:2: domain.\"a.example\".c2s.port: may be set for the whole server only; "
            "allowed: [c2s] port = ...");
  EXPECT_EQ(of_file("[domain.example.org.registration]\nauto_signup = true"),
            "jackdaw.toml:1: domain.\"example\".org.registration: no such setting; a domain's name stands in quotes: "
            "[domain.\"example.org\"]");
  EXPECT_EQ(of_file("[domain.example.org]"),
            "jackdaw.toml:1: domain.\"example\".org: no such area of settings; did you mean log?; a domain's name "
            "stands in quotes: [domain.\"example.org\"]");
  EXPECT_EQ(of_file("[domain.\"a.example\"]\n[domain.\"A.example\"]"),
            "jackdaw.toml:2: domain.\"a.example\": there are two tables for this domain");
  EXPECT_EQ(of_file("domain = \"a.example\""),
            "jackdaw.toml:1: domain: not a table, such as [domain.\"example.org\".area]");
  EXPECT_EQ(of_file("[domain]\n\"a.example\" = 5"),
            "jackdaw.toml:2: domain.\"a.example\": not a table, such as [domain.\"example.org\".area]");
  EXPECT_EQ(of_file("[domain.\"\"]"), "jackdaw.toml:1: domain.\"\": not a domain's name");
  EXPECT_EQ(of_file("[domain.\"a\\nb\"]"), "jackdaw.toml:1: domain.\"a\\nb\": not a domain's name");
}

TEST(MergeRefusals, ListOfDomains) {
  EXPECT_EQ(of_file("domains = [\n\"a.example\",\n\"A.Example\",\n]"),
            "jackdaw.toml:3: domains: \"a.example\" is listed twice");
  EXPECT_EQ(of_file("domains = \"a.example\""),
            "jackdaw.toml:1: domains: not a list of strings, such as [\"example.org\"]");
  EXPECT_EQ(of_file("domains = [\"a.example\",\n5]"),
            "jackdaw.toml:2: domains: not a list of strings, such as [\"example.org\"]");
  EXPECT_EQ(of_file("domains = [\" \"]"), "jackdaw.toml:1: domains: \" \": not a domain's name");
  EXPECT_EQ(of_set("domains=a.example,A.example"), "--set domains: \"a.example\" is listed twice");
  EXPECT_EQ(of_set("domains=a.example,,"), "--set domains: \"\": not a domain's name");
}

TEST(MergeRefusals, TheFirstLineOfTheFileIsTold) {
  EXPECT_EQ(of_file("[log]\nlevel = \"loud\"\n[c2s]\nidle = 1\n"),
            "jackdaw.toml:2: log.level = \"loud\": not one of the words; allowed: one of major, all");
}

TEST(MergeRefusals, WhatIsNotToml) {
  EXPECT_TRUE(of_file("[c2s]\nidle = \n").starts_with("jackdaw.toml:2: not TOML: ")) << of_file("[c2s]\nidle = \n");
  EXPECT_TRUE(of_file("[c2s]\n\nidle = 9\nidle = 10").starts_with("jackdaw.toml:4: not TOML: "));
  EXPECT_TRUE(of_file("a = \"\xff\"").starts_with("jackdaw.toml:1: not TOML: "));
  EXPECT_EQ(of_file("\n" + std::string(20'000, 'a')), "jackdaw.toml:2: the line is longer than 16384 bytes");
  EXPECT_EQ(of_file(std::string(2'000'000, '\n')), "jackdaw.toml:1: the file is larger than 1 MiB");
}

// toml++ 3.3.0 asserts, wrongly, that these cannot be.
TEST(MergeRefusals, HeadersThatAreNone) {
  for (const char* text :
       {"[[*c2s]]", "[*c2s]", "[ *", "[[[c2s]]]", "[[=", "[[", "[", "[]", "[[]]", "[c2s.*]", "[=c2s]"}) {
    EXPECT_TRUE(of_file(text).starts_with("jackdaw.toml:1: not TOML: ")) << text << ": " << of_file(text);
  }
}

// So it does of letters next to its table of blanks, here where it sees no string.
TEST(MergeRefusals, LettersBehindABrokenNumber) {
  for (const char* text : {"a.b = 1.'''''\xCC\x9C"
                           "e",
                           "a.b = 1'\xC3\xA9'", "a.b = -'\xD0\xAF"})
    EXPECT_TRUE(of_file(text).starts_with("jackdaw.toml:1: not TOML: ")) << text << ": " << of_file(text);
}

// Nor has TOML any of these.
TEST(MergeRefusals, CharactersOutsideOfQuotes) {
  const std::string why = "jackdaw.toml:2: not TOML: a character outside of quotes that is not ASCII";
  EXPECT_EQ(of_file("\nc2s.ä = 1"), why);
  EXPECT_EQ(of_file("\n[c2s]\xEF\xBA\xBF"), why);
  EXPECT_EQ(of_file("#\n\xC2\xA0"), why);
  EXPECT_EQ(of_file("log.note = \"x\"\nä"), why);
  EXPECT_EQ(of_file("a = '''\n'''ä"), why);
  EXPECT_EQ(of_file("a = \"\"\"\n\"\"\"\"\"ä"), why);
  EXPECT_EQ(of_file("a = '\\'\n\xE4"), why);
  EXPECT_EQ(of_file("a = \"\\\"\"\n\xE4"), why);
  EXPECT_EQ(of_file("# ä\nlog.note = \"\"\"\n\\\"\"ä\"\"\"\"\" # ä"), "merged");
  EXPECT_EQ(of_file("log.note = 'ä\\' # ä\nlog.level = '''all'''"), "merged");
}

TEST(MergeRefusals, NestingIsBounded) {
  std::string deep;
  for (int i = 0; i < 8000; ++i) deep += "a.";
  EXPECT_EQ(of_file(deep + "a = 1"), "jackdaw.toml:1: a.a: no such setting");
  EXPECT_TRUE(of_file("a = " + std::string(8000, '[')).starts_with("jackdaw.toml:1: not TOML: "));
}

TEST(MergeRefusals, CommandLine) {
  EXPECT_EQ(of_set("c2s.idle=5"), "--set c2s.idle=5: too small; allowed: 10s to 1d");
  EXPECT_EQ(of_set("c2s.idle"), "--set c2s.idle: no value; allowed: name=value");
  EXPECT_EQ(of_set(""), "--set : no value; allowed: name=value");
  EXPECT_EQ(of_set("c2s.idl=5"), "--set c2s.idl: no such setting; did you mean c2s.idle?");
  EXPECT_EQ(of_set("domain.a.example.c2s.idle=5"),
            "--set domain.\"a.example\".c2s.idle=5: too small; allowed: 10s to 1d");
  EXPECT_EQ(of_set("domain.a.example.c2s.port=5"),
            "--set domain.\"a.example\".c2s.port: may be set for the whole server only; allowed: [c2s] port = ...");
  EXPECT_EQ(of_set("domain.\"\".c2s.idle=90"), "--set domain.\"\"\"\".c2s.idle: not a domain's name");
  EXPECT_EQ(of_set("domain.a,b.c2s.idle=90"), "--set domain.\"a,b\".c2s.idle: not a domain's name");
  EXPECT_EQ(of_set("domain.idle=90"), "--set domain.idle: no such setting");
}

TEST(MergeRefusals, StoredChanges) {
  EXPECT_EQ(of_stored({"", "c2s.idle", "5"}), "stored change: c2s.idle = 5: too small; allowed: 10s to 1d");
  EXPECT_EQ(of_stored({"a.example", "c2s.port", "5"}),
            "stored change: domain.\"a.example\".c2s.port: may be set for the whole server only; "
            "allowed: [c2s] port = ...");
}

TEST(MergeRefusals, ChangesAtRunTime) {
  EXPECT_EQ(of_change("c2s.idle", "", "90s"), "");
  EXPECT_EQ(of_change("c2s.idle", "a.example", "90s"), "");
  EXPECT_EQ(of_change("c2s.idle", "a.example", "5"),
            "domain.\"a.example\".c2s.idle = 5: too small; allowed: 10s to 1d");
  EXPECT_EQ(of_change("c2s.port", "a.example", "5"),
            "domain.\"a.example\".c2s.port: may be set for the whole server only; allowed: [c2s] port = ...");
  EXPECT_EQ(of_change("c2s.prt", "", "5"), "c2s.prt: no such setting; did you mean c2s.port?");
}

TEST(MergeRefusals, SecretsAreNotRepeated) {
  EXPECT_EQ(of_file("directory.password = 12345"),
            "jackdaw.toml:1: directory.password = (secret): not a string; allowed: any string");
  EXPECT_EQ(of_set("directory.password=opensesame\x01"),
            "--set directory.password=(secret): has a control character; allowed: any string");
  EXPECT_EQ(of_stored({"", "directory.password", "\x01"}),
            "stored change: directory.password = (secret): has a control character; allowed: any string");
  // A misspelt name may be a secret's.
  EXPECT_EQ(of_file("directory.pasword = \"opensesame\""),
            "jackdaw.toml:1: directory.pasword: no such setting; did you mean directory.password?");
  EXPECT_EQ(of_set("directory.pasword=opensesame"),
            "--set directory.pasword: no such setting; did you mean directory.password?");
  // What toml++ cannot read it quotes.
  EXPECT_NE(of_file("[c2s]\nport = 99999999999999999999").find("99999999999999999999"), std::string::npos);
  std::string hidden = of_file("[directory]\npassword = 99999999999999999999");
  EXPECT_TRUE(hidden.starts_with("jackdaw.toml:2: not TOML: ")) << hidden;
  EXPECT_EQ(hidden.find("9999"), std::string::npos) << hidden;
}

TEST(MergeRefusals, OneLineWhateverIsWritten) {
  std::string nasty = "x\\n\\u001b[31m\\u202e";
  for (const std::string& failure :
       {of_file("[\"" + nasty + "\"]"), of_file("[c2s]\n\"" + nasty + "\" = 1"),
        of_file("log.level = \"" + nasty + '"'), of_file("domains = [\"" + nasty + "\"]"),
        of_file("[domain.\"" + nasty + "\"]"), of_set("log.level=\x1b[31m\n"), of_set("\n=\r"),
        of_stored({"\n", "log.level", "\n"}), of_change("\n", "\x1b", "\x7f"),
        failure_of({.file_name = "a\nb", .file_text = "="})}) {
    EXPECT_NE(failure, "merged");
    EXPECT_TRUE(std::ranges::none_of(failure, [](unsigned char c) { return c < 0x20 || c == 0x7f; })) << failure;
    EXPECT_EQ(failure.find("\xE2\x80\xAE"), std::string::npos) << failure;
  }
  EXPECT_LT(of_file("log.level = \"" + std::string(10'000, 'x') + '"').size(), 400u);
}

}  // namespace
}  // namespace jackdaw
