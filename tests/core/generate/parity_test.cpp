// Parity with the published code (tests/golden/var_parity) and with scripts/reference_var.py
// (tests/golden/shapes).

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/budget/rule_list.h"
#include "core/cache/make_cache.h"
#include "tests/core/generate/golden.h"

namespace kvscope::testing {
namespace {

// Two float32 sums in another order differ by some 1e-5 here; a wrong term differs by 1e-2 or more.
constexpr double tolerance = 1e-4;

double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

// Keeps K and V of the vanilla run and the attention mass per (layer, target, source).
class Recorder : public Observer {
 public:
  Recorder(const ModelConfig& config, bool mass)
      : schedule_(config.schedule()),
        mass_(mass),
        mass_sums_(at::zeros({config.depth, schedule_.scales(), schedule_.scales()}, at::kDouble)) {
  }

  ObserverNeeds needs() const override { return {.attention = true, .attention_mass = mass_}; }

  void on_attention(const AttentionEvent& event) override {
    keys_[event.layer].push_back(event.key.clone());
    values_[event.layer].push_back(event.value.clone());
    if (!mass_) {
      EXPECT_TRUE(event.mass.empty());
      return;
    }
    for (int source = 0; source <= event.scale; ++source) {
      const at::Tensor of_source =
          event.mass.at(0).narrow(2, schedule_.begin(source), schedule_.tokens(source));
      mass_sums_[event.layer][event.scale][source] =
          of_source.to(at::kDouble).sum(2).mean().item<double>();
    }
  }

  at::Tensor keys(int layer) const { return at::cat(keys_.at(layer), 2); }
  at::Tensor values(int layer) const { return at::cat(values_.at(layer), 2); }
  const at::Tensor& mass() const { return mass_sums_; }

 private:
  ScaleSchedule schedule_;
  bool mass_;
  std::map<int, std::vector<at::Tensor>> keys_;
  std::map<int, std::vector<at::Tensor>> values_;
  at::Tensor mass_sums_;
};

class Parity : public ::testing::TestWithParam<std::string> {
 protected:
  Parity() : golden_(GetParam()) {}

  BatchOutput generate(const SamplingOptions& sampling, const Budget& budget,
                       Observer* observer = nullptr) const {
    EagerGenerator generator(golden_.model, {at::kCPU, at::kFloat, sampling}, budget);
    if (observer != nullptr) generator.set_observers({observer});
    return generator.generate(golden_.request());
  }

  void expect_tokens(const at::Tensor& tokens, const std::string& name) const {
    const at::Tensor expected = golden_.tokens(name);
    EXPECT_EQ((tokens != expected).sum().item<std::int64_t>(), 0) << name;
  }

