// Needs a CUDA device; skips itself without one.

#include <cmath>
#include <string>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/multinomial.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/model/sampling.h"
#include "tests/core/generate/golden.h"

namespace kvscope::testing {
namespace {

// cuBLAS and cuDNN sum in other orders than MKL, and differ between devices.
constexpr double tolerance = 1e-3;

double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.cpu().to(at::kDouble) - b.cpu().to(at::kDouble)).abs().max().item<double>();
}

class Gpu : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (!at::globalContext().hasCUDA()) GTEST_SKIP() << "no CUDA device";
    // fp32 means fp32: LibTorch would round convolutions to TF32.
    at::globalContext().setAllowTF32CuDNN(false);
    golden_.emplace(GetParam());
  }

  EagerGenerator make(at::ScalarType dtype, const SamplingOptions& sampling,
                      const Budget& budget) const {
    return {golden_->model, {device_, dtype, sampling}, budget};
  }

  SamplingOptions greedy() const {
    SamplingOptions sampling = golden_->sampling();
    sampling.top_k = 1;
    sampling.top_p = 0;
    return sampling;
  }

  at::Device device_ = at::Device(at::kCUDA, 0);
  std::optional<Golden> golden_;
};

TEST_P(Gpu, GreedyTokensAndFeaturesMatchTheCpu) {
  const BatchOutput output =
      make(at::kFloat, greedy(), golden_->vanilla()).generate(golden_->request());
  EXPECT_TRUE(at::equal(output.token_ids, golden_->tokens("token_ids_greedy")));
  EagerGenerator cpu(golden_->model, {at::kCPU, at::kFloat, greedy()}, golden_->vanilla());
  const BatchOutput expected = cpu.generate(golden_->request());
  EXPECT_LT(largest_difference(output.f_hat, expected.f_hat), tolerance);
  EXPECT_LT(largest_difference(output.image, expected.image), tolerance);
}

TEST_P(Gpu, PlannedCachesDrawWhatTheCpuDraws) {
  for (const Budget& budget : golden_->policies()) {
    SamplingOptions sampling = greedy();
    EagerGenerator cpu(golden_->model, {at::kCPU, at::kFloat, sampling}, budget);
    const at::Tensor expected = cpu.generate(golden_->request()).token_ids;
    EXPECT_TRUE(at::equal(make(at::kFloat, sampling, budget).generate(golden_->request()).token_ids,
                          expected))
        << budget.policy;
  }
}

TEST_P(Gpu, TeacherForcedLogitsAreClose) {
  if (!golden_->has("teacher_forced.logits")) GTEST_SKIP() << "not part of this golden file";
  const at::Tensor expected = golden_->tensor("teacher_forced.logits");
  const ModelConfig& config = golden_->model.config;
  const Var var(config, golden_->model.weights, device_, at::kFloat);
  const Vqvae vqvae(config, golden_->model.weights, device_, at::kFloat);
  int scales = 0;
  while (config.schedule().begin(scales) < expected.size(1)) ++scales;
  const at::Tensor ids = golden_->tokens("encode.token_ids").to(device_);
  const at::Tensor labels = at::tensor({golden_->labels().front()}, at::kLong).to(device_);
  const at::Tensor logits =
      var.teacher_forced_logits(labels, vqvae.quantizer().teacher_input(ids, scales), scales);
  EXPECT_LT(largest_difference(logits, expected), tolerance);
}

TEST_P(Gpu, CountsImagesThatOverflow) {
  at::Tensor& weight = golden_->model.weights["vae.decoder.conv_in.weight"];
  weight = weight.to(at::kFloat) * 1e7;
  const auto nonfinite = [&](at::ScalarType dtype) {
    return make(dtype, golden_->sampling(), golden_->vanilla())
        .generate(golden_->request())
        .nonfinite;
  };
  EXPECT_FALSE(nonfinite(at::kFloat).any().item<bool>());
  EXPECT_TRUE(nonfinite(at::kHalf).all().item<bool>()) << "beyond 65504";
}

struct Watching : Observer, TimingSink {
  ObserverNeeds needs() const override { return {.attention = true, .attention_mass = true}; }
  void on_attention(const AttentionEvent& event) override {
    // The row of a target sums to its tokens: every query spreads a weight of one.
    const at::Tensor sums = event.mass.at(0).sum(2);
    const auto tokens = static_cast<double>(event.query.size(2));
    EXPECT_LT((sums - tokens).abs().max().item<double>(), 1e-2 * tokens);
  }
  void record(const ModuleTiming& timing) override { total_ns += timing.duration_ns; }
  void record_batch(std::int64_t, int, std::int64_t duration_ns) override {
    batch_ns = duration_ns;
  }
  void record_lost() noexcept override { ++lost; }

  std::int64_t total_ns = 0;
  std::int64_t batch_ns = 0;
  int lost = 0;
};

