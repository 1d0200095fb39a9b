#include "analysis/report/report.h"

#include <cstdlib>
#include <fstream>
#include <regex>

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "tests/support/example_capture.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

using ::testing::AllOf;
using testing::example_budget;
using testing::example_model;
using testing::example_run;
using testing::ExampleRun;
using testing::ExampleSize;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::write_run;

/// Writes a capture with statistics, a vanilla run and one under a budget. KVSCOPE_REPORT_OUT keeps
/// the page for the eye.
class ReportTest : public ::testing::Test {
 protected:
  ReportTest() {
    const ModelConfig model = example_model(size_);
    ExampleRun capture = example_run(size_, example_budget(model, {}));
    add_statistics(capture);
    capture.record.kind = FileKind::analysis;
    write_run(capture, folder_ / "base.analysis.h5");
    BudgetOrigin origin;
    origin.choice = "threshold";
    origin.statistic = "cosine-key";
    origin.theta = 0.8;
    testing::write_vanilla_and_ams(folder_, size_, {0, 1, 2}, [&](ExampleRun& ams) {
      ams.record.budget.rule = origin;
      ams.record.cpu_name = "<CPU & co>";
      for (int y = 0; y < 20; ++y) ams.images[1].at(y, y, 0) ^= 64;
    });
  }

  ExampleSize size_{6, {1, 2, 3, 4, 6, 8}, 5, 2, 3};
  testing::TempDir folder_;
};

TEST_F(ReportTest, HasEverySectionInAnyOrderOfFiles) {
  const std::string page =
      render_report({folder_ / "ams.h5", folder_ / "base.analysis.h5", folder_ / "vanilla.h5"});
  if (const char* keep = std::getenv("KVSCOPE_REPORT_OUT")) std::ofstream(keep) << page;
  for (const char* anchor : {"memory", "budget", "layers", "similarity", "images", "comparison",
                             "settings", "reproduce"}) {
    EXPECT_THAT(page, HasSubstr("<section id=\"" + std::string(anchor) + "\">"));
  }
  EXPECT_THAT(page, HasSubstr("ams.h5 (ams-kv) against vanilla.h5"));
  // 3 of 6 layers keep 1 token instead of 66: (3·66 + 3·1) / (6·66) − 1.
  EXPECT_THAT(page, HasSubstr("−49.2 %"));
  EXPECT_THAT(page, HasSubstr("θ = 0.8000"));
  EXPECT_THAT(page, HasSubstr("kvscope run --model MODEL_DIR --samples 5 --batch 2 --seed 7"));
  EXPECT_THAT(page, HasSubstr("--budget budget.json -o ams.h5"));
}

TEST_F(ReportTest, ShowsScoresBesideThoseOfTheBaseline) {
  for (const std::vector<int>& efficient : {std::vector<int>{}, std::vector<int>{1}}) {
    ExampleRun run = example_run(size_, example_budget(example_model(size_), efficient));
    add_scores(run);
    if (!efficient.empty()) run.class_accuracy = {0.8, 0.4, 1};
    write_run(run, folder_ / (efficient.empty() ? "full.h5" : "less.h5"));
  }
  const std::string page = render_report({folder_ / "full.h5", folder_ / "less.h5"});
  EXPECT_THAT(page,
              HasSubstr("<div class=\"value\">80.0 %</div><div class=\"what\">class accuracy"));
  EXPECT_THAT(page, HasSubstr("100.0 % for full.h5; 5 samples"));
  EXPECT_THAT(page, HasSubstr("11.000 … 14.250"));
  EXPECT_THAT(page, HasSubstr(" --score --budget budget.json -o less.h5"));
}

TEST_F(ReportTest, NeedsNothingFromOutside) {
  const std::string page = render_report({folder_ / "vanilla.h5", folder_ / "ams.h5"});
  EXPECT_FALSE(std::regex_search(page, std::regex("(src|href)=\"(?!data:)")));
  EXPECT_THAT(page, AllOf(Not(HasSubstr("<script")), Not(HasSubstr("url("))));
}

TEST_F(ReportTest, EscapesWhatFilesSay) {
  const std::string page = render_report({folder_ / "vanilla.h5", folder_ / "ams.h5"});
  EXPECT_THAT(page, HasSubstr("&lt;CPU &amp; co&gt;"));
  EXPECT_THAT(page, Not(HasSubstr("<CPU")));
}

TEST_F(ReportTest, IsWellFormed) {
  // All but the doctype and the style sheet is XML once the void elements are closed.
  const std::string path = folder_ / "report.html";
  std::ofstream(path) << render_report(
      {folder_ / "vanilla.h5", folder_ / "ams.h5", folder_ / "base.analysis.h5"});
  const std::string check =
      "python3 -c \"import re, sys, xml.dom.minidom as x; t = open(sys.argv[1]).read(); "
      "t = re.sub(r'(?s)<style>.*?</style>', '', t.split('\\n', 1)[1]); "
      "x.parseString(re.sub(r'<(meta|img)([^>]*)>', r'<\\1\\2/>', t).encode())\" " +
      path;
  EXPECT_EQ(std::system(check.c_str()), 0);
}

TEST_F(ReportTest, ShowsAnAnalysisAlone) {
  const std::string page = render_report({folder_ / "base.analysis.h5"});
  EXPECT_THAT(page, HasSubstr("<section id=\"similarity\">"));
  EXPECT_THAT(page, Not(HasSubstr("<section id=\"comparison\">")));
}

TEST_F(ReportTest, PutsLossesOnTop) {
  ExampleRun lossy = example_run(size_, example_budget(example_model(size_), {1}));
  lossy.batches[0].quality[QualityCounter::dropped_timings] = 3;
  write_run(lossy, folder_ / "lossy.h5");
  const std::string page = render_report({folder_ / "vanilla.h5", folder_ / "lossy.h5"});
  EXPECT_LT(page.find("3 dropped_timings"), page.find("<div class=\"tiles\">"));
}

TEST_F(ReportTest, RefusesStatisticsOfAnotherModel) {
  ExampleRun other = example_run(size_, example_budget(example_model(size_), {}));
  add_statistics(other);
  other.record.kind = FileKind::analysis;
  other.record.weights_sha256 = std::string(64, 'b');
  write_run(other, folder_ / "other.analysis.h5");
  EXPECT_THROW(render_report({folder_ / "vanilla.h5", folder_ / "other.analysis.h5"}), BadInput);
}

TEST_F(ReportTest, RepeatsTheSeedOfRandomWeights) {
  ExampleRun random = example_run(size_, example_budget(example_model(size_), {}));
  random.record.weights_sha256 = "random:17";
  write_run(random, folder_ / "random.h5");
  EXPECT_THAT(render_report({folder_ / "random.h5"}), HasSubstr(" --random-weights 17"));
}

TEST_F(ReportTest, NeedsAFile) { EXPECT_THROW(render_report({}), UsageError); }

}  // namespace
}  // namespace kvscope
