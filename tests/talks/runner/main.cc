// talks: holds conversations written as text with a server in this process. README.md has the grammar.
//
//   talks [--tls] [--cores N] [--sqlite] [--store-faults N | --socket-faults N] [--workers N] [--verbose]
//   FILE|DIRECTORY...
//
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <iostream>

#include "troupe.h"

namespace {

using namespace jackdaw::talks;

struct Arguments {
  Mode mode;
  int workers = 4;
  bool verbose = false;
  std::vector<std::string> files;
};

void add_files(std::vector<std::string>& files, const std::string& place) {
  if (!std::filesystem::is_directory(place)) return files.push_back(place);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(place))
    if (entry.path().extension() == ".talk") files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
}

bool read_arguments(int count, char** words, Arguments& out) {
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    const auto number = [&] { return i + 1 < count ? std::atoi(words[++i]) : 0; };
    if (word == "--tls")
      out.mode.tls = true;
    else if (word == "--sqlite")
      out.mode.sqlite = true;
    else if (word == "--cores")
      out.mode.cores = number();
    else if (word == "--workers")
      out.workers = number();
    else if (word == "--verbose")
      out.verbose = true;
    else if (word == "--store-faults")
      out.mode.fault = Mode::Fault::store, out.mode.most_faults = number();
    else if (word == "--socket-faults")
      out.mode.fault = Mode::Fault::socket, out.mode.most_faults = number();
    else if (word.starts_with("--"))
      return false;
    else
      add_files(out.files, word);
  }
  return !out.files.empty() && out.workers > 0 && out.mode.cores > 0;
}

}  // namespace

int main(int count, char** words) {
  Arguments arguments;
  if (!read_arguments(count, words, arguments)) {
    std::cerr << "usage: talks [--tls] [--cores N] [--sqlite] [--store-faults N | --socket-faults N] [--workers N] "
                 "[--verbose] "
                 "FILE|DIRECTORY...\n";
    return 2;
  }
  const Score score = hold_talks(arguments.files, arguments.mode, arguments.workers, arguments.verbose);
  std::cout << score.passed << " passed, " << score.failed << " failed" << std::endl;
  return score.failed == 0 && score.passed > 0 ? 0 : 1;
}
