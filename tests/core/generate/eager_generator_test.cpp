#include "core/generate/eager_generator.h"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/record_function.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/budget/policies/keep_local.h"
#include "core/weights/state_dict.h"
#include "tests/support/recording_listener.h"
#include "tests/support/small_model.h"

namespace kvscope::testing {
namespace {

class EagerGeneratorTest : public ::testing::Test {
 protected:
  EagerGenerator make(SamplingOptions sampling = {}) const {
    return {
        model_, {at::kCPU, at::kFloat, sampling}, vanilla_budget(budget_model_of(model_.config))};
  }

  static BatchRequest request(std::int64_t first_sample, std::vector<std::int64_t> labels) {
    BatchRequest request;
    request.index = first_sample;
    request.first_sample = first_sample;
    request.labels = std::move(labels);
    return request;
  }

  LoadedModel model_ = random_model(small_model({1, 2, 3, 4}), 1);
};

SamplingOptions per_sample() {
  SamplingOptions sampling;
  sampling.top_k = 40;
  sampling.top_p = 0.95;
  sampling.seed = 5;
  sampling.rng = RandomMode::per_sample;
  return sampling;
}

// Lost without it: samples would change with the batch size and could not be drawn in parallel.
TEST_F(EagerGeneratorTest, PerSampleDrawsDoNotDependOnTheBatchSize) {
  for (const bool smooth : {false, true}) {
    SamplingOptions sampling = per_sample();
    sampling.more_smooth = smooth;
    EagerGenerator generator = make(sampling);
    const at::Tensor together = generator.generate(request(0, {1, 2, 3, 4})).token_ids;
    std::vector<at::Tensor> alone;
    for (std::int64_t sample = 0; sample < 4; ++sample) {
      alone.push_back(generator.generate(request(sample, {sample + 1})).token_ids);
    }
    EXPECT_TRUE(at::equal(together, at::cat(alone))) << "more_smooth " << smooth;
  }
}

TEST_F(EagerGeneratorTest, PerSampleLabelsDoNotDependOnTheBatchSize) {
  EagerGenerator generator = make(per_sample());
  struct Labels : Observer {
    ObserverNeeds needs() const override { return {}; }
    void on_batch_begin(const BatchInfo& info) override {
      labels.insert(labels.end(), info.labels.begin(), info.labels.end());
    }
    std::vector<std::int64_t> labels;
  };
  Labels together;
  Labels alone;
  BatchRequest four;
  four.batch = 4;
  generator.set_observers({&together});
  generator.generate(four);
  generator.set_observers({&alone});
  for (std::int64_t sample = 0; sample < 4; ++sample) {
    BatchRequest one = request(sample, {});
    one.batch = 1;
    generator.generate(one);
  }
  EXPECT_EQ(together.labels, alone.labels);
}

TEST_F(EagerGeneratorTest, BatchesOfOneRunAreDrawnDifferently) {
  EagerGenerator generator = make();
  const at::Tensor first = generator.generate(request(0, {1, 2})).token_ids;
  EXPECT_TRUE(at::equal(first, generator.generate(request(0, {1, 2})).token_ids));
  EXPECT_FALSE(at::equal(first, generator.generate(request(1, {1, 2})).token_ids));
}

TEST_F(EagerGeneratorTest, UnknownClassNamesTheRange) {
  EagerGenerator generator = make();
  EXPECT_NO_THROW(generator.generate(request(0, {10})));
  for (const std::int64_t label : {-1, 11}) {
    try {
      generator.generate(request(0, {label}));
      FAIL() << label;
    } catch (const UsageError& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr("0 to 9"));
    }
  }
  EXPECT_THROW(generator.generate(request(0, {})), UsageError);
}

// Lost without it: teacher-forced figures would be of logits that no run ever drew from.
TEST_F(EagerGeneratorTest, ForcedTokensGiveTheLogitsTheyWereDrawnFrom) {
  SamplingOptions greedy;
  greedy.top_k = 1;
  EagerGenerator generator = make(greedy);
  const at::Tensor token_ids = generator.generate(request(0, {1, 2})).token_ids;
  std::vector<at::Tensor> likeliest;
  generator.force({{1, 2}, token_ids}, [&](int scale, const at::Tensor& logits) {
    EXPECT_EQ(scale, static_cast<int>(likeliest.size()));
    likeliest.push_back(logits.argmax(-1));
  });
  EXPECT_TRUE(at::equal(at::cat(likeliest, 1), token_ids));
}

TEST_F(EagerGeneratorTest, LaterScalesFollowTheForcedTokens) {
  EagerGenerator generator = make();
  at::Tensor token_ids = generator.generate(request(0, {1})).token_ids;
  const auto logits_of = [&](const at::Tensor& tokens) {
    std::vector<at::Tensor> all;
    generator.force({{1}, tokens}, [&](int, const at::Tensor& logits) { all.push_back(logits); });
    return all;
  };
  const std::vector<at::Tensor> before = logits_of(token_ids);
  token_ids = token_ids.clone();
  token_ids[0][1] = (token_ids[0][1].item<std::int64_t>() + 1) % 64;
  const std::vector<at::Tensor> after = logits_of(token_ids);
  EXPECT_TRUE(at::equal(before[1], after[1]));
  EXPECT_FALSE(at::equal(before[2], after[2]));
}

TEST_F(EagerGeneratorTest, TokensThatCannotBeForcedAreRefused) {
  EagerGenerator generator = make();
  const at::Tensor token_ids = generator.generate(request(0, {1})).token_ids;
  const OnLogits ignore = [](int, const at::Tensor&) {};
  EXPECT_THROW(generator.force({{1, 2}, token_ids}, ignore), Error);
  EXPECT_THROW(generator.force({{1}, token_ids.narrow(1, 0, 3)}, ignore), Error);
  EXPECT_THROW(generator.force({{1}, token_ids + 64}, ignore), Error);
  SamplingOptions smooth;
  smooth.more_smooth = true;
  EXPECT_THROW(make(smooth).force({{1}, token_ids}, ignore), Error);
}

// Lost without it: budgets that run in turn would read what the other one left.
TEST_F(EagerGeneratorTest, BudgetsInTurnDrawWhatTheyDrawAlone) {
  const Budget vanilla = vanilla_budget(budget_model_of(model_.config));
  Budget condensed = vanilla;
  condensed.policy = ams_kv_policy;
  condensed.layers[0] = {LayerClass::efficient, KeepLocal{1, 0}};
  const auto alone = [&](const Budget& budget) {
    EagerGenerator generator = make();
    generator.set_budget(budget);
    return generator.generate(request(0, {1, 2})).token_ids;
  };
  ASSERT_FALSE(at::equal(alone(vanilla), alone(condensed)));
  EagerGenerator generator = make();
  generator.keep_caches(2);
  for (int turn = 0; turn < 2; ++turn) {
    for (const Budget& budget : {condensed, vanilla}) {
      generator.set_budget(budget);
      EXPECT_TRUE(at::equal(generator.generate(request(0, {1, 2})).token_ids, alone(budget)));
    }
  }
}

TEST_F(EagerGeneratorTest, BudgetOfAnotherModelIsRefused) {
  Budget other = vanilla_budget({3, 2, 16, {1, 2, 3, 4}});
  EXPECT_THROW(EagerGenerator(model_, {}, other), BadInput);
}

// Counts the calls of a batch.
class Counter : public Observer {
 public:
  explicit Counter(ObserverNeeds needs) : needs_(needs) {}
  ObserverNeeds needs() const override { return needs_; }
  void on_batch_begin(const BatchInfo&) override { ++begins; }
  void on_attention(const AttentionEvent& event) override {
    ++attentions;
    masses += event.mass.empty() ? 0 : 1;
  }
  void on_scale_end(int, const CacheBytes& held) override {
    ++scales;
    resident_bytes = held.layers.at(0).own;
  }
  void on_batch_end(const BatchInfo&, const BatchOutput& output) override {
    ++ends;
    image = output.image;
  }

