#include "core/base/interrupt.h"

#include <csignal>
#include <cstdlib>

#include <gtest/gtest.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

// In children: the flag stays with the process.

// Lost without it: Ctrl-C would leave a file that nobody closed.
TEST(InterruptDeathTest, TheFirstSignalStopsBetweenSteps) {
  for (const int signal : {SIGINT, SIGTERM}) {
    EXPECT_EXIT(
        {
          install_interrupt_handler();
          throw_if_interrupted();
          std::raise(signal);
          try {
            throw_if_interrupted();
          } catch (const Interrupted& error) {
            std::_Exit(exit_code(error.kind()));
          }
          std::_Exit(0);
        },
        ::testing::ExitedWithCode(130), "");
  }
}

// Lost without it: a step that hangs could only be ended with SIGKILL.
TEST(InterruptDeathTest, TheSecondSignalEndsTheProcess) {
  EXPECT_EXIT(
      {
        install_interrupt_handler();
        std::raise(SIGINT);
        std::raise(SIGINT);
        std::_Exit(0);
      },
      ::testing::KilledBySignal(SIGINT), "");
}

}  // namespace
}  // namespace kvscope
