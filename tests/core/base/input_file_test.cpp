#include "core/base/input_file.h"

#include <filesystem>
#include <thread>

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "core/base/error.h"
#include "core/base/output_file.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

auto refuses(const std::string& expected) {
  return ::testing::ThrowsMessage<BadInput>(HasSubstr(expected));
}

class InputFileTest : public ::testing::Test {
 protected:
  // Both ways of reading say the same.
  void expect_refused(const std::string& path, const std::string& reason) {
    const std::string message = "[test] " + path + ": expected a readable file, got " + reason;
    EXPECT_THAT([&] { check_readable(path, "test"); }, refuses(message));
    EXPECT_THAT([&] { (void)read_input(path, "test"); }, refuses(message));
  }

  testing::TempDir folder_;
  std::string path_ = folder_ / "input";
};

TEST_F(InputFileTest, ReadsTheBytesOfAFile) {
  const std::string bytes("a\0\r\n\xFF", 5);
  write_file(path_, bytes);
  check_readable(path_, "test");
  EXPECT_EQ(read_input(path_, "test"), bytes);
}

TEST_F(InputFileTest, SaysTheSystemsReason) {
  expect_refused(path_, "No such file or directory");
  expect_refused(folder_.path().string(), "a folder");
  fs::create_symlink("input", path_);
  expect_refused(path_, "Too many levels of symbolic links");
  expect_refused(path_ + std::string(300, 'a'), "File name too long");
  fs::remove(path_);
  write_file(path_, "text");
  expect_refused(path_ + "/inside", "Not a directory");
}

// Thirty captures under `ulimit -n 24` are thirty good files.
TEST_F(InputFileTest, SaysThatTooManyFilesAreOpen) {
  write_file(path_, "text");
  rlimit before = {};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none = {0, before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  expect_refused(path_, "Too many open files");
  setrlimit(RLIMIT_NOFILE, &before);
}

TEST_F(InputFileTest, ReadsAPipeOnceAndDoesNotWaitForOneThatALibraryWouldOpen) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_THAT([&] { check_readable(path_, "test"); }, refuses("got a pipe or a device"));
  std::jthread writer([&] { write_file(path_, "text"); });
  EXPECT_EQ(read_input(path_, "test"), "text");
}

}  // namespace
}  // namespace kvscope