  int begins = 0;
  int attentions = 0;
  int masses = 0;
  int scales = 0;
  int ends = 0;
  std::int64_t resident_bytes = 0;
  at::Tensor image;

 private:
  ObserverNeeds needs_;
};

TEST_F(EagerGeneratorTest, ObserversGetWhatTheyAskFor) {
  EagerGenerator generator = make();
  Counter timing({});
  Counter weighing({.attention = true, .attention_mass = true});
  generator.set_observers({&timing, &weighing});
  const BatchOutput output = generator.generate(request(0, {1, 2}));
  EXPECT_EQ(timing.attentions, 0);
  EXPECT_EQ(weighing.attentions, 8);
  EXPECT_EQ(weighing.masses, 8);
  for (const Counter* counter : {&timing, &weighing}) {
    EXPECT_EQ(counter->begins, 1);
    EXPECT_EQ(counter->scales, 4);
    EXPECT_EQ(counter->ends, 1);
    EXPECT_EQ(counter->resident_bytes, 2 * 4 * 30 * 32 * 4);
    EXPECT_TRUE(at::equal(counter->image, output.image));
  }
}

/// How often each of LibTorch's operators ran on this thread while `work` did.
std::map<std::string, int> operators_of(const std::function<void()>& work) {
  static std::map<std::string, int> counts;
  counts.clear();
  const auto handle = at::addThreadLocalCallback(at::RecordFunctionCallback(
      [](const at::RecordFunction& function) -> std::unique_ptr<at::ObserverContext> {
        ++counts[function.name()];
        return nullptr;
      }));
  work();
  at::removeCallback(handle);
  return counts;
}

// Lost without it: repeats would be timed with work that only observers need, such as the sums of
// the attention mass.
TEST_F(EagerGeneratorTest, AnUnobservedPassRunsTheOperatorsOfAGeneratorWithoutObservers) {
  EagerGenerator generator = make();
  BatchRequest repeat = request(0, {1, 2});
  const auto generate = [&] { generator.generate(repeat); };
  generate();
  const std::map<std::string, int> alone = operators_of(generate);
  ASSERT_GT(alone.at("aten::softmax"), 0);

  Counter weighing({.attention = true, .attention_mass = true});
  generator.set_observers({&weighing});
  EXPECT_NE(operators_of(generate), alone) << "the mass is computed for those who observe";
  repeat.repeat = 1;
  repeat.observed = false;
  EXPECT_EQ(operators_of(generate), alone);
  EXPECT_EQ(weighing.begins, 1);
  EXPECT_EQ(weighing.attentions, 8);
  EXPECT_EQ(weighing.scales, 4);
  EXPECT_EQ(weighing.ends, 1);
}

class Ledger : public TimingSink {
 public:
  void record(const ModuleTiming& timing) override { timings.push_back(timing); }
  void record_batch(std::int64_t, int, std::int64_t duration_ns) override {
    batches.push_back(duration_ns);
  }
  void record_lost() noexcept override { ++lost; }

