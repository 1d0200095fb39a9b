#include "core/model/var.h"

#include <vector>

#include <ATen/ops/allclose.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/cache/make_cache.h"
#include "tests/support/small_model.h"

namespace kvscope::testing {
namespace {

struct Shape {
  bool shared_aln;
  bool attn_l2_norm;
  int heads;
};

class VarTest : public ::testing::TestWithParam<Shape> {
 protected:
  static ModelConfig config() {
    ModelConfig config = testing::small_model({1, 2, 3, 5});
    config.width = 48;
    config.heads = GetParam().heads;
    config.shared_aln = GetParam().shared_aln;
    config.attn_l2_norm = GetParam().attn_l2_norm;
    return config;
  }
};

// One masked pass and the scale-by-scale passes over a cache are the same function.
TEST_P(VarTest, TeacherForcingEqualsGenerationOverACache) {
  const LoadedModel model = random_model(config(), 2);
  const Var var(model.config, model.weights, at::kCPU, at::kFloat);
  const ScaleSchedule schedule = model.config.schedule();
  const std::int64_t first = schedule.tokens(0);
  const at::Tensor inputs = at::randn({2, schedule.total_tokens() - first, 8});
  const at::Tensor labels = at::tensor({1, 3}, at::kLong);
  const at::Tensor expected = var.teacher_forced_logits(labels, inputs, schedule.scales());

  const Conditioning conditioning = var.condition(at::cat({labels, labels}));
  const auto cache =
      make_cache(vanilla_budget(budget_model_of(model.config)), at::kFloat, at::kCPU);
  cache->begin(4);
  std::vector<at::Tensor> logits;
  for (int scale = 0; scale < schedule.scales(); ++scale) {
    const at::Tensor input =
        scale == 0
            ? var.first_input(conditioning)
            : var.next_input(
                  inputs.narrow(1, schedule.begin(scale) - first, schedule.tokens(scale)), scale);
    // With both halves conditional, guidance of any strength changes nothing.
    logits.push_back(var.guided_logits(var.run_blocks(input, scale, conditioning, *cache, {}),
                                       conditioning, 0.7));
  }
  // The guided head adds 1.7 and −0.7 of equal rows, which cancel to some 1e-6 of the logits.
  EXPECT_TRUE(at::allclose(at::cat(logits, 1), expected, 1e-4, 1e-4));
}

INSTANTIATE_TEST_SUITE_P(Shapes, VarTest,
                         ::testing::Values(Shape{false, true, 3}, Shape{true, true, 2},
                                           Shape{false, false, 6}, Shape{true, false, 1}));

}  // namespace
}  // namespace kvscope::testing
