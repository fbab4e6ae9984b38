// The reader against expat on what a chat server reads: one stream of client stanzas in chunks of 64 KiB. Both check
// well-formedness and namespaces; expat calls empty handlers, the reader writes a tape. The last line is their ratio.
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>
#include <expat.h>

#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "xml/reader.h"

namespace jackdaw {
namespace {

constexpr std::size_t chunk_size = 64 * 1024;
constexpr std::string_view header =
    "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xml:lang='en' xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams'>";

std::string base64(std::size_t size, unsigned seed) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  while (out.size() < size) out += digits[(seed = seed * 1664525U + 1013904223U) >> 26];
  return out;
}

std::string message(unsigned n) {
  static constexpr std::string_view bodies[] = {
      "Art thou not Romeo, and a Montague? Neither, fair saint, if either thee dislike.",
      "ok",
      "The release is at 10:30 tomorrow &amp; the notes are in the usual place; ask Anna when something is missing.",
      "Gr\xC3\xBC\xC3\x9F"
      "e aus M\xC3\xBCnchen, bis sp\xC3\xA4ter!",
  };
  const auto id = std::to_string(n);
  return "<message type='chat' to='u" + id + "@localhost/xl' id='m" + id + "'><body>" + std::string(bodies[n % 4]) +
         "</body><active xmlns='http://jabber.org/protocol/chatstates'/><origin-id xmlns='urn:xmpp:sid:0' id='m" + id +
         "'/></message>";
}

std::string presence(unsigned n) {
  return "<presence id='p" + std::to_string(n) +
         "'><show>away</show><priority>5</priority><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' "
         "node='https://example.org/client' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/></presence>";
}

std::string roster(unsigned n) {
  std::string items;
  for (unsigned i = 0; i < 8; ++i)
    items += "<item jid='friend" + std::to_string(n + i) + "@example.org' name='Friend " + std::to_string(i) +
             "' subscription='both'><group>Friends</group></item>";
  return "<iq type='set' id='r" + std::to_string(n) + "'><query xmlns='jabber:iq:roster'>" + items + "</query></iq>";
}

std::string acknowledgement(unsigned n) { return "<a xmlns='urn:xmpp:sm:3' h='" + std::to_string(n) + "'/>"; }

// XEP-0292 over XEP-0163: about 2 KiB of small elements.
std::string published(unsigned n) {
  std::string fields;
  for (unsigned i = 0; i < 18; ++i)
    fields += "<tel><parameters><type><text>work</text></type></parameters><uri>tel:+49-30-" + std::to_string(n + i) +
              "</uri></tel>";
  return "<iq type='set' id='pep" + std::to_string(n) +
         "'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:xmpp:vcard4'><item id='current'>"
         "<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'>" +
         fields + "</vcard></item></publish></pubsub></iq>";
}

// XEP-0384: keys for a few devices and the encrypted payload, 1.5 KiB.
std::string encrypted(unsigned n) {
  std::string keys;
  for (unsigned i = 0; i < 5; ++i)
    keys += "<key rid='" + std::to_string(1000000 + n + i) + "'>" + base64(180, n + i) + "</key>";
  return "<message type='chat' to='u" + std::to_string(n) + "@localhost' id='e" + std::to_string(n) +
         "'><encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='27183'>" + keys + "<iv>" + base64(16, n) +
         "</iv></header><payload>" + base64(300, n) + "</payload></encrypted><store xmlns='urn:xmpp:hints'/></message>";
}

// Of 100 stanzas 60 are messages, 12 presences, 15 acknowledgements, 5 rosters, 3 published items, 5 encrypted.
std::string mix(std::size_t size) {
  std::string out;
  unsigned seed = 7;
  for (unsigned n = 0; out.size() < size; ++n) {
    seed = seed * 1664525U + 1013904223U;
    const unsigned dice = (seed >> 16) % 100;
    if (dice < 60)
      out += message(n);
    else if (dice < 72)
      out += presence(n);
    else if (dice < 87)
      out += acknowledgement(n);
    else if (dice < 92)
      out += roster(n);
    else if (dice < 95)
      out += published(n);
    else
      out += encrypted(n);
  }
  return out;
}

// Padded, as the transport hands them over.
std::vector<std::string> chunks_of(std::string_view text) {
  std::vector<std::string> chunks;
  for (std::size_t from = 0; from < text.size(); from += chunk_size)
    chunks.push_back(std::string(text.substr(from, chunk_size)).append(XmlReader::padding, '\0'));
  return chunks;
}

const std::vector<std::string>& stanzas() {
  static const std::vector<std::string> chunks = chunks_of(mix(4 << 20));
  return chunks;
}

std::size_t bytes_of(const std::vector<std::string>& chunks) {
  std::size_t size = 0;
  for (const auto& chunk : chunks) size += chunk.size() - XmlReader::padding;
  return size;
}

// Reads all complete elements of one chunk.
std::size_t read_chunk(XmlReader& reader, ReaderScratch& scratch, const char* bytes, std::size_t size) {
  std::size_t entries = 0;
  reader.feed(scratch, bytes, size);
  for (;;) {
    switch (reader.next()) {
      case XmlReader::Event::need_more:
        return entries;
      case XmlReader::Event::element:
        entries += reader.element_tape().size();
        break;
      case XmlReader::Event::header:
        break;
      default:
        std::abort();
    }
  }
}

std::size_t read_with_reader(ReaderScratch& scratch, const std::vector<std::string>& chunks) {
  XmlReader reader;
  static const std::string padded = std::string(header).append(XmlReader::padding, '\0');
  std::size_t entries = read_chunk(reader, scratch, padded.data(), header.size());
  for (const auto& chunk : chunks) entries += read_chunk(reader, scratch, chunk.data(), chunk.size() - reader.padding);
  return entries;
}

// What expat saw, so that its handlers are not empty for the compiler.
struct Counts {
  std::size_t starts = 0, ends = 0, characters = 0;
};

void XMLCALL on_start(void* counts, const XML_Char*, const XML_Char**) { ++static_cast<Counts*>(counts)->starts; }
void XMLCALL on_end(void* counts, const XML_Char*) { ++static_cast<Counts*>(counts)->ends; }
void XMLCALL on_text(void* counts, const XML_Char*, int size) {
  static_cast<Counts*>(counts)->characters += static_cast<std::size_t>(size);
}

std::size_t read_with_expat(const std::vector<std::string>& chunks) {
  Counts counts;
  XML_Parser parser = XML_ParserCreateNS("UTF-8", ' ');
  XML_SetUserData(parser, &counts);
  XML_SetElementHandler(parser, on_start, on_end);
  XML_SetCharacterDataHandler(parser, on_text);
  if (XML_Parse(parser, header.data(), static_cast<int>(header.size()), 0) != XML_STATUS_OK) std::abort();
  for (const auto& chunk : chunks) {
    const auto size = static_cast<int>(chunk.size() - XmlReader::padding);
    if (XML_Parse(parser, chunk.data(), size, 0) != XML_STATUS_OK) std::abort();
  }
  XML_ParserFree(parser);
  return counts.starts + counts.ends + counts.characters;
}

void reader(benchmark::State& state) {
  ReaderScratch scratch;
  for (auto _ : state) benchmark::DoNotOptimize(read_with_reader(scratch, stanzas()));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes_of(stanzas())));
}

void expat(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(read_with_expat(stanzas()));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes_of(stanzas())));
}

// Both in turn and in processor time, so that a busy machine slows both: `ratio` says how many times expat's throughput
// the reader's is.
void reader_against_expat(benchmark::State& state) {
  ReaderScratch scratch;
  std::clock_t ours = 0, theirs = 0;
  for (auto _ : state) {
    const auto start = std::clock();
    benchmark::DoNotOptimize(read_with_reader(scratch, stanzas()));
    const auto between = std::clock();
    benchmark::DoNotOptimize(read_with_expat(stanzas()));
    ours += between - start;
    theirs += std::clock() - between;
  }
  state.counters["ratio"] = static_cast<double>(theirs) / static_cast<double>(ours);
}

BENCHMARK(reader)->Unit(benchmark::kMillisecond);
BENCHMARK(expat)->Unit(benchmark::kMillisecond);
BENCHMARK(reader_against_expat)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace jackdaw
