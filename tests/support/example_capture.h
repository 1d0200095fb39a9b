#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/capture/capture_writer.h"
#include "core/image/image.h"
#include "core/record/batch_record.h"
#include "core/record/run_record.h"
#include "tests/support/temp_dir.h"

/// Captures and runs made up without a model. What they hold comes in three kinds: numbers that all
/// differ, for who writes and reads files; figures in closed form, to count by hand, for who
/// compares and reports; and noise, for who computes similarity.
namespace kvscope::testing {

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

/// A record of `samples` samples in batches of 2, fp32 on the CPU under the vanilla cache, without
/// what makes it one run: id, seed, what it keeps.
RunRecord plain_record(const ModelConfig& model, std::int64_t samples);

/// A batch of `count` samples that holds all that `layout` asks for but raw K and V and scores,
/// every array of its shape and zero.
BatchRecord empty_batch(const RunRecord& record, const FileLayout& layout, std::int64_t count);

/// Its model: 2 layers, 2 heads of 4 channels, scales of 1, 4 and 9 tokens, as in
/// tests/golden/capture_v1.h5.
ModelConfig example_model();

/// A record with every field set, for `samples` samples in batches of 2.
RunRecord example_record(std::int64_t samples);

/// Everything in the file, for as many batches of 2 as `record` needs.
FileLayout example_layout(const RunRecord& record);

/// A batch whose content follows from the sample indices alone, so that any reader can check what
/// it sees. Raw data follows record.settings.keep.
BatchRecord example_batch(const RunRecord& record, std::int64_t first, std::int64_t count);

/// Stored bytes of one kept sample of example_batch, [row, head, token, channel].
std::vector<std::byte> example_kv(const RunRecord& record, KvTensor tensor, int layer,
                                  std::int64_t sample);

/// The same as the floats a reader must return.
std::vector<float> example_kv_floats(const RunRecord& record, KvTensor tensor, int layer,
                                     std::int64_t sample);

/// Writes all of it; batches of 2.
void write_example(const std::string& path, const RunRecord& record, const FileLayout& layout);

/// A run, every figure in closed form, so that tests can count by hand.
struct ExampleRun {
  RunRecord record;
  FileLayout layout;
  std::vector<BatchRecord> batches;
  std::vector<Image> images;  ///< one a sample
  Estimate class_accuracy;    ///< written where the layout has scores, as is the distance
  Estimate demo_frechet_distance;
};

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

/// Writes the file, in place of an earlier one, and the PNGs beside it; an unfinished one keeps its
/// unfinished name.
void write_run(const ExampleRun& run, const std::string& path, bool finish = true);

/// Writes a vanilla run and one under example_budget(…, efficient), which `change` edits before, as
/// vanilla.h5 and ams.h5. Returns their paths.
std::vector<std::string> write_vanilla_and_ams(const TempDir& folder, const ExampleSize& size,
                                               const std::vector<int>& efficient,
                                               const std::function<void(ExampleRun&)>& change,
                                               bool finish = true);

/// 20 channels a head: no multiple of what a vector instruction takes.
ModelConfig tiny_model();

/// A raw capture of tiny_model(), with an id of its own.
RunRecord tiny_record(std::int64_t samples, std::int64_t first_sample);

/// Raw K and V, attention mass and previews, in batches of 2.
FileLayout tiny_layout(const RunRecord& record);

/// Two samples whose content only depends on the batch's index in the whole run.
BatchRecord tiny_batch(const RunRecord& record, std::int64_t index);

/// A finished raw capture of batches [first, first + count) of one imaginary run.
void write_tiny_capture(const std::string& path, std::int64_t first, std::int64_t count);

}  // namespace kvscope::testing
