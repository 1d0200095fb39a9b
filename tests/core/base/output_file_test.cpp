#include "core/base/output_file.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "tests/support/full_disk.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class OutputFileTest : public ::testing::Test {
 protected:
  std::int64_t files() const {
    return std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator());
  }

  testing::TempDir folder_;
  std::string path_ = folder_ / "budget.json";
};

TEST_F(OutputFileTest, ReplacesAFileAndLeavesNothingBesideIt) {
  write_file(path_, "a long first text");
  write_file(path_, "second");
  EXPECT_EQ(content_of(path_), "second");
  EXPECT_EQ(files(), 1);
}

// With --force a user replaces a budget by a new one, not by half of one.
TEST_F(OutputFileTest, KeepsTheOldFileWhenTheDiskIsFull) {
  write_file(path_, "precious");
  {
    const testing::FullDisk full;
    EXPECT_THAT([&] { write_file(path_, "new"); },
                ::testing::ThrowsMessage<Error>(HasSubstr("to be written, got File too large")));
  }
  EXPECT_EQ(content_of(path_), "precious");
  EXPECT_EQ(files(), 1);
}

// Nobody asked for the unfinished file, whose longer name is what the file system refuses here.
TEST_F(OutputFileTest, NamesTheOutputThatCannotBeCreated) {
  const std::string path = folder_ / std::string(250, 'a');
  EXPECT_THAT([&] { write_file(path, "text"); },
              ::testing::ThrowsMessage<Error>(HasSubstr(path + ": expected to be written, got ")));
}

TEST_F(OutputFileTest, WritesThroughALink) {
  write_file(folder_ / "target.json", "old");
  fs::create_symlink(folder_ / "target.json", path_);
  write_file(path_, "new");
  EXPECT_TRUE(fs::is_symlink(path_));
  EXPECT_EQ(content_of(folder_ / "target.json"), "new");
}

TEST_F(OutputFileTest, ReportsADeviceThatTakesNothing) {
  EXPECT_THROW(write_file("/dev/full", "text"), Error);
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
}

TEST_F(OutputFileTest, RefusesANameThatCannotBecomeANewFile) {
  const auto refuses = [](const std::string& expected) {
    return ::testing::ThrowsMessage<Error>(HasSubstr(expected));
  };
  check_target(path_, false);
  EXPECT_THAT([&] { check_target(folder_ / "no/budget.json", true); }, refuses("no such folder"));
  EXPECT_THAT([&] { check_target(folder_.path().string(), true); }, refuses("got a folder"));
  write_file(path_, "precious");
  EXPECT_THAT([&] { check_target(path_, false); }, refuses("--force"));
  check_target(path_, true);
  fs::rename(path_, partial_path(path_));
  EXPECT_THAT([&] { check_target(path_, false); }, refuses("unfinished"));
  check_target(path_, true);
}

}  // namespace
}  // namespace kvscope
