#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <random>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/capture/capture_reader.h"
#include "tests/core/capture/expect_capture.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

/// write_example in a process of its own; killed at the end of its life if not before.
class Writer {
 public:
  Writer(const std::string& path, std::int64_t samples) : child_(fork()) {
    const std::string count = std::to_string(samples);
    if (child_ != 0) return;
    execl(KVSCOPE_WRITE_EXAMPLE, "write_example", path.c_str(), count.c_str(), nullptr);
    _exit(127);
  }
  ~Writer() { kill(); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void kill() {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    waitpid(child_, &status_, 0);
    child_ = 0;
  }
  /// Whether it died from the signal, and not by itself before.
  bool was_killed() const { return WIFSIGNALED(status_) && WTERMSIG(status_) == SIGKILL; }

 private:
  pid_t child_;
  int status_ = 0;
};

// Enough samples that no run ends before its kill.
constexpr std::int64_t many_samples = 20000;

bool wait_for(const std::string& path) {
  for (int i = 0; i < 5000; ++i) {
    if (fs::exists(path)) return true;
    std::this_thread::sleep_for(1ms);
  }
  return false;
}

// An hour of capture must not be lost because the last second of it was.
TEST(KilledWriter, LeavesAPartialFileWithWholeSamples) {
  std::mt19937 random(20260101);
  std::uniform_int_distribution<int> delay_us(0, 300000);
  std::int64_t most = 0;
  for (int round = 0; round < 30; ++round) {
    const testing::TempDir folder;
    const std::string path = folder / "a.h5";
    Writer writer(path, many_samples);
    // A third of the kills counts from the start of the process, when the file is being created.
    if (round % 3 != 0) {
      ASSERT_TRUE(wait_for(path + ".partial"));
    }
    std::this_thread::sleep_for(std::chrono::microseconds(delay_us(random)));
    writer.kill();
    ASSERT_TRUE(writer.was_killed());
    EXPECT_FALSE(fs::exists(path));
    if (!fs::exists(path + ".partial")) continue;
    const CaptureReader reader(path + ".partial");
    EXPECT_FALSE(reader.complete());
    testing::expect_committed_samples(reader);
    most = std::max(most, reader.committed_samples());
  }
  EXPECT_GT(most, 0) << "every kill came before the first batch: the test shows nothing";
}

TEST(LiveWriter, CanBeReadMeanwhile) {
  const testing::TempDir folder;
  const std::string path = folder / "a.h5";
  Writer writer(path, many_samples);
  ASSERT_TRUE(wait_for(path + ".partial"));
  std::int64_t before = -1;
  int grown = 0;
  for (int round = 0; round < 200 && grown < 5; ++round) {
    const CaptureReader reader(path + ".partial");
    const std::int64_t committed = reader.committed_samples();
    ASSERT_GE(committed, before);
    if (committed > 0)
      testing::expect_samples(reader, std::max(committed - 6, std::int64_t{0}) / 2 * 2,
                              std::min(committed, std::int64_t{6}));
    if (committed > before) ++grown;
    before = committed;
    std::this_thread::sleep_for(5ms);
  }
  EXPECT_EQ(grown, 5);
}

}  // namespace
}  // namespace kvscope
