#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace kvscope {

/// How a program that was started ended, and what it printed.
struct ChildResult {
  std::string
      problem;  ///< empty after exit code 0, else one line: what happened, and its last words
  std::string output;  ///< its standard output
};

/// Runs `arguments[0]`, an absolute path, in the root folder, without a shell and without input.
/// Waits for its end, at most for `patience`; then it is killed. Never throws for what the program
/// does.
ChildResult run_child(const std::vector<std::string>& arguments,
                      std::chrono::milliseconds patience);

}  // namespace kvscope
