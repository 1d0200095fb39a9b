#include "tests/core/generate/golden.h"

#include <cmath>

#include <gmock/gmock.h>

#include "collectors/session.h"
#include "core/capture/capture_reader.h"
#include "core/generate/eager_generator.h"
#include "tests/support/example_capture.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

/// Mean over heads of [layer, head, target, source].
double over_heads(const NdArray<double>& array, std::int64_t layer, std::int64_t target,
                  std::int64_t source) {
  double sum = 0;
  for (std::int64_t head = 0; head < array.shape[1]; ++head)
    sum += array(layer, head, target, source);
  return sum / static_cast<double>(array.shape[1]);
}

Statistics capture_golden(const testing::Golden& golden, const std::string& path) {
  RunRecord record = testing::tiny_record(2, 0);
  record.model = golden.model.config;
  record.budget = golden.vanilla();
  record.settings.store = KvStore::reduced;
  EagerGenerator generator(golden.model, {at::kCPU, at::kFloat, golden.sampling()}, record.budget);
  CaptureSession session(path, record, at::kCPU, false);
  session.attach(generator);
  session.run_batch(golden.request());
  session.finish();
  return CaptureReader(path).statistics().value();
}

// The figures a user plans with are those of the published code.
TEST(GoldenStatistics, AreThoseOfThePublishedCode) {
  const testing::TempDir folder;
  const testing::Golden golden(testing::golden_root() + "/var_parity");
  const Statistics statistics = capture_golden(golden, folder / "golden.h5");
  const int scales = golden.model.config.schedule().scales();
  for (int layer = 0; layer < golden.model.config.depth; ++layer) {
    for (int target = 0; target < scales; ++target) {
      for (int source = 0; source <= target; ++source) {
        const double mass = golden.tensor("attention_mass")[layer][target][source].item<double>();
        EXPECT_NEAR(over_heads(statistics.mass, layer, target, source), mass, 1e-4 * mass);
        if (source == target) continue;
        for (const KvTensor tensor : all_kv_tensors) {
          for (const Metric metric : all_metrics) {
            const std::string name = std::string("similarity.") + std::string(name_of(metric)) +
                                     (tensor == KvTensor::key ? ".k" : ".v");
            // float32 of another build of the same operators.
            EXPECT_NEAR(over_heads(statistics.similarity(metric, tensor), layer, target, source),
                        golden.tensor(name)[layer][target][source].item<double>(), 1e-5)
                << name << " layer " << layer << ": " << target << " ← " << source;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace kvscope
