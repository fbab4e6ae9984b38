// SPDX-License-Identifier: Apache-2.0
#include "talk.h"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace jackdaw::talks {
namespace {

struct Line {
  int number = 0;
  std::string text;
};

// One for each statement: lines that begin with a blank continue the one before. Between two tags nothing is put.
std::vector<Line> logical_lines(std::istream& in) {
  std::vector<Line> lines;
  std::string text;
  for (int number = 1; std::getline(in, text); ++number) {
    const auto first = text.find_first_not_of(" \t");
    const auto last = text.find_last_not_of(" \t\r");
    if (first == text.npos || text[0] == '#') continue;
    const std::string part = text.substr(first, last - first + 1);
    if (first == 0 || lines.empty()) {
      lines.push_back({number, part});
    } else {
      auto& whole = lines.back().text;
      whole += (whole.ends_with('>') && part.starts_with('<') ? "" : " ") + part;
    }
  }
  return lines;
}

void add_domain(Talk& talk, const std::string& name) {
  if (!name.empty() && std::find(talk.domains.begin(), talk.domains.end(), name) == talk.domains.end())
    talk.domains.push_back(name);
}

void add_domains(Talk& talk, const std::string& list) {
  std::istringstream in(list);
  for (std::string name; in >> name;) {
    if (name.ends_with(',')) name.pop_back();
    add_domain(talk, name);
  }
}

// "61s", "5m".
bool seconds_of(const std::string& text, std::string& seconds) {
  char unit = 0;
  long count = 0;
  std::istringstream in(text);
  if (!(in >> count >> unit)) return false;
  const long factor = unit == 's' ? 1 : unit == 'm' ? 60 : unit == 'h' ? 3600 : 0;
  seconds = std::to_string(count * factor);
  return factor != 0;
}

bool take_statement(Talk& talk, const Line& line) {
  std::istringstream in(line.text);
  std::string who, sign;
  in >> who >> sign;
  std::string rest;
  std::getline(in >> std::ws, rest);
  using What = Statement::What;
  Statement made{What::act, line.number, who, rest};
  if (who == "domains:") return add_domains(talk, sign + ' ' + rest), true;
  if (who == "set")
    return talk.settings.push_back(sign + (rest.empty() ? "" : ' ' + rest)), sign.find('=') != sign.npos;
  if (who == "clock" && sign == "+") {
    talk.moves_clock = true;
    made.what = What::clock;
    if (!seconds_of(rest, made.text)) return false;
  } else if (sign == "=") {
    made.what = What::cast;
    if (const auto at = rest.find('@'); at != rest.npos) add_domain(talk, rest.substr(at + 1, rest.find('/') - at - 1));
  } else if (sign == ">") {
    made.what = What::send;
  } else if (sign == "<") {
    made.what = What::expect;
  } else if (sign == "<*") {
    made.what = What::expect_any_order;
  } else {
    made.text = sign + (rest.empty() ? "" : ' ' + rest);
  }
  talk.statements.push_back(made);
  return !made.text.empty();
}

}  // namespace

bool read_talk(const std::string& file, Talk& talk, std::string& why) {
  std::ifstream in(file);
  talk.file = file;
  if (!in) return why = file + ": cannot be read", false;
  for (const Line& line : logical_lines(in))
    if (!take_statement(talk, line)) {
      why = file + ':' + std::to_string(line.number) + ": this is no statement: " + line.text;
      return false;
    }
  if (talk.domains.empty()) talk.domains.push_back("montague.example");
  return true;
}

}  // namespace jackdaw::talks
