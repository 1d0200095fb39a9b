#pragma once

#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/example_capture.h"
#include "tests/support/temp_dir.h"

namespace kvscope::testing {

/// Fixture of tests that read made-up files: runs of one size, and a folder to write them to.
class ExampleFiles : public ::testing::Test {
 protected:
  explicit ExampleFiles(ExampleSize size = {}) : size_(std::move(size)) {}

  ModelConfig model() const { return example_model(size_); }
  Budget budget(const std::vector<int>& efficient) const {
    return example_budget(model(), efficient);
  }
  /// A run in which the layers `efficient` keep only the first scale, the others everything.
  ExampleRun run_under(const std::vector<int>& efficient) const {
    return example_run(size_, budget(efficient));
  }

  ExampleSize size_;
  TempDir folder_;
};

}  // namespace kvscope::testing
