#include "core/trace/publish_trace.h"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/output_file.h"
#include "core/capture/capture_reader.h"
#include "core/trace/trace_path.h"
#include "core/trace/trace_reader.h"
#include "core/trace/trace_writer.h"
#include "tests/support/example_capture.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr std::int64_t no_trace = -1;

class PublishTraceTest : public ::testing::Test {
 protected:
  /// A finished capture under `capture_`, in place of any that is there, with a trace of so many
  /// ranges. `stop` is called before the capture takes its name.
  void run(std::int64_t ranges, const std::function<void()>& stop = [] {}) const {
    const std::string fresh = folder_ / "fresh.h5";
    fs::remove(fresh);
    fs::remove(partial_path(fresh));
    testing::write_tiny_capture(fresh, 0, 1);
    const std::string capture_id = CaptureReader(fresh).record().capture_id;
    if (ranges != no_trace) write_trace(capture_id, ranges);
    publish_trace(capture_, capture_id, [&] {
      stop();
      fs::rename(fresh, capture_);
    });
  }

  void write_trace(const std::string& capture_id, std::int64_t ranges) const {
    TraceWriter writer(trace_, capture_id, true);
    for (std::int64_t i = 0; i < ranges; ++i) {
      writer.append(trace::RangeRow{.begin_ns = i, .end_ns = i});
    }
    writer.finish();
  }

  std::string id_of_capture() const { return CaptureReader(capture_).record().capture_id; }

  /// Rows of the capture's own trace, no_trace without one.
  std::int64_t found_rows() const {
    const FoundTrace found = find_trace(capture_, id_of_capture());
    if (found.path.empty()) return no_trace;
    return TraceReader(found.path).rows(trace::table_of<trace::RangeRow>());
  }

  testing::TempDir folder_;
  std::string capture_ = folder_ / "a.h5";
  std::string trace_ = trace_path(capture_);
  std::string unfinished_ = partial_path(trace_);
  std::string replaced_ = trace_ + ".replaced";
};

TEST_F(PublishTraceTest, NamesACaptureAndItsTrace) {
  run(3);
  EXPECT_EQ(found_rows(), 3);
  EXPECT_TRUE(fs::exists(trace_));
  EXPECT_FALSE(fs::exists(unfinished_));
}

TEST_F(PublishTraceTest, ReplacesBothTogether) {
  run(3);
  run(5);
  EXPECT_EQ(found_rows(), 5);
  EXPECT_FALSE(fs::exists(replaced_));
  run(no_trace);
  EXPECT_FALSE(fs::exists(trace_)) << "the trace of a capture that is gone";
  EXPECT_FALSE(fs::exists(replaced_));
}

TEST_F(PublishTraceTest, LeavesTheOldOnesWhenTheCaptureFails) {
  run(3);
  EXPECT_THROW(run(5, [] { throw Error("full"); }), Error);
  EXPECT_TRUE(fs::exists(trace_));
  EXPECT_EQ(TraceReader(trace_).rows(trace::table_of<trace::RangeRow>()), 3);
}

TEST_F(PublishTraceTest, LeavesAnotherRunsUnfinishedTraceAlone) {
  write_trace("another", 7);
  run(no_trace);
  EXPECT_EQ(found_rows(), no_trace);
  EXPECT_EQ(TraceReader(unfinished_).capture_id(), "another");
}

TEST_F(PublishTraceTest, RefusesOutputsInTheWay) {
  EXPECT_NO_THROW(check_trace_output(capture_, false));
  std::ofstream(unfinished_) << "of a run that broke off";
  EXPECT_THAT([&] { check_trace_output(capture_, false); },
              ::testing::ThrowsMessage<Error>(HasSubstr(unfinished_)));
  fs::rename(unfinished_, trace_);
  EXPECT_THAT([&] { check_trace_output(capture_, false); },
              ::testing::ThrowsMessage<Error>(HasSubstr(trace_)));
  EXPECT_NO_THROW(check_trace_output(capture_, true));
  EXPECT_THAT([&] { check_trace_output(folder_ / "b.trace.h5", true); },
              ::testing::ThrowsMessage<Error>(HasSubstr("b.trace.h5")));
}

// The old trace made way, the new capture did not come: it is still the old capture's.
TEST_F(PublishTraceTest, BringsBackTheTraceThatWasNotReplaced) {
  run(3);
  fs::rename(trace_, replaced_);
  write_trace("another", 5);
  publish_trace_left_behind(capture_);
  EXPECT_EQ(found_rows(), 3);
  EXPECT_FALSE(fs::exists(replaced_));
  EXPECT_TRUE(fs::exists(unfinished_));
}

// Killed at any moment, a capture is never seen with the trace of another one, and the next run
// puts in order what was left.
TEST_F(PublishTraceTest, SurvivesEveryKill) {
  std::mt19937 random(11);
  std::uniform_int_distribution<int> delay_us(0, 60000);
  int with_trace = 0;
  run(1);
  for (int round = 0; round < 30; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      for (std::int64_t ranges = 1;; ++ranges) run(ranges % 4 == 0 ? no_trace : ranges);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(delay_us(random)));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    const std::string id = id_of_capture();
    if (fs::exists(trace_)) {
      ASSERT_EQ(TraceReader(trace_).capture_id(), id);
    }
    const std::int64_t before = found_rows();
    publish_trace_left_behind(capture_);
    if (before != no_trace) {
      ASSERT_EQ(find_trace(capture_, id).path, trace_);
      ASSERT_EQ(found_rows(), before);
    }
    if (found_rows() != no_trace) ++with_trace;
  }
  EXPECT_GT(with_trace, 5);
}

}  // namespace
}  // namespace kvscope
