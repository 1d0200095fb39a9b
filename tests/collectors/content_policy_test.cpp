#include <cmath>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collectors/kv/mass_collector.h"
#include "collectors/memory/ledger.h"
#include "core/base/losses.h"
#include "core/budget/budget.h"
#include "core/budget/kv_bytes.h"
#include "core/budget/rule_list.h"
#include "core/model/var.h"
#include "core/weights/state_dict.h"
#include "tests/support/keep_strongest.h"
#include "tests/support/small_model.h"
#include "tests/support/strongest_cache.h"

namespace kvscope {
namespace {

constexpr int samples = 2;

ModelConfig three_heads() {
  ModelConfig model = testing::small_model({1, 2, 3, 4});
  model.width = 48;
  model.heads = 3;
  return model;
}

/// Layer 0 keeps all; in layer 1 heads 0 and 2 keep 4 tokens and head 1 keeps 2. Read from JSON by
/// a list with one form more.
Budget strongest_budget() {
  std::vector<RuleForm> forms(rule_forms().begin(), rule_forms().end());
  forms.push_back(rule_form<testing::KeepStrongest>());
  return parse_budget(R"({
    "schema": "kvscope.budget/1", "policy": "strongest",
    "model": {"depth": 2, "heads": 3, "head_dim": 16, "patch_nums": [1, 2, 3, 4]},
    "layers": [{"layer": 0, "class": "demanding", "keep": "all"},
               {"layer": 1, "class": "efficient", "strongest_tokens": 2}]})",
                      "b.json", forms);
}

/// Shows two collectors what the attention of a model does.
class Watch final : public AttentionWatcher {
 public:
  Watch(AttentionMassCollector& mass, LedgerCollector& ledger) : mass_(mass), ledger_(ledger) {}
  bool wants_mass() const override { return true; }
  void on_attention(const AttentionEvent& event) override {
    mass_.on_attention(event);
    ledger_.on_attention(event);
  }

 private:
  AttentionMassCollector& mass_;
  LedgerCollector& ledger_;
};

/// One batch of a model over a cache that picks tokens by content.
BatchRecord run(const RetentionPlan& plan, bool gives_positions) {
  const at::NoGradGuard no_grad;
  const ModelConfig config = three_heads();
  const LoadedModel model = random_model(config, 2);
  const Var var(model.config, model.weights, at::kCPU, at::kFloat);
  testing::StrongestCache cache(plan, gives_positions);
  AttentionMassCollector mass(plan, config.heads);
  LedgerCollector ledger(plan);
  Watch watch(mass, ledger);
  const BatchInfo info{.labels = {1, 3},
                       .device = at::kCPU,
                       .kv = kv_shape(strongest_budget().model, samples, 4, 4)};
  mass.on_batch_begin(info);
  ledger.on_batch_begin(info);
  const at::Tensor labels = at::tensor({1, 3, 10, 10}, at::kLong);
  const Conditioning conditioning = var.condition(labels);
  cache.begin(2 * samples);
  for (int scale = 0; scale < plan.schedule().scales(); ++scale) {
    const at::Tensor input =
        scale == 0 ? var.first_input(conditioning)
                   : var.next_input(at::randn({samples, plan.schedule().tokens(scale), 8}), scale);
    (void)var.run_blocks(input, scale, conditioning, cache, {.watcher = &watch});
    ledger.on_scale_end(scale, bytes_of(cache, plan.layers()));
  }
  BatchRecord record;
  ledger.flush(record);
  mass.flush(record);
  return record;
}

// Lost without it: a policy that picks tokens could be planned but neither run nor measured.
TEST(ContentPolicy, RunsFromItsJsonToItsBytes) {
  const RetentionPlan plan(strongest_budget());
  const LedgerRecord ledger = run(plan, true).ledger;
  const KvShape shape = kv_shape(strongest_budget().model, samples, 4, 4);
  for (int layer = 0; layer < plan.layers(); ++layer) {
    for (int scale = 0; scale < plan.schedule().scales(); ++scale) {
      const std::int64_t planned = held_bytes(plan, shape, layer, scale);
      EXPECT_EQ(ledger.logical_bytes(layer, scale), planned);
      EXPECT_EQ(ledger.resident_bytes(layer, scale), planned) << "a cache that holds no more";
    }
  }
  // 2 heads of 4 tokens and one of 2.
  EXPECT_EQ(ledger.logical_bytes(1, 2), shape.head_bytes(2 * 4 + 2));
}

TEST(ContentPolicy, ItsMassFollowsThePositionsOfItsCache) {
  const RetentionPlan plan(strongest_budget());
  const BatchRecord record = run(plan, true);
  const NdArray<double>& mass = record.statistics->mass_sum;
  for (int layer = 0; layer < plan.layers(); ++layer) {
    for (int head = 0; head < 3; ++head) {
      for (int target = 0; target < 4; ++target) {
        double row = 0;
        for (int source = 0; source < 4; ++source) row += mass(layer, head, target, source);
        // Float32 softmax weights of two samples.
        EXPECT_NEAR(row, samples * static_cast<double>(plan.schedule().tokens(target)), 1e-4);
      }
    }
  }
  EXPECT_EQ(record.losses[LossCounter::unattributed_attention], 0);
}

TEST(ContentPolicy, ItsMassIsNaNWhereItsCacheKeepsThePositionsToItself) {
  const RetentionPlan plan(strongest_budget());
  const BatchRecord record = run(plan, false);
  const NdArray<double>& mass = record.statistics->mass_sum;
  EXPECT_TRUE(std::isfinite(mass(0, 0, 0, 0)));
  for (int head = 0; head < 3; ++head) {
    for (int source = 0; source <= 3; ++source) EXPECT_TRUE(std::isnan(mass(1, head, 3, source)));
  }
  EXPECT_EQ(record.losses[LossCounter::unattributed_attention], samples * 3 * 4);
}

}  // namespace
}  // namespace kvscope
