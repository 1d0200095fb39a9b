#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include <wordexp.h>

namespace kvscope::cli {

/// The words that a shell makes of a command line.
inline std::vector<std::string> shell_words(const std::string& line) {
  wordexp_t words{};
  if (wordexp(line.c_str(), &words, WRDE_NOCMD) != 0) throw std::runtime_error("no words: " + line);
  std::vector<std::string> result(words.we_wordv, words.we_wordv + words.we_wordc);
  wordfree(&words);
  return result;
}

}  // namespace kvscope::cli
