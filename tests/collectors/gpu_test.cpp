// Needs a CUDA device; skips itself without one.

#include <cmath>
#include <vector>

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/cuda/CUDAGraph.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/rand.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <gmock/gmock.h>

#include "collectors/kv/mass_collector.h"
#include "collectors/memory/ledger.h"
#include "collectors/timing/clock_collector.h"
#include "tests/collectors/fake_generation.h"
#include "tests/support/example_capture.h"

namespace kvscope {
namespace {

/// The attention events of passes over two samples of tiny_model(), full cache, on a device.
class Pass {
 public:
  explicit Pass(at::Device device) : device_(device) {
    const ModelConfig model = testing::tiny_model();
    const ScaleSchedule schedule = model.schedule();
    const auto random = [&](std::int64_t rows, std::int64_t tokens, std::int64_t channels) {
      return at::rand({rows, model.heads, tokens, channels}, device);
    };
    for (int scale = 0; scale < schedule.scales(); ++scale) {
      const std::int64_t tokens = schedule.tokens(scale);
      const std::int64_t read = schedule.end(scale);
      own_.push_back(random(4, tokens, model.head_dim()));
      read_.push_back({{.heads = HeadSet::all(model.heads),
                        .key = random(4, read, model.head_dim()),
                        .value = random(4, read, model.head_dim())}});
      mass_.push_back({random(2, read, 1).squeeze(-1)});
    }
  }

  BatchInfo info() const {
    const ModelConfig model = testing::tiny_model();
    return {.labels = {3, 7},
            .device = device_,
            .kv = {model.heads, model.head_dim(), 4, sizeof(float), sizeof(float)}};
  }

  void show(Observer& observer) const {
    for (std::size_t scale = 0; scale < own_.size(); ++scale) {
      for (int layer = 0; layer < testing::tiny_model().depth; ++layer) {
        observer.on_attention({layer, static_cast<int>(scale), own_[scale], own_[scale],
                               own_[scale], read_[scale], mass_[scale]});
      }
    }
  }

  /// What the next pass has, in the same buffers.
  void double_mass() {
    for (std::vector<at::Tensor>& mass : mass_) mass.front().mul_(2);
  }

 private:
  at::Device device_;
  std::vector<at::Tensor> own_;
  std::vector<KvView> read_;
  std::vector<std::vector<at::Tensor>> mass_;
};

NdArray<double> mass_of(Collector& collector) {
  BatchRecord record;
  collector.flush(record);
  return record.statistics->mass_sum;
}

// The runtime records a pass once and replays it: for a batch's repeats, and for later batches. An
// observer that waits for the device breaks the recording; one that adds up counts a pass thrice.
TEST(GpuCollectors, GiveTheSumsOfOnePassWhenAGraphReplaysIt) {
  if (!at::globalContext().hasCUDA()) GTEST_SKIP() << "no CUDA device";
  const at::Device device(at::kCUDA, 0);
  const c10::impl::VirtualGuardImpl backend(at::kCUDA);
  // A graph is not captured on the default stream.
  const c10::StreamGuard guard(backend.getNewStream(device));
  const RetentionPlan plan(vanilla_budget(budget_model_of(testing::tiny_model())));
  AttentionMassCollector mass(plan, testing::tiny_model().heads);
  LedgerCollector ledger(plan);
  Pass pass(device);
  mass.on_batch_begin(pass.info());
  ledger.on_batch_begin(pass.info());
  pass.show(mass);
  const NdArray<double> of_pass = mass_of(mass);

  at::cuda::CUDAGraph graph;
  mass.on_batch_begin(pass.info());
  graph.capture_begin();
  pass.show(mass);
  pass.show(ledger);
  graph.capture_end();
  for (int repeat = 0; repeat < 3; ++repeat) graph.replay();
  EXPECT_EQ(mass_of(mass), of_pass);

  pass.double_mass();
  mass.on_batch_begin(pass.info());
  graph.replay();
  const NdArray<double> of_next = mass_of(mass);
  ASSERT_EQ(of_next.data.size(), of_pass.data.size());
  for (std::size_t k = 0; k < of_next.data.size(); ++k) {
    EXPECT_EQ(of_next.data[k], 2 * of_pass.data[k]);
  }
}

// Times of the device are brought to the host's clock by them: a wrong unit or sign, or a reading
// that the device's work delays, puts kernels beside what the host did at another time.
TEST(GpuCollectors, MeasureTheDevicesClockAtBothEndsOfABatch) {
  if (!at::globalContext().hasCUDA()) GTEST_SKIP() << "no CUDA device";
  const at::Device device(at::kCUDA, 0);
  ClockCollector collector(device_events(device));
  collector.start(testing::FakeGenerator());
  const at::Tensor square = at::rand({4096, 4096}, device);
  for (int batch = 0; batch < 3; ++batch) {
    const std::int64_t before_ns = steady_ns();
    collector.on_batch_begin({});
    // Some 0.1 s; the end is asked for while the device is still at it.
    for (int product = 0; product < 50; ++product) (void)at::matmul(square, square);
    collector.on_batch_end({}, {});
    const std::int64_t after_ns = steady_ns();
    BatchRecord record;
    collector.flush(record);
    const BatchClock& clock = record.clocks.at(0);
    EXPECT_LE(before_ns, clock.begin.host_ns);
    EXPECT_LT(clock.begin.host_ns, clock.end.host_ns);
    EXPECT_LE(clock.end.host_ns, after_ns);
    for (const std::int64_t residual_ns : {clock.begin.residual_ns, clock.end.residual_ns}) {
      EXPECT_GT(residual_ns, 0);
      EXPECT_LT(residual_ns, 1'000'000);
    }
    // A host's clock that is being set runs up to 500 ppm off; the device's ticks are some hundred
    // ns long, but no longer than 1 µs.
    const double drift_ns = 500e-6 * static_cast<double>(clock.end.host_ns - clock.begin.host_ns);
    EXPECT_LE(std::abs(clock.end.offset_ns - clock.begin.offset_ns),
              clock.begin.residual_ns + clock.end.residual_ns + std::llround(drift_ns) + 2'000)
        << batch;
  }
}

}  // namespace
}  // namespace kvscope