TEST_P(Gpu, EveryPrecisionIsFiniteObservedOrNotAndTimed) {
  for (const at::ScalarType dtype : {at::kFloat, at::kHalf, at::kBFloat16}) {
    EagerGenerator generator = make(dtype, golden_->sampling(), golden_->vanilla());
    const BatchOutput alone = generator.generate(golden_->request());
    EXPECT_TRUE(alone.image.isfinite().all().item<bool>());
    EXPECT_FALSE(alone.nonfinite.any().item<bool>());
    Watching watching;
    generator.set_observers({&watching});
    const auto timer = generator.make_timer(watching);
    generator.set_listeners({timer.get()});
    const BatchOutput observed = generator.generate(golden_->request());
    EXPECT_TRUE(at::equal(alone.token_ids, observed.token_ids));
    EXPECT_EQ(watching.lost, 0);
    EXPECT_GT(watching.total_ns, 0);
    EXPECT_LE(watching.total_ns, watching.batch_ns);
  }
}

// The device sorts where the CPU halves: two roads to one rule.
TEST(GpuSampling, TruncatesLikeTheCpu) {
  if (!at::globalContext().hasCUDA()) GTEST_SKIP() << "no CUDA device";
  at::Generator generator = at::detail::createCPUGenerator(3);
  const at::Tensor logits = at::randn({4, 50, 512}, generator).mul_(3);
  for (const double top_p : {0.0, 0.5, 0.96, 1.0}) {
    at::Tensor on_cpu = logits.clone();
    at::Tensor on_device = logits.to(at::kCUDA);
    truncate_logits(on_cpu, 100, top_p);
    truncate_logits(on_device, 100, top_p);
    // A code whose cumulative probability meets 1 − top_p within rounding may fall on either side.
    const at::Tensor differs = on_cpu.isinf() != on_device.cpu().isinf();
    EXPECT_LE(differs.sum().item<std::int64_t>(), 2) << top_p;
    EXPECT_LE(differs.sum(-1).max().item<std::int64_t>(), 1) << top_p;
  }
}

at::Generator gpu_generator(std::uint64_t seed) {
  at::globalContext().lazyInitDevice(at::kCUDA);
  at::Generator generator =
      at::globalContext().getAcceleratorHooksInterface(at::kCUDA).getNewGenerator(0);
  generator.set_current_seed(seed);
  return generator;
}

// Lost without it: a seed would draw other images than the published code.
TEST(GpuSampling, TakesTheTokensOfTorchsMultinomial) {
  if (!at::globalContext().hasCUDA()) GTEST_SKIP() << "no CUDA device";
  SamplingOptions options;
  options.seed = 11;
  options.top_k = 50;
  Sampler sampler(options, at::Device(at::kCUDA, 0), 0, 0);
  const at::Generator generator = gpu_generator(11);
  for (int scale = 0; scale < 3; ++scale) {
    at::Tensor logits = at::randn({2, 30, 200}, at::kCUDA) * 3;
    const at::Tensor drawn = sampler.draw(logits, scale);
    const at::Tensor weights = at::softmax(logits, -1).view({60, 200});
    EXPECT_TRUE(at::equal(drawn.view({60, 1}), at::multinomial(weights, 1, true, generator)));
  }
  EXPECT_NO_THROW(sampler.check_drawn());
}

// The uniforms come from the host while the device is still at work.
TEST(GpuSampling, PerSampleDrawsAreThoseOfTheCpu) {
  if (!at::globalContext().hasCUDA()) GTEST_SKIP() << "no CUDA device";
  SamplingOptions options;
  options.rng = RandomMode::per_sample;
  Sampler on_cpu(options, at::kCPU, 0, 4);
  Sampler on_device(options, at::Device(at::kCUDA, 0), 0, 4);
  for (int scale = 0; scale < 3; ++scale) {
    at::Tensor logits = at::randn({4, 100, 512}) * 3;
    at::Tensor same = logits.to(at::kCUDA);
    EXPECT_TRUE(at::equal(on_device.draw(same, scale).cpu(), on_cpu.draw(logits, scale)));
    const at::Tensor weights = on_device.smooth_weights(same, scale, 3).cpu();
    // Both take the logarithm of the same noise; their float32 functions differ in the last bits.
    EXPECT_TRUE(at::allclose(weights, on_cpu.smooth_weights(logits, scale, 3), 1e-3, 1e-5));
  }
}

// The device is not waited for, so that what it found is told after the batch.
TEST(GpuSampling, TellsOfLogitsThatAreNotFiniteAfterTheDraws) {
  if (!at::globalContext().hasCUDA()) GTEST_SKIP() << "no CUDA device";
  for (const RandomMode mode : {RandomMode::official, RandomMode::per_sample}) {
    SamplingOptions options;
    options.rng = mode;
    Sampler sampler(options, at::Device(at::kCUDA, 0), 0, 0);
    for (const double value : {0.0, std::nan(""), 0.0}) {
      at::Tensor logits =
          at::full({1, 2, 8}, value, at::TensorOptions(at::kFloat).device(at::kCUDA));
      const at::Tensor drawn = sampler.draw(logits, 0);
      EXPECT_LT(drawn.max().item<std::int64_t>(), 8);
    }
    EXPECT_THROW(sampler.check_drawn(), Error);
  }
}

INSTANTIATE_TEST_SUITE_P(Folders, Gpu, ::testing::ValuesIn(golden_folders()), [](const auto& info) {
  return std::filesystem::path(info.param).filename().string();
});

}  // namespace
}  // namespace kvscope::testing
