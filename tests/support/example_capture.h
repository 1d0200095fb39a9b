#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/capture/capture_writer.h"
#include "core/image/image.h"
#include "core/record/batch_record.h"
#include "core/record/run_record.h"
#include "tests/support/temp_dir.h"

namespace kvscope::testing {

/// A run made up without a model, every figure in closed form, so that tests can count by hand.
struct ExampleRun {
  RunRecord record;
  FileLayout layout;
  std::vector<BatchRecord> batches;
  std::vector<Image> images;  ///< one a sample
  Estimate class_accuracy;    ///< written where the layout has scores, as is the distance
  Estimate demo_frechet_distance;
};

struct ExampleSize {
  int depth = 2;
  std::vector<int> patch_nums = {1, 2, 3};
  int samples = 4;
  int batch = 2;
  int repeat = 2;
};

/// Model "example": 2 heads of 4 channels, images of 4 pixels a patch side.
ModelConfig example_model(const ExampleSize& size);

/// Every layer keeps all, but those in `efficient` keep only the first condensed scale.
Budget example_budget(const ModelConfig& model, const std::vector<int>& efficient);

/// fp32 on the CPU, kind run. Ledger: logical as the plan has it; a layer's resident buffers hold
/// what it held before plus the current scale; shared ones the current scale once. Times of pass p
/// = repeats · batch + repeat: every layer module takes 100 + 10·p ns at each scale of each layer,
/// head and decoder 7 ns a scale, the batch 1 ms · (100 + 10·p).
ExampleRun example_run(const ExampleSize& size, const Budget& budget);

/// Makes it a capture with reduced statistics: cosine similarity of target t to source s, layer l
/// of L: 0.95 − 0.5·|sin(3·l)| − 0.05·(t − s − 1), plus 0.01·head and 0.002·sample.
void add_statistics(ExampleRun& run);

/// Scores it by "example-scorer": every sample is recognised, the distance 12.5 (11 to 14.25).
void add_scores(ExampleRun& run);

/// Writes the file, in place of an earlier one, and the PNGs beside it; an unfinished one stays
/// `path`.partial.
void write_run(const ExampleRun& run, const std::string& path, bool finish = true);

/// Writes a vanilla run and one under example_budget(…, efficient), which `change` edits before, as
/// vanilla.h5 and ams.h5. Returns their paths.
std::vector<std::string> write_vanilla_and_ams(const TempDir& folder, const ExampleSize& size,
                                               const std::vector<int>& efficient,
                                               const std::function<void(ExampleRun&)>& change,
                                               bool finish = true);

}  // namespace kvscope::testing
