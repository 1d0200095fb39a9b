// Writes an example capture: the golden file, and the victim of the tests that kill a writer.
#include <cstdio>
#include <exception>
#include <string>

#include "tests/support/example_capture.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: write_example FILE SAMPLES\n", stderr);
    return 2;
  }
  try {
    const kvscope::RunRecord record = kvscope::testing::example_record(std::stoll(argv[2]));
    kvscope::testing::write_example(argv[1], record, kvscope::testing::example_layout(record));
  } catch (const std::exception& mistake) {
    std::fprintf(stderr, "%s\n", mistake.what());
    return 1;
  }
  return 0;
}
