// Writes an example trace: the victim of the tests that kill a writer.
#include <cstdio>
#include <exception>
#include <string>

#include "tests/core/trace/example_trace.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: write_trace FILE STEPS\n", stderr);
    return 2;
  }
  try {
    kvscope::testing::write_example_trace(argv[1], std::stoll(argv[2]));
  } catch (const std::exception& mistake) {
    std::fprintf(stderr, "%s\n", mistake.what());
    return 1;
  }
  return 0;
}
