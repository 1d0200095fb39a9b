#include "analysis/compare/comparison_tables.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "core/capture/capture_reader.h"
#include "tests/support/example_capture.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

using ::testing::ElementsAre;
using testing::example_budget;
using testing::example_model;
using testing::example_run;
using testing::ExampleRun;
using ::testing::HasSubstr;
using ::testing::Not;

class ComparisonTablesTest : public ::testing::Test {
 protected:
  Comparison compare_example(int other_batch = 2) {
    const std::vector<std::string> paths =
        testing::write_vanilla_and_ams(folder_, {}, {1}, [&](ExampleRun& ams) {
          if (other_batch != ams.record.settings.batch) {
            ams = example_run({.batch = other_batch}, ams.record.budget);
          }
          ams.images[0].at(0, 0, 0) ^= 1;
          testing::add_scores(ams);
        });
    ExampleRun vanilla = example_run({}, example_budget(example_model({}), {}));
    testing::add_scores(vanilla);
    // As of a partial file, whose features are gone.
    vanilla.demo_frechet_distance = {};
    write_run(vanilla, paths.front());
    return compare({paths.begin(), paths.end()});
  }

  testing::TempDir folder_;
};

TEST_F(ComparisonTablesTest, TextStatesReductionsWithTheirDenominators) {
  const std::string text = to_text(compare_example());
  EXPECT_THAT(text, HasSubstr("-40.0 %"));  // 6 of 10 tokens
  EXPECT_THAT(text, HasSubstr("-78.6 %"));  // 6 of 28
  EXPECT_THAT(text, HasSubstr("vanilla itself is -64.3 %"));
  EXPECT_THAT(text, HasSubstr("batch 2 (4 rows), K 4 B + V 4 B an element"));
  EXPECT_THAT(text, HasSubstr("1.00×"));
}

TEST_F(ComparisonTablesTest, ShowsNoRatioOfLatenciesThatCannotBeCompared) {
  const std::string text = to_text(compare_example(4));
  EXPECT_THAT(text, Not(HasSubstr("1.00×")));
  EXPECT_THAT(text, HasSubstr("different batches: 2 and 4"));
}

// A range of 0 would look like a measurement that repeats.
TEST_F(ComparisonTablesTest, OneRunHasNoSpread) {
  Comparison comparison = compare_example();
  const auto row = ::testing::ContainsRegex("end to end +[0-9.]+ [a-z]+ +- ");
  EXPECT_THAT(to_text(comparison), Not(row));
  comparison.files.front().time.value->image_ns.count = 1;
  EXPECT_THAT(to_text(comparison), row);
}

TEST_F(ComparisonTablesTest, MarkdownHasAHeadingAndASeparatorForEachTable) {
  const Comparison comparison = compare_example();
  const std::string markdown = to_markdown(comparison);
  std::size_t headings = 0;
  std::size_t separators = 0;
  for (std::size_t at = 0; (at = markdown.find("### ", at)) != std::string::npos; ++at) ++headings;
  for (std::size_t at = 0; (at = markdown.find("\n| -", at)) != std::string::npos; ++at)
    ++separators;
  for (std::size_t at = 0; (at = markdown.find("\n|-", at)) != std::string::npos; ++at)
    ++separators;
  EXPECT_EQ(headings, to_tables(comparison, Numbers::readable).size());
  EXPECT_EQ(separators, headings);
}

TEST_F(ComparisonTablesTest, CsvIsOneTableOfExactNumbers) {
  const std::string csv = to_csv(compare_example());
  EXPECT_THAT(csv, ::testing::StartsWith("table,line,row,column,value\r\n"));
  EXPECT_THAT(csv, HasSubstr("1,ams.h5,planned logical peak [bytes],1536\r\n"));
  EXPECT_THAT(csv, HasSubstr("1,ams.h5,vs read [fraction],-0.4\r\n"));
}

TEST_F(ComparisonTablesTest, ScoresHaveTheirIntervals) {
  const Comparison comparison = compare_example();
  EXPECT_THAT(
      to_text(comparison),
      ::testing::ContainsRegex(
          "ams.h5 +example-scorer .cccccccc. +4 +100.0 % +50.0 % … 100.0 % +12.500 +11.000 … "
          "14.250\n"));
  EXPECT_THAT(to_text(comparison), ::testing::ContainsRegex("vanilla.h5 .*100.0 % +- +-\n"));
  const std::string csv = to_csv(comparison);
  EXPECT_THAT(csv, HasSubstr("1,ams.h5,class accuracy low [fraction],0.5\r\n"));
  EXPECT_THAT(csv, HasSubstr("1,ams.h5,demo Fréchet distance high [1],14.25\r\n"));
  const nlohmann::json json = to_json(comparison);
  EXPECT_EQ(json["files"][1]["scores"]["demo_frechet_distance"]["low"], 11);
  EXPECT_TRUE(json["files"][0]["scores"]["demo_frechet_distance"]["low"].is_null());
}

TEST_F(ComparisonTablesTest, EveryRowHasEveryColumn) {
  for (const Numbers numbers : {Numbers::readable, Numbers::exact}) {
    for (const TitledTable& table : to_tables(compare_example(4), numbers)) {
      SCOPED_TRACE(table.title);
      for (const auto& row : table.table.rows) EXPECT_EQ(row.size(), table.table.columns.size());
    }
  }
}

TEST_F(ComparisonTablesTest, JsonRepeatsTheFigures) {
  const nlohmann::json json = nlohmann::json::parse(to_json(compare_example()).dump());
  EXPECT_EQ(json["schema"], "kvscope.comparison/1");
  const nlohmann::json& ams = json["files"][1];
  EXPECT_EQ(ams["memory"]["planned_peak_bytes"], 1536);
  EXPECT_THAT(ams["memory"]["logical_bytes"].get<std::vector<int>>(), ElementsAre(512, 1536, 0));
  EXPECT_EQ(ams["against_baseline"]["images"]["identical"], 3);
  EXPECT_EQ(ams["against_baseline"]["tokens"]["equal"], 1.0);
  EXPECT_EQ(ams["against_baseline"]["latency"]["image_ratio"], 1.0);
  EXPECT_FALSE(json["files"][0].contains("against_baseline"));
}

}  // namespace
}  // namespace kvscope
