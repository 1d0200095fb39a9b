#include "cli/common/job_watch.h"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include <gmock/gmock.h>

#include "core/base/error.h"

namespace kvscope::cli {
namespace {

using ::testing::HasSubstr;

// Thousands of images take minutes: without a word the command looks dead.
TEST(JobWatchTest, DrawsTheStepsOfALongJob) {
  ::testing::internal::CaptureStderr();
  {
    JobWatch watch;
    const JobControl control = watch.control();
    control.begin("comparing images", 4, "images");
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // shorter jobs stay silent
    control.advance(4);
  }
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("comparing images: 4/4 images"));
}

// In a child: the flag stays with the process.
TEST(JobWatchDeathTest, ASignalStopsTheJob) {
  EXPECT_EXIT(
      {
        JobWatch watch;
        const JobControl control = watch.control();
        control.begin("comparing images", 4, "images");
        std::raise(SIGINT);
        try {
          control.advance(1);
        } catch (const Interrupted& error) {
          std::_Exit(exit_code(error.kind()));
        }
        std::_Exit(0);
      },
      ::testing::ExitedWithCode(130), "");
}

}  // namespace
}  // namespace kvscope::cli
