// What a user would lose: a plan that looks certain although its file, its samples or an edit say
// otherwise; in a window as on the terminal.

#include "analysis/views/plan_notices.h"

#include <gmock/gmock.h>

#include "core/capture/capture_reader.h"
#include "tests/support/example_capture.h"

namespace kvscope {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::example_budget;
using testing::example_model;
using testing::ExampleRun;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

auto warns(PlanNoticeKind kind, const std::string& text) {
  return AllOf(Field(&PlanNotice::kind, kind),
               Field(&PlanNotice::severity, NoticeSeverity::warning),
               Field(&PlanNotice::text, HasSubstr(text)));
}

class PlanNoticesTest : public ::testing::Test {
 protected:
  /// An analysis of 5 samples; `finish` false leaves it unfinished.
  CaptureReader analysis(const std::vector<int>& efficient, bool finish = true) {
    ExampleRun run = testing::example_run(size_, example_budget(model_, efficient));
    add_statistics(run);
    if (!efficient.empty()) run.record.policy = "ams-kv";
    testing::write_run(run, folder_ / "a.h5", finish);
    return CaptureReader(folder_ / (finish ? "a.h5" : "a.h5.partial"));
  }
  static const LayerStatisticKind* named(const char* name) { return find_layer_statistic(name); }

  testing::ExampleSize size_{4, {1, 2, 3, 4, 6}, 5, 2, 1};
  ModelConfig model_ = example_model(size_);
  testing::TempDir folder_;
};

TEST_F(PlanNoticesTest, SayNothingOfAWholeVanillaFile) {
  const CaptureReader file = analysis({});
  EXPECT_THAT(plan_notices({.file = &file, .statistic = named("cosine-key")}), IsEmpty());
  EXPECT_THAT(plan_notices({}), IsEmpty());
}

TEST_F(PlanNoticesTest, NameAnUnfinishedFile) {
  const CaptureReader file = analysis({}, false);
  EXPECT_THAT(plan_notices({.file = &file, .statistic = named("cosine-key")}),
              ElementsAre(warns(PlanNoticeKind::doubtful_file,
                                "a.h5.partial: unfinished, or with lost data")));
}

// A control looks at no statistics, so none of them are wrong.
TEST_F(PlanNoticesTest, NameABudgetThatTheFileWasMadeUnder) {
  const CaptureReader file = analysis({1});
  EXPECT_THAT(plan_notices({.file = &file, .statistic = named("distant-mass")}),
              ElementsAre(warns(PlanNoticeKind::file_under_budget,
                                "a.h5: made under a budget (policy ams-kv)")));
  EXPECT_THAT(plan_notices({.file = &file, .statistic = named("first")}), IsEmpty());
}

TEST_F(PlanNoticesTest, DoubtIntervalsOfFewSamples) {
  NdArray<double> per_sample({2, 4});
  for (std::size_t i = 0; i < per_sample.data.size(); ++i) {
    per_sample.data[i] = static_cast<double>(i);
  }
  const LayerStatisticValues values = layer_statistic_values(per_sample);
  EXPECT_THAT(plan_notices({.values = &values}),
              ElementsAre(warns(PlanNoticeKind::few_units, "only 2 samples and say little")));
}

TEST_F(PlanNoticesTest, SayWhatALimitLeaves) {
  const LayerStatisticValues values =
      layer_statistic_values({0.1, 0.2, 0.3, 0.4}, LayerDemand::measured);
  const Plan plan = make_plan(values, model_, {.choice = WithinRatio{0.5, Denominator::read}});
  EXPECT_THAT(plan_notices({.values = &values, .explanation = &plan.explanation}),
              ElementsAre(AllOf(Field(&PlanNotice::kind, PlanNoticeKind::room_left),
                                Field(&PlanNotice::severity, NoticeSeverity::info),
                                Field(&PlanNotice::text, StartsWith("asked 0.5 of read, got ")))));
}

TEST_F(PlanNoticesTest, NameWhatAnEditLeftBehind) {
  Budget budget = make_plan(layer_statistic_values({0.1, 0.2, 0.3, 0.4}, LayerDemand::measured),
                            model_, {.choice = MostDemanding{2}})
                      .budget;
  EXPECT_THAT(plan_notices({.budget = &budget}), IsEmpty());
  budget.layers[3].rule = KeepAll{};
  const std::vector<PlanNotice> notices = plan_notices({.budget = &budget});
  EXPECT_THAT(notices, ::testing::Each(warns(PlanNoticeKind::edited_budget, "")));
  EXPECT_THAT(notices, ::testing::SizeIs(2)) << "the class of layer 3, and the expected bytes";
}

}  // namespace
}  // namespace kvscope
