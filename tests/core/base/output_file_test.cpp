#include "core/base/output_file.h"

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

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

auto refuses(const std::string& expected) {
  return ::testing::ThrowsMessage<Error>(HasSubstr(expected));
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

// A run writes several files, and the first one that ends must not end the others.
TEST(FileSizeSignal, StaysIgnoredUntilTheLastWriterEnds) {
  const auto handler = [] {
    struct sigaction now = {};
    sigaction(SIGXFSZ, nullptr, &now);
    return now.sa_handler;
  };
  const auto before = handler();
  auto first = std::make_unique<IgnoreFileSizeSignal>();
  auto second = std::make_unique<IgnoreFileSizeSignal>();
  first.reset();
  EXPECT_EQ(handler(), SIG_IGN);
  second.reset();
  EXPECT_EQ(handler(), before);
}

// Nobody asked for the unfinished file, whose longer name is what the file system refuses here.
TEST_F(OutputFileTest, NamesTheOutputThatCannotBeCreated) {
  const std::string path = folder_ / std::string(250, 'a');
  EXPECT_THAT([&] { write_file(path, "text"); },
              ::testing::ThrowsMessage<Error>(HasSubstr(path + ": expected to be written, got ")));
}

TEST_F(OutputFileTest, ReplacesWhatALinkLeadsToAndKeepsTheLink) {
  fs::create_directory(folder_ / "elsewhere");
  fs::create_symlink("elsewhere/second", path_);
  fs::create_symlink("third", folder_ / "elsewhere/second");
  const std::string target = folder_ / "elsewhere/third";
  EXPECT_EQ(link_target(path_), target) << "not there yet";
  for (const char* text : {"old", "new"}) {
    write_file(path_, text);
    EXPECT_TRUE(fs::is_symlink(path_));
    EXPECT_EQ(content_of(target), text);
  }
  EXPECT_THAT([&] { check_target(path_, false); }, refuses("an existing one"));
  EXPECT_EQ(check_target(path_, true), target);
}

TEST_F(OutputFileTest, KeepsWhatALinkLeadsToWhenTheDiskIsFull) {
  write_file(folder_ / "target.json", "precious");
  fs::create_symlink(folder_ / "target.json", path_);
  {
    const testing::FullDisk full;
    EXPECT_THROW(write_file(path_, "new"), Error);
  }
  EXPECT_EQ(content_of(folder_ / "target.json"), "precious");
}

TEST_F(OutputFileTest, RefusesLinksThatLeadNowhere) {
  fs::create_symlink("no/such/folder", path_);
  EXPECT_THAT([&] { check_target(path_, true); }, refuses("no such folder"));
  fs::remove(path_);
  fs::create_symlink("back.json", path_);
  fs::create_symlink("budget.json", folder_ / "back.json");
  for (const auto& attempt : {std::function<void()>([&] { check_target(path_, true); }),
                              std::function<void()>([&] { check_text_target(path_, true); }),
                              std::function<void()>([&] { write_file(path_, "text"); })}) {
    EXPECT_THAT(attempt, refuses("got links that lead in a circle"));
  }
  EXPECT_TRUE(fs::is_symlink(path_));
}

TEST_F(OutputFileTest, ReportsADeviceThatTakesNothing) {
  EXPECT_THAT([&] { write_file("/dev/full", "text"); }, refuses("No space left on device"));
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
}

// A user who gives --force asks for a file, and not for the end of the machine's /dev/null.
TEST_F(OutputFileTest, WritesTextThroughWhatIsNoFileAndReplacesItNever) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  fs::create_symlink(path_, folder_ / "link");
  for (const std::string& name : {path_, folder_ / "link"}) {
    EXPECT_THAT([&] { check_target(name, true); }, refuses("a regular file, got a pipe"));
    check_text_target(name, false);
    // A pipe that can be read and written keeps a little, so that one thread does both.
    const int reader = open(path_.c_str(), O_RDWR);
    write_file(name, "text");
    std::array<char, 8> read_back{};
    EXPECT_EQ(read(reader, read_back.data(), read_back.size()), 4);
    close(reader);
    EXPECT_STREQ(read_back.data(), "text");
    EXPECT_TRUE(fs::is_fifo(path_));
  }
  EXPECT_THAT([&] { check_target("/dev/null", true); }, refuses("got a device"));
  check_text_target("/dev/null", false);
  write_file("/dev/null", "text");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST_F(OutputFileTest, NeverReplacesASocket) {
  const int socket_id = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(bind(socket_id, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_THAT([&] { check_target(path_, true); }, refuses("got a socket"));
  EXPECT_THAT([&] { check_text_target(path_, true); }, refuses("got a socket"));
  EXPECT_THAT([&] { write_file(path_, "text"); }, refuses("got a socket"));
  EXPECT_TRUE(fs::is_socket(path_));
  close(socket_id);
}

// As under `kvscope plan -o /dev/stdout >> log`: a second file of that name would lose the log.
TEST_F(OutputFileTest, WritesToOpenDescriptorsWhereTheyStand) {
  const int log = open(path_.c_str(), O_RDWR | O_CREAT, 0600);
  ASSERT_EQ(write(log, "before ", 7), 7);
  for (const char* folder : {"/dev/fd/", "/proc/self/fd/"}) {
    const std::string name = folder + std::to_string(log);
    EXPECT_THAT([&] { check_target(name, true); }, refuses("an open descriptor"));
    check_text_target(name, false);
    write_file(name, "text ");
  }
  EXPECT_EQ(content_of(path_), "before text text ");
  EXPECT_EQ(files(), 1);
  close(log);
  EXPECT_THAT([&] { write_file("/dev/fd/" + std::to_string(log), "text"); },
              refuses("Bad file descriptor"));
}

TEST_F(OutputFileTest, KnowsTheNamesOfStandardOutput) {
  fs::create_symlink("/dev/stdout", path_);
  for (const std::string& name :
       {std::string("-"), std::string("/dev/stdout"), std::string("/dev/fd/1"), path_}) {
    EXPECT_TRUE(is_standard_output(name)) << name;
    check_text_target(name, false);
    EXPECT_THROW(check_target(name, true), Error);
  }
  for (const std::string& name : {std::string("./-"), std::string("/dev/stderr"),
                                  std::string("/dev/null"), folder_ / "1", std::string()}) {
    EXPECT_FALSE(is_standard_output(name)) << name;
  }
}

TEST_F(OutputFileTest, NeverReplacesWhatHasTheNameOfItsUnfinishedFile) {
  ASSERT_EQ(mkfifo(partial_path(path_).c_str(), 0600), 0);
  EXPECT_THAT([&] { check_target(path_, true); }, refuses(".partial: "));
  EXPECT_THROW(write_file(path_, "text"), Error);
  EXPECT_TRUE(fs::is_fifo(partial_path(path_)));
}

TEST_F(OutputFileTest, MakesAFolderForOutputs) {
  make_output_folder(folder_ / "a/b");
  make_output_folder(folder_ / "a/b");
  fs::create_directory_symlink(folder_ / "a", path_);
  make_output_folder(path_);
  EXPECT_TRUE(fs::is_symlink(path_));
  write_file(folder_ / "file", "precious");
  fs::create_symlink(folder_ / "nothing", folder_ / "dangling");
  EXPECT_THAT([&] { make_output_folder(folder_ / "file"); }, refuses("a folder, got a file"));
  EXPECT_THAT([&] { make_output_folder(folder_ / "file/a"); }, refuses("Not a directory"));
  EXPECT_THAT([&] { make_output_folder(folder_ / "dangling"); }, refuses("dangling: expected"));
  EXPECT_THAT([&] { make_output_folder("/dev/null"); }, refuses("a folder, got a device"));
  EXPECT_THAT([&] { make_output_folder("-"); }, refuses("standard output"));
  EXPECT_THAT([&] { make_output_folder(""); }, refuses("got none"));
}

TEST_F(OutputFileTest, RefusesANameThatCannotBecomeANewFile) {
  check_target(path_, false);
  EXPECT_THAT([&] { check_target("", true); }, refuses("got none"));
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
