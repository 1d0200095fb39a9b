#include <gtest/gtest.h>

#include "core/capture/capture_reader.h"
#include "tests/core/capture/expect_capture.h"
#include "tests/support/example_capture.h"

namespace kvscope {
namespace {

// Written once by the first version (tests/golden/README.md): a capture made today must open in
// every later version. Never regenerate it to make this pass.
const std::string golden = KVSCOPE_SOURCE_DIR "/tests/golden/capture_v1.h5";

TEST(GoldenCapture, OpensInThisVersion) {
  const CaptureReader reader(golden);
  EXPECT_TRUE(reader.complete());
  EXPECT_EQ(reader.committed_samples(), 5);
  EXPECT_EQ(reader.record().settings, testing::example_record(5).settings);
  EXPECT_EQ(reader.record().model, testing::example_model());
  testing::expect_committed_samples(reader);
  EXPECT_EQ(reader.losses()[LossCounter::overflowed_values], 3);
  EXPECT_EQ(reader.ledger().logical_bytes(1, 2), 205);
  EXPECT_EQ(reader.timings()->batch_ns(1, 1), 2003);
  EXPECT_EQ(reader.statistics()->samples, 5);
}

}  // namespace
}  // namespace kvscope
