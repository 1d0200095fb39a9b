// What a user would lose: a viewer that loads one file while it shows another, and crashes.

#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <hdf5.h>

#include "core/capture/capture_reader.h"
#include "tests/core/capture/expect_capture.h"
#include "tests/support/example_capture.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

TEST(CaptureReaderThreads, HaveAnHdf5ThatIsThreadSafe) {
  hbool_t is_thread_safe = false;
  ASSERT_GE(H5is_library_threadsafe(&is_thread_safe), 0);
  EXPECT_TRUE(is_thread_safe) << "one thread must own all readers, see capture_reader.h";
}

// Each thread opens, reads and closes a file of its own and one that the other reads too. A third
// file is opened here and read there.
TEST(CaptureReaderThreads, ReadDifferentFilesAtOnce) {
  constexpr int rounds = 10;
  const testing::TempDir folder;
  const RunRecord record = testing::example_record(5);
  for (const char* name : {"a.h5", "b.h5", "shared.h5", "handed.h5"}) {
    testing::write_example(folder / name, record, testing::example_layout(record));
  }
  const CaptureReader handed(folder / "handed.h5");
  const auto read = [&](const std::string& name) {
    for (int round = 0; round < rounds; ++round) {
      testing::expect_committed_samples(CaptureReader(folder / name));
      testing::expect_committed_samples(CaptureReader(folder / "shared.h5"));
    }
  };
  std::thread other([&] {
    read("a.h5");
    testing::expect_committed_samples(handed);
  });
  read("b.h5");
  other.join();
}

}  // namespace
}  // namespace kvscope
