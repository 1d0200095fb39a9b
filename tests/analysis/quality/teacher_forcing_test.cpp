// What a user would lose: a measure taken from tokens that the vanilla cache did not draw, or from
// a budget that did not run.

#include "analysis/quality/teacher_forcing.h"

#include <algorithm>

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "core/generate/eager_generator.h"
#include "tests/support/example_capture.h"
#include "tests/support/small_model.h"

namespace kvscope {
namespace {

using ::testing::HasSubstr;

class TeacherForcing : public ::testing::Test {
 protected:
  /// A run of `samples` tokens drawn by the generator under the vanilla cache.
  CaptureReader drawn(int samples, const std::function<void(testing::ExampleRun&)>& change = {}) {
    testing::ExampleRun run =
        testing::example_run({.samples = samples, .batch = samples}, vanilla_);
    run.record.model = model_.config;
    run.record.weights_sha256 = model_.weights_sha256;
    BatchRequest request;
    request.labels.assign(run.batches[0].labels.begin(), run.batches[0].labels.end());
    const at::Tensor token_ids = generator_.generate(request).token_ids;
    std::copy_n(token_ids.const_data_ptr<std::int64_t>(), token_ids.numel(),
                run.batches[0].token_ids.data.begin());
    if (change) change(run);
    testing::write_run(run, path_);
    return CaptureReader(path_);
  }

  ForcedAgreement forced(const CaptureReader& vanilla, const Budget& budget,
                         ForcedOptions options) {
    return teacher_forced_agreement(generator_, vanilla, budget, options,
                                    [&](std::int64_t samples) { told_ += samples; });
  }

  testing::TempDir folder_;
  std::string path_ = folder_ / "vanilla.h5";
  // The example's shape, with weights.
  LoadedModel model_ = [] {
    ModelConfig config = testing::example_model({});
    return random_model(config, 1);
  }();
  Budget vanilla_ = vanilla_budget(budget_model_of(model_.config));
  Budget condensed_ = testing::example_budget(model_.config, {0, 1});
  EagerGenerator generator_{model_, {}, vanilla_};
  std::int64_t told_ = 0;
};

TEST_F(TeacherForcing, TheVanillaCacheAgreesWithItself) {
  const CaptureReader vanilla = drawn(3);
  const ForcedAgreement agreement = forced(vanilla, vanilla_, {.samples = 3, .batch = 3});
  EXPECT_EQ(agreement.overall.kl_nats.value, 0);
  EXPECT_EQ(agreement.overall.top1_agreement.value, 1);
  EXPECT_EQ(agreement.against_capture_id, vanilla.record().capture_id);
}

TEST_F(TeacherForcing, ABudgetIsToldOnlyWhereItsLayersMissTheirHistory) {
  const ForcedAgreement agreement = forced(drawn(3), condensed_, {.samples = 2, .batch = 1});
  EXPECT_EQ(agreement.samples, 2);
  EXPECT_EQ(told_, 2);
  EXPECT_EQ(agreement.policy, condensed_.policy);
  // Efficient layers of the example keep scale 0: scales 0 and 1 read what they always do.
  EXPECT_EQ(agreement.scales.at(0).kl_nats.value, 0);
  EXPECT_EQ(agreement.scales.at(1).kl_nats.value, 0);
  EXPECT_GT(agreement.scales.at(2).kl_nats.value, 0);
}

TEST_F(TeacherForcing, DoesNotDependOnTheBatch) {
  const CaptureReader vanilla = drawn(4);
  const ForcedAgreement whole = forced(vanilla, condensed_, {.samples = 4, .batch = 4});
  const ForcedAgreement parts = forced(vanilla, condensed_, {.samples = 4, .batch = 3});
  // Sums of float32 products depend on the batch: a relative 1e-4 is far above their rounding.
  EXPECT_NEAR(whole.overall.kl_nats.value, parts.overall.kl_nats.value,
              1e-4 * whole.overall.kl_nats.value);
}

TEST_F(TeacherForcing, OtherRunsAreRefused) {
  const auto expect_refused = [&](const std::function<void(testing::ExampleRun&)>& change,
                                  std::int64_t samples, const std::string& why) {
    const CaptureReader run = drawn(2, change);
    try {
      check_forced_run(run, samples);
      check_forced_model(run, model_.config, model_.weights_sha256);
      FAIL() << why;
    } catch (const BadInput& error) {
      EXPECT_THAT(error.what(), HasSubstr(why));
      EXPECT_THAT(error.what(), HasSubstr(path_));
    }
  };
  expect_refused({}, 3, "at least 3 committed samples");
  expect_refused([](auto& run) { run.record.policy = "ams-kv"; }, 2, "the vanilla cache");
  expect_refused([](auto& run) { run.record.settings.more_smooth = true; }, 2, "more-smooth");
  expect_refused([](auto& run) { run.record.weights_sha256 = "random:2"; }, 2, "random:2");
  const CaptureReader good = drawn(2);
  EXPECT_NO_THROW(check_forced_run(good, 2));
  EXPECT_NO_THROW(check_forced_model(good, model_.config, model_.weights_sha256));
}

}  // namespace
}  // namespace kvscope
