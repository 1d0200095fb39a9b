#include "core/image/npz.h"

#include <filesystem>
#include <vector>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "tests/support/full_disk.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

namespace fs = std::filesystem;

// Read back by numpy in tests/pipeline/main_job_test.py.
void write_array(const std::string& path, std::int64_t bytes) {
  NpzWriter writer(path, true);
  writer.begin_array("arr_0", "|u1", {bytes});
  writer.append(std::vector<std::byte>(static_cast<std::size_t>(bytes)));
  writer.end_array();
  writer.finish();
}

// An evaluator would read half an archive as a smaller one, or nothing at all.
TEST(NpzWriter, KeepsTheOldFileWhenTheDiskIsFull) {
  const testing::TempDir folder;
  const std::string path = folder / "images.npz";
  write_array(path, 100);
  const auto size = fs::file_size(path);
  {
    const testing::FullDisk full;
    EXPECT_THROW(write_array(path, 1'000'000), Error);
    EXPECT_THROW(write_array(path, 10), Error);
  }
  EXPECT_EQ(fs::file_size(path), size);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

}  // namespace
}  // namespace kvscope
