// Both the comparison of test_xml.h and its own tests. Start reading at difference().
// SPDX-License-Identifier: Apache-2.0
#include "modules/test_xml.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace jackdaw {
namespace {

using Tokens = std::vector<std::string>;

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == text.npos; }

// One element and its attributes, then what is inside, then ">".
class Tokenizer {
 public:
  explicit Tokenizer(const XmlReader& reader) : bytes_(reader.element_bytes().data()), tape_(reader.element_tape()) {}

  Tokens tokens() {
    element(0, "jabber:client");
    return std::move(out_);
  }

 private:
  std::string_view at(std::size_t from, std::size_t to) const { return {bytes_ + from, to - from}; }

  void element(std::uint32_t index, std::string_view inherited) {
    const Element view{bytes_, tape_.data(), index, inherited};
    out_.push_back("<{" + std::string(view.ns()) + "}" + std::string(view.local()));
    const auto first_attribute = out_.size();
    const std::uint32_t end = tape_[index].next;
    std::uint32_t i = index + 1;
    for (; i < end && tape_[i].kind == TapeKind::attribute; ++i) {
      const TapeEntry& a = tape_[i];
      if (a.flags & tape_flag::declaration) continue;
      out_.push_back(" " + std::string(at(a.at, a.at + a.name_size)) + "=" + unescaped(at(a.end, a.next)));
    }
    std::sort(out_.begin() + static_cast<std::ptrdiff_t>(first_attribute), out_.end());
    inside(i, end, view.ns());
    out_.push_back(">");
  }

  void inside(std::uint32_t i, std::uint32_t end, std::string_view ns) {
    std::string text;
    const auto flush = [&] {
      if (!is_blank(text)) out_.push_back("'" + text);
      text.clear();
    };
    while (i < end) {
      const TapeEntry& entry = tape_[i];
      if (entry.kind == TapeKind::text) {
        text += unescaped(at(entry.at, entry.end));
        ++i;
        continue;
      }
      flush();
      element(i, ns);
      i = entry.next;
    }
    flush();
  }

  const char* bytes_;
  std::span<const TapeEntry> tape_;
  Tokens out_;
};

bool fits(const std::string& expected, const std::string& got) {
  if (expected == got) return true;
  if (expected == "'*") return got.starts_with('\'');
  return expected.starts_with(' ') && expected.ends_with("=*") &&
         got.starts_with(std::string_view(expected).substr(0, expected.size() - 1));
}

}  // namespace

bool read_xml(std::string_view xml, const std::function<void(const XmlReader&)>& see) {
  XmlReader reader;
  ReaderScratch scratch;
  std::string padded = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
  padded.append(xml);
  const auto size = padded.size();
  padded.append(XmlReader::padding, '\0');
  reader.feed(scratch, padded.data(), size);
  if (reader.next() != XmlReader::Event::header || reader.next() != XmlReader::Event::element) return false;
  see(reader);
  return true;
}

std::string difference(std::string_view expected, std::string_view got) {
  const auto both = "\n  expected " + std::string(expected) + "\n  got      " + std::string(got);
  Tokens wanted, there;
  if (!read_xml(expected, [&](const XmlReader& r) { wanted = Tokenizer{r}.tokens(); }))
    return "what is expected is not well-formed" + both;
  if (!read_xml(got, [&](const XmlReader& r) { there = Tokenizer{r}.tokens(); })) return "not well-formed" + both;
  const auto size = std::min(wanted.size(), there.size());
  for (std::size_t i = 0; i < size; ++i)
    if (!fits(wanted[i], there[i])) return "expected " + wanted[i] + ", got " + there[i] + both;
  return wanted.size() == there.size() ? std::string{} : "one has more than the other" + both;
}

TEST(TestXml, OrderAndBlanksDoNotMatter) {
  EXPECT_EQ(difference("<a b='1' c='2'> <d xmlns='x'/> </a>", "<a c=\"2\" b=\"1\"><d xmlns='x'></d></a>"), "");
  EXPECT_EQ(difference("<a><p:d xmlns:p='x'/></a>", "<a><d xmlns='x'/></a>"), "");
}

TEST(TestXml, AStarStandsForAnything) {
  EXPECT_EQ(difference("<a id='*'>*</a>", "<a id='17'>text</a>"), "");
  EXPECT_NE(difference("<a id='*'/>", "<a/>"), "");
}

TEST(TestXml, DifferencesAreFound) {
  EXPECT_NE(difference("<a/>", "<b/>"), "");
  EXPECT_NE(difference("<a><b xmlns='x'/></a>", "<a><b xmlns='y'/></a>"), "");
  EXPECT_NE(difference("<a><b/><c/></a>", "<a><c/><b/></a>"), "");
  EXPECT_NE(difference("<a b='1'/>", "<a b='2'/>"), "");
  EXPECT_NE(difference("<a b='1'/>", "<a b='1' c='2'/>"), "");
  EXPECT_NE(difference("<a>x</a>", "<a>y</a>"), "");
  EXPECT_NE(difference("<a/>", "<a>x</a>"), "");
}

}  // namespace jackdaw
