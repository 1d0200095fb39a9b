#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/output_file.h"
#include "core/trace/trace_reader.h"
#include "core/trace/trace_writer.h"
#include "tests/core/trace/example_trace.h"
#include "tests/core/trace/expect_trace.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// write_trace in a process of its own; killed at the end of its life if not before.
class Writer {
 public:
  explicit Writer(const std::string& path) : child_(fork()) {
    if (child_ != 0) return;
    execl(KVSCOPE_WRITE_TRACE, "write_trace", path.c_str(), "100000000", nullptr);
    _exit(127);
  }
  ~Writer() { kill(); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Whether it died from the signal, and not by itself before.
  bool kill() {
    if (child_ <= 0) return false;
    int status = 0;
    ::kill(child_, SIGKILL);
    waitpid(child_, &status, 0);
    child_ = 0;
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  }

 private:
  pid_t child_;
};

bool wait_for(const std::string& path) {
  for (int i = 0; i < 5000; ++i) {
    if (fs::exists(path)) return true;
    std::this_thread::sleep_for(1ms);
  }
  return false;
}

int rounds() {
  const char* asked = std::getenv("KVSCOPE_KILLS");
  return asked == nullptr ? 30 : std::stoi(asked);
}

// A run that dies must not take the trace of what it did with it. The writer moves to a larger file
// at 65,536 steps, and at twice as many, which kills within 400 ms meet too.
TEST(KilledTraceWriter, LeavesEveryCommittedRow) {
  std::mt19937 random(20260101);
  std::uniform_int_distribution<int> delay_us(0, 400000);
  std::int64_t most = 0;
  const int all = rounds();
  for (int round = 0; round < all; ++round) {
    const testing::TempDir folder;
    const std::string path = folder / "a.trace.h5";
    const std::string partial = partial_path(path);
    Writer writer(path);
    // A third of the kills counts from the start of the process, when the file is being created.
    if (round % 3 != 0) {
      ASSERT_TRUE(wait_for(partial));
    }
    std::this_thread::sleep_for(std::chrono::microseconds(delay_us(random)));
    ASSERT_TRUE(writer.kill());
    EXPECT_FALSE(fs::exists(path));
    if (!fs::exists(partial)) continue;
    const TraceReader reader(partial, testing::example_id);
    EXPECT_FALSE(reader.complete());
    testing::expect_example_rows(reader);
    most = std::max(most, reader.rows(trace::table_of<trace::KernelRow>()));
  }
  EXPECT_GT(most, 65536) << "no kill came after a move to a larger file: the test shows too little";
}

TEST(LiveTraceWriter, CanBeReadMeanwhile) {
  const testing::TempDir folder;
  const std::string path = folder / "a.trace.h5";
  Writer writer(path);
  ASSERT_TRUE(wait_for(partial_path(path)));
  std::int64_t before = -1;
  int grown = 0;
  for (int round = 0; round < 200 && grown < 5; ++round) {
    const TraceReader reader(partial_path(path));
    testing::expect_example_rows(reader);
    const std::int64_t rows = reader.rows(trace::table_of<trace::KernelRow>());
    ASSERT_GE(rows, before);
    if (rows > before) ++grown;
    before = rows;
    std::this_thread::sleep_for(5ms);
  }
  EXPECT_EQ(grown, 5);
  EXPECT_THAT([&] { TraceWriter(path, testing::example_id, true); },
              ::testing::ThrowsMessage<Error>(HasSubstr("another process")))
      << "--force replaces no file that is at work";
}

}  // namespace
}  // namespace kvscope
