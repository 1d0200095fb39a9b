// What a user would lose: the reason why a run does not go on, in words that name what to change.

#include "core/record/same_job.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/budget/policies/keep_capacity.h"
#include "tests/support/example_capture.h"

namespace kvscope {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class SameJob : public ::testing::Test {
 protected:
  /// How the run differs once `change` has edited what is asked for.
  JobDifference after(const std::function<void(RunRecord&)>& change) const {
    RunRecord asked = given_;
    change(asked);
    return different_job(given_, asked).value_or(JobDifference{});
  }

  RunRecord given_ = testing::example_record(4);
};

TEST_F(SameJob, OfAnotherIdAndStartIsTheSame) {
  EXPECT_EQ(after([](RunRecord& asked) {
              asked.capture_id.assign("another");
              asked.start_time.assign("later");
              asked.settings.collectors = {"ledger"};
            }).field,
            "");
}

TEST_F(SameJob, NamesTheSettingInsideAnObject) {
  const JobDifference keep = after([](RunRecord& asked) { asked.settings.keep.layers = {0, 1}; });
  EXPECT_EQ(keep.field, "keep.layers");
  EXPECT_EQ(keep.asked, "[0,1]");
  EXPECT_NE(keep.given, keep.asked);

  const JobDifference sampling = after([](RunRecord& asked) { asked.model.sampling.cfg = 7.5; });
  EXPECT_EQ(sampling.field, "sampling.cfg");
  EXPECT_EQ(sampling.asked, "7.5");

  given_.settings.scorer = ScorerRecord{"one", std::string(64, 'a'), {}};
  const JobDifference scorer =
      after([](RunRecord& asked) { asked.settings.scorer->name.assign("two"); });
  EXPECT_EQ(scorer.field, "scorer.name");
  EXPECT_EQ(scorer.asked, "\"two\"");
  EXPECT_EQ(scorer.given, "\"one\"");
  const JobDifference unscored = after([](RunRecord& asked) { asked.settings.scorer.reset(); });
  EXPECT_EQ(unscored.field, "scorer");
  EXPECT_EQ(unscored.asked, "unknown");
  EXPECT_THAT(unscored.given, HasSubstr("\"one\""));
}

TEST_F(SameJob, NamesTheLayerOfTheBudget) {
  given_.budget.layers[1] = {LayerClass::efficient, KeepCapacity{0, 5}};
  const JobDifference capacity = after([](RunRecord& asked) {
    asked.budget.layers[1].rule = KeepCapacity{0, 6};
    asked.budget.expected = BudgetExpectation{.batch = 77};
  });
  EXPECT_THAT(capacity.field, StartsWith("budget.layers[1]."));
  EXPECT_THAT(capacity.field, HasSubstr("capacity_tokens"));
  EXPECT_EQ(capacity.asked, "6");
  EXPECT_EQ(capacity.given, "5");
}

TEST_F(SameJob, NamesWhatABudgetTellsOfItself) {
  const JobDifference told = after([](RunRecord& asked) { asked.budget.rule = BudgetOrigin{}; });
  EXPECT_THAT(told.field, StartsWith("budget.rule"));
}

// A device's name comes from its driver, which may write bytes that JSON has no word for.
TEST_F(SameJob, ShowsNamesThatAreNotUtf8) {
  EXPECT_EQ(after([](RunRecord& asked) { asked.device_name.assign(3, char(0xff)); }).field,
            "device_name");
}

}  // namespace
}  // namespace kvscope
