// A damaged file must never crash the reader: it is read, or refused with a kvscope::Error.

#include <random>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/weights/safetensors.h"
#include "tests/core/weights/safetensors_bytes.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

using kvscope::testing::safetensors_bytes;
using kvscope::testing::TempDir;
using kvscope::testing::write_bytes;

std::string mutated(std::string bytes, std::mt19937& random) {
  const auto below = [&](std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(random);
  };
  for (std::size_t changes = 1 + below(4); changes > 0 && !bytes.empty(); --changes) {
    const std::size_t position = below(bytes.size());
    switch (below(5)) {
      case 0:
        bytes[position] = static_cast<char>(below(256));
        break;
      case 1:
        bytes[position] = static_cast<char>(bytes[position] ^ (1 << below(8)));
        break;
      case 2:  // The characters that the header's grammar hangs on.
        bytes[position] = R"({}[]",:0123456789-e.)"[below(20)];
        break;
      case 3:
        bytes.resize(position);
        break;
      default:
        bytes.insert(position, bytes.substr(below(bytes.size()), 1 + below(16)));
    }
  }
  return bytes;
}

/// Touches every byte of every view, so that one outside the mapping would fault.
std::size_t sum_of_all(const SafetensorsFile& file) {
  std::size_t sum = 0;
  for (const auto& [name, view] : file.tensors()) {
    for (const std::byte byte : view.bytes) sum += static_cast<std::size_t>(byte);
  }
  return sum;
}

TEST(SafetensorsFuzz, MutatedFilesAreReadOrRefused) {
  const std::string valid = safetensors_bytes(
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
      R"("b":{"dtype":"F16","shape":[4],"data_offsets":[24,32]},)"
      R"("c":{"dtype":"I64","shape":[],"data_offsets":[32,40]}})",
      40);
  const TempDir folder;
  std::mt19937 random(20240403);
  int read = 0;
  int refused = 0;
  for (int mutation = 0; mutation < 4000; ++mutation) {
    const std::string path = folder / std::to_string(mutation);
    write_bytes(path, mutated(valid, random));
    try {
      const SafetensorsFile file(path);
      sum_of_all(file);
      ++read;
    } catch (const Error&) {
      ++refused;
    }
    std::filesystem::remove(path);
  }
  // Both outcomes occur, or the mutations would be testing nothing.
  EXPECT_GT(read, 100);
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace kvscope