  Golden golden_;
};

TEST_P(Parity, VanillaTokensAreEqualAndImagesClose) {
  const BatchOutput output = generate(golden_.sampling(), golden_.vanilla());
  expect_tokens(output.token_ids, "token_ids");
  EXPECT_LT(largest_difference(output.f_hat, golden_.tensor("f_hat")), tolerance);
  EXPECT_LT(largest_difference(output.image, golden_.tensor("image")), tolerance);
}

TEST_P(Parity, GreedyTokensAreEqual) {
  SamplingOptions greedy = golden_.sampling();
  greedy.top_k = 1;
  greedy.top_p = 0;
  expect_tokens(generate(greedy, golden_.vanilla()).token_ids, "token_ids_greedy");
}

TEST_P(Parity, RetentionCasesDrawEqualTokens) {
  for (const Budget& budget : golden_.policies()) {
    expect_tokens(generate(golden_.sampling(), budget).token_ids, "token_ids." + budget.policy);
  }
}

TEST_P(Parity, MoreSmoothDrawsEqualTokensAndMixesTheSameCodes) {
  SamplingOptions smooth = golden_.sampling();
  smooth.more_smooth = true;
  const BatchOutput output = generate(smooth, golden_.vanilla());
  expect_tokens(output.token_ids, "token_ids.more_smooth");
  // The Gumbel softmax runs at temperatures down to 0.0135 on logits tripled by then, scale after
  // scale: noise of 1e-7 on the logits moves the reference's own f_hat by 6e-3 at most and 1e-5 in
  // the median. So the median is held, where a wrong mix would show as order 1.
  const at::Tensor error = (output.f_hat - golden_.tensor("f_hat.more_smooth")).abs();
  EXPECT_LT(error.median().item<double>(), 1e-3);
}

TEST_P(Parity, CachedKeysAndValuesAndMassAreClose) {
  Recorder recorder(golden_.model.config, /*mass=*/true);
  generate(golden_.sampling(), golden_.vanilla(), &recorder);
  for (int layer = 0; layer < golden_.model.config.depth; ++layer) {
    const std::string suffix = ".layer" + std::to_string(layer);
    if (!golden_.has("cached_k" + suffix)) continue;
    EXPECT_LT(largest_difference(recorder.keys(layer).narrow(0, 0, 1),
                                 golden_.tensor("cached_k" + suffix)),
              tolerance);
    EXPECT_LT(largest_difference(recorder.values(layer).narrow(0, 0, 1),
                                 golden_.tensor("cached_v" + suffix)),
              tolerance);
  }
  if (!golden_.has("attention_mass")) return;
  const at::Tensor expected = golden_.tensor("attention_mass");
  const at::Tensor error = (recorder.mass() - expected).abs();
  EXPECT_TRUE((error <= tolerance * expected.abs()).all().item<bool>())
      << "largest relative error " << (error / expected.abs().clamp_min(1e-9)).max().item<double>();
}

// Runs the golden tokens through the model by hand, to see logits that generation keeps to itself.
TEST_P(Parity, GuidedLogitsAreClose) {
  const Var var(golden_.model.config, golden_.model.weights, at::kCPU, at::kFloat);
  const Vqvae vqvae(golden_.model.config, golden_.model.weights, at::kCPU, at::kFloat);
  const ScaleSchedule schedule = golden_.model.config.schedule();
  const at::Tensor labels = at::tensor(golden_.labels(), at::kLong);
  const at::Tensor all_labels =
      at::cat({labels, at::full_like(labels, golden_.model.config.classes)});
  const auto cache = make_cache(golden_.vanilla(), at::kFloat, at::kCPU);
  cache->begin(all_labels.size(0));
  const Conditioning conditioning = var.condition(all_labels);
  const at::Tensor tokens = golden_.tokens("token_ids");
  const at::Tensor codes = vqvae.quantizer().teacher_input(tokens, schedule.scales());
  int compared = 0;
  for (int scale = 0; scale < schedule.scales(); ++scale) {
    const at::Tensor input =
        scale == 0 ? var.first_input(conditioning)
                   : var.next_input(codes.narrow(1, schedule.begin(scale) - schedule.tokens(0),
                                                 schedule.tokens(scale)),
                                    scale);
    const at::Tensor hidden = var.run_blocks(input, scale, conditioning, *cache, {});
    const std::string name = "logits.scale" + std::to_string(scale);
    if (!golden_.has(name)) continue;
    const at::Tensor logits = var.guided_logits(
        hidden, conditioning, guidance_strength(golden_.sampling().cfg, scale, schedule.scales()));
    EXPECT_LT(largest_difference(logits, golden_.tensor(name)), tolerance) << name;
    ++compared;
  }
  EXPECT_GT(compared, 0);
}

TEST_P(Parity, TeacherForcedLogitsAreClose) {
  if (!golden_.has("teacher_forced.logits")) GTEST_SKIP() << "not part of this golden file";
  const at::Tensor expected = golden_.tensor("teacher_forced.logits");
  const Var var(golden_.model.config, golden_.model.weights, at::kCPU, at::kFloat);
  const Vqvae vqvae(golden_.model.config, golden_.model.weights, at::kCPU, at::kFloat);
  const ScaleSchedule schedule = golden_.model.config.schedule();
  int scales = 0;
  while (schedule.begin(scales) < expected.size(1)) ++scales;
  ASSERT_EQ(schedule.begin(scales), expected.size(1));
  const at::Tensor inputs =
      vqvae.quantizer().teacher_input(golden_.tokens("encode.token_ids"), scales);
  const at::Tensor labels = at::tensor({golden_.labels().front()}, at::kLong);
  EXPECT_LT(largest_difference(var.teacher_forced_logits(labels, inputs, scales), expected),
            tolerance);
}

// Lost without it: measuring a run would change what it draws.
TEST_P(Parity, ObserversChangeNoBit) {
  const BatchOutput alone = generate(golden_.sampling(), golden_.vanilla());
  Recorder watching(golden_.model.config, /*mass=*/false);
  Recorder weighing(golden_.model.config, /*mass=*/true);
  for (Recorder* recorder : {&watching, &weighing}) {
    const BatchOutput observed = generate(golden_.sampling(), golden_.vanilla(), recorder);
    EXPECT_TRUE(at::equal(observed.token_ids, alone.token_ids));
    EXPECT_TRUE(at::equal(observed.f_hat, alone.f_hat));
    EXPECT_TRUE(at::equal(observed.image, alone.image));
  }
}

// Lost without it: a policy whose tokens no reference ever checked.
TEST(GoldenCases, RunEveryFormOfTheList) {
  std::set<std::string_view> run;
  for (const std::string& folder : golden_folders()) {
    for (const Budget& budget : Golden(folder).policies()) {
      for (const LayerBudget& layer : budget.layers) run.insert(layer.rule.key());
    }
  }
  for (const RuleForm& form : rule_forms()) EXPECT_TRUE(run.contains(form.key)) << form.key;
}

INSTANTIATE_TEST_SUITE_P(Folders, Parity, ::testing::ValuesIn(golden_folders()),
                         [](const auto& info) {
                           return std::filesystem::path(info.param).filename().string();
                         });

}  // namespace
}  // namespace kvscope::testing