  std::vector<ModuleTiming> timings;
  std::vector<std::int64_t> batches;
  int lost = 0;
};

TEST_F(EagerGeneratorTest, TimingsCoverEveryModuleAndStayBelowTheBatch) {
  EagerGenerator generator = make();
  Ledger ledger;
  const auto timer = generator.make_timer(ledger);
  generator.set_listeners({timer.get()});
  generator.generate(request(3, {1, 2}));
  ASSERT_EQ(ledger.batches.size(), 1U);
  EXPECT_EQ(ledger.lost, 0);
  std::set<Module> modules;
  std::int64_t total_ns = 0;
  for (const ModuleTiming& timing : ledger.timings) {
    EXPECT_EQ(timing.site.batch, 3);
    EXPECT_GE(timing.duration_ns, 0);
    modules.insert(timing.site.module);
    total_ns += timing.duration_ns;
  }
  EXPECT_EQ(modules.size(), module_count - 1);  // all but `other`
  EXPECT_LE(total_ns, ledger.batches.front());
}

/// The stays of one pass over two layers and `scales` scales, as RecordingListener writes them.
std::vector<std::string> stays_of_pass(std::int64_t batch, int repeat, int scales) {
  std::vector<std::string> stays;
  const auto stay = [&](int scale, int layer, Module module) {
    stays.push_back(RecordingListener::written({batch, repeat, scale, layer, module}));
  };
  stay(0, no_layer, Module::adaln);
  for (int scale = 0; scale < scales; ++scale) {
    for (int layer = 0; layer < 2; ++layer) {
      for (const Module module : {Module::adaln, Module::qkv, Module::qk_norm_cache,
                                  Module::qk_norm_cache, Module::attention_core, Module::projection,
                                  Module::adaln, Module::adaln, Module::ffn, Module::adaln}) {
        stay(scale, layer, module);
      }
    }
    for (const Module module : {Module::head, Module::sampling, Module::quantizer}) {
      stay(scale, no_layer, module);
    }
  }
  stay(scales - 1, no_layer, Module::decoder);
  return stays;
}

// Lost without it: kernels and ranges would be put down to a module that was not at work.
TEST_F(EagerGeneratorTest, EveryListenerHearsEverySiteOfAPassInOrder) {
  EagerGenerator generator = make();
  std::vector<std::string> heard;
  RecordingListener outer("A", heard);
  RecordingListener inner("B", heard);
  generator.set_listeners({&outer, &inner});
  BatchRequest again = request(3, {1, 2});
  again.repeat = 2;
  generator.generate(again);

  std::vector<std::string> expected = {"A batch 3.2", "B batch 3.2"};
  for (const std::string& stay : stays_of_pass(3, 2, 4)) {
    for (const char* call : {"A> ", "B> ", "B< ", "A< "}) expected.push_back(call + stay);
  }
  expected.insert(expected.end(), {"B done", "A done"});
  EXPECT_EQ(heard, expected);
}

TEST_F(EagerGeneratorTest, APassThatBreaksOffInAModuleStaysBalanced) {
  // Breaks off in the middle of the third layer that is run.
  struct Failing : SiteListener {
    void begin(const Site& site) override {
      if (site.scale == 1 && site.module == Module::ffn) throw Error("listener gave up");
    }
    void end(const Site&) noexcept override {}
  };
  EagerGenerator generator = make();
  std::vector<std::string> heard;
  RecordingListener recording("A", heard);
  Failing failing;
  generator.set_listeners({&recording, &failing});
  EXPECT_THROW(generator.generate(request(0, {1})), Error);

  std::vector<std::string> expected = {"A batch 0.0"};
  std::vector<std::string> stays = stays_of_pass(0, 0, 4);
  stays.resize(1 + 23 + 9);  // labels, scale 0, and scale 1 up to its first ffn
  EXPECT_EQ(stays.back(), "0.0 s1 l0 ffn");
  for (const std::string& stay : stays) {
    for (const char* call : {"A> ", "A< "}) expected.push_back(call + stay);
  }
  expected.emplace_back("A abandoned");
  EXPECT_EQ(heard, expected);

  // The next pass starts as if nothing had been.
  heard.clear();
  generator.set_listeners({&recording});
  generator.generate(request(1, {1}));
  EXPECT_EQ(heard.size(), 2 + 2 * stays_of_pass(1, 0, 4).size());
}

TEST_F(EagerGeneratorTest, FailedBatchesAreCountedAsLostTimings) {
  struct Failing : Observer {
    ObserverNeeds needs() const override { return {}; }
    void on_scale_end(int, const CacheBytes&) override { throw Error("observer gave up"); }
  };
  EagerGenerator generator = make();
  Failing failing;
  Ledger ledger;
  generator.set_observers({&failing});
  const auto timer = generator.make_timer(ledger);
  generator.set_listeners({timer.get()});
  EXPECT_THROW(generator.generate(request(0, {1})), Error);
  EXPECT_GT(ledger.lost, 0);
  EXPECT_TRUE(ledger.batches.empty());
}

// Lost without it: a file would say that timings are missing which are in it.
TEST_F(EagerGeneratorTest, AFailureBehindABatchLosesNoneOfItsTimings) {
  struct Failing : Observer {
    ObserverNeeds needs() const override { return {}; }
    void on_batch_end(const BatchInfo&, const BatchOutput&) override { throw Error("gave up"); }
  };
  EagerGenerator generator = make();
  Failing failing;
  Ledger ledger;
  generator.set_observers({&failing});
  const auto timer = generator.make_timer(ledger);
  generator.set_listeners({timer.get()});
  EXPECT_THROW(generator.generate(request(0, {1})), Error);
  EXPECT_EQ(ledger.batches.size(), 1U);
  EXPECT_EQ(ledger.lost, 0);
  EXPECT_THROW(generator.generate(request(0, {11})), UsageError);
  EXPECT_EQ(ledger.lost, 0);
}

TEST_F(EagerGeneratorTest, LowPrecisionIsFiniteAndKeepsKeysInIt) {
  for (const at::ScalarType dtype : {at::kHalf, at::kBFloat16}) {
    EagerGenerator generator(model_, {at::kCPU, dtype, {}},
                             vanilla_budget(budget_model_of(model_.config)));
    Counter counter({.attention = true, .attention_mass = true});
    generator.set_observers({&counter});
    const BatchOutput output = generator.generate(request(0, {1, 2}));
    EXPECT_TRUE(output.image.isfinite().all().item<bool>());
    EXPECT_EQ(counter.resident_bytes, 2 * 4 * 30 * 32 * 2);
  }
}

}  // namespace
}  // namespace kvscope::testing
