#include "analysis/compare/comparison_tables.h"

#include <cmath>
#include <optional>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "analysis/compare/brief_table.h"
#include "analysis/compare/time_figures.h"
#include "core/base/module.h"
#include "core/capture/capture_reader.h"
#include "tests/support/example_files.h"

namespace kvscope {
namespace {

using ::testing::ElementsAre;
using testing::example_run;
using testing::ExampleRun;
using ::testing::HasSubstr;
using ::testing::Not;

/// As one line: where the terminal's width breaks a sentence is no matter.
std::string unwrapped(const std::string& text) {
  std::string line;
  for (const char character : text) {
    const bool space = character == ' ' || character == '\n';
    if (!space) line += character;
    if (space && !line.empty() && line.back() != ' ') line += ' ';
  }
  return line;
}

class ComparisonTablesTest : public testing::ExampleFiles {
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
    ExampleRun vanilla = run_under({});
    testing::add_scores(vanilla);
    // As of a partial file, whose features are gone.
    vanilla.demo_frechet_distance = {};
    write_run(vanilla, paths.front());
    return compare({paths.begin(), paths.end()});
  }
};

TEST_F(ComparisonTablesTest, TextStatesReductionsWithTheirDenominators) {
  const std::string text = to_text(compare_example());
  EXPECT_THAT(text, HasSubstr("-40.0 %"));  // 6 of 10 tokens
  EXPECT_THAT(text, HasSubstr("-78.6 %"));  // 6 of 28
  EXPECT_THAT(unwrapped(text), HasSubstr("vanilla itself is -64.3 %"));
  EXPECT_THAT(unwrapped(text), HasSubstr("batch 2 (4 rows), K 4 B + V 4 B an element"));
  EXPECT_THAT(text, ::testing::ContainsRegex("end to end .* no difference seen\n"));
}

TEST_F(ComparisonTablesTest, ShowsNoRatioOfLatenciesThatCannotBeCompared) {
  const std::string text = to_text(compare_example(4));
  EXPECT_THAT(text, ::testing::ContainsRegex("end to end .* -\n"));
  EXPECT_THAT(text, HasSubstr("different batches: 2 and 4"));
}

/// Multiplies the times of one module, or of the whole batch, so that a test knows their ratio.
void slow_down(ExampleRun& run, std::optional<Module> module, double factor) {
  for (BatchRecord& batch : run.batches) {
    TimingRecord& timing = *batch.timing;
    if (!module) {
      for (std::int64_t& ns : timing.batch_ns.data) ns = std::llround(factor * double(ns));
      continue;
    }
    for (NdArray<std::int64_t>* times : {&timing.layer_ns, &timing.model_ns}) {
      for (std::size_t i = static_cast<std::size_t>(*module); i < times->data.size();
           i += module_count) {
        times->data[i] = std::llround(factor * double(times->data[i]));
      }
    }
  }
}

class TimeTablesTest : public ComparisonTablesTest {
 protected:
  Comparison compare_slowed(std::optional<Module> module, double factor) {
    const std::vector<std::string> paths = testing::write_vanilla_and_ams(
        folder_, {}, {1}, [&](ExampleRun& ams) { slow_down(ams, module, factor); });
    return compare({paths.begin(), paths.end()});
  }
};

// Passes take 110, 120, 130 units: quartiles 115 and 125. At 1.05× they are 120.75 and 131.25,
// which overlap, and a reader would take noise for a gain; at 1.2× they are 138 and 150.
TEST_F(TimeTablesTest, ShowsNoChangeThatTheSpreadDoesNotBearOut) {
  const Comparison noise = compare_slowed(std::nullopt, 1.05);
  EXPECT_THAT(to_text(noise), ::testing::ContainsRegex("end to end .* no difference seen\n"));
  EXPECT_EQ(to_json(noise)["files"][1]["against_baseline"]["latency"]["image_difference"],
            "not seen");
  EXPECT_THAT(to_csv(noise), HasSubstr("end to end,ams.h5 / baseline difference,not seen\r\n"));
  const Comparison change = compare_slowed(std::nullopt, 1.2);
  EXPECT_THAT(to_text(change), ::testing::ContainsRegex("end to end .* 1.20×\n"));
  EXPECT_EQ(to_json(change)["files"][1]["against_baseline"]["latency"]["image_difference"], "seen");
}

// 1.05× end to end beside an ffn of 1.3× tells of the machine, not of the budget.
TEST_F(TimeTablesTest, FlagsAComparisonWhoseControlsMove) {
  const Comparison moved = compare_slowed(Module::ffn, 1.3);
  // Of adaln, qkv, projection and ffn, 2 layers · 3 scales · 120 units each, plus 42 of the head
  // and decoder, ffn is 720 of 2922: 1 + 0.3 · 720 / 2922. Quartiles 115 and 125 of 120 units.
  const double ratio = 1 + 0.3 * 720 / 2922;
  const double spread = 4 * 6 * 10.0 / 2922;
  const nlohmann::json latency = to_json(moved)["files"][1]["against_baseline"]["latency"];
  EXPECT_NEAR(latency["controls"]["ratio"].get<double>(), ratio, 1e-12) << "rounding only";
  // The slower side's own: a little wider.
  EXPECT_NEAR(latency["controls"]["tolerance"].get<double>(), spread, 0.002);
  EXPECT_FALSE(latency["controls"]["moved"]) << "7.4 % are within a spread of 8.2 %";
  EXPECT_THAT(moved.problems, ::testing::IsEmpty());

  const Comparison slower = compare_slowed(Module::ffn, 2);
  const nlohmann::json json = to_json(slower);
  EXPECT_TRUE(json["files"][1]["against_baseline"]["latency"]["controls"]["moved"]);
  ASSERT_EQ(json["problems"].size(), 1U);
  EXPECT_EQ(json["problems"][0]["file"], "ams.h5");
  const std::string text = to_text(slower);
  EXPECT_THAT(unwrapped(text), HasSubstr("modules that no budget changes took 1.25× their time"));
  EXPECT_THAT(unwrapped(text), HasSubstr("time both again, in turn, on an idle machine"));
  EXPECT_THAT(text, ::testing::ContainsRegex("controls +.* 1.25×\n"));
}

TEST_F(TimeTablesTest, AttentionIsNoControl) {
  for (const Module module : {Module::attention_core, Module::qk_norm_cache}) {
    const Comparison comparison = compare_slowed(module, 0.2);
    ASSERT_TRUE(comparison.files[1].controls);
    EXPECT_DOUBLE_EQ(comparison.files[1].controls->ratio.value, 1);
    EXPECT_THAT(comparison.problems, ::testing::IsEmpty());
  }
}

// A steady machine's own wobble must not be called a fault.
TEST_F(TimeTablesTest, ControlsMayMoveByThreePercent) {
  for (const auto& [factor, moved] : {std::pair(1.029, false), {0.971, false}, {1.04, true}}) {
    Comparison comparison = compare_slowed(std::nullopt, 1);
    TimeFigures before = *comparison.files[0].time;
    before.control_ns = Spread{1000, 1000, 1000, 3};
    TimeFigures after = before;
    after.control_ns = Spread{1000 * factor, 1000 * factor, 1000 * factor, 3};
    EXPECT_EQ(check_controls(before, after)->moved, moved) << factor;
  }
}

// Scale s of layer l takes a time of its own: a sum over the wrong axis would show.
TEST_F(TimeTablesTest, GivesEveryModuleByScaleAndByLayer) {
  const auto paths = testing::write_vanilla_and_ams(folder_, {}, {1}, [](ExampleRun& ams) {
    for (BatchRecord& batch : ams.batches) {
      NdArray<std::int64_t>& ns = batch.timing->layer_ns;
      for (int repeat = 0; repeat < 2; ++repeat) {
        for (int layer = 0; layer < 2; ++layer) {
          for (int scale = 0; scale < 3; ++scale) {
            ns(repeat, layer, scale, static_cast<int>(Module::attention_core)) =
                1000 * (layer + 1) + 10 * scale;
          }
        }
      }
    }
  });
  const Comparison comparison = compare({paths.begin(), paths.end()});
  const nlohmann::json time = to_json(comparison)["files"][1]["time"]["modules"];
  // Two images a batch.
  for (int scale = 0; scale < 3; ++scale) {
    EXPECT_EQ(time["attention_core"]["by_scale"][scale]["median_ns"], (3000 + 20 * scale) / 2);
  }
  for (int layer = 0; layer < 2; ++layer) {
    EXPECT_EQ(time["attention_core"]["by_layer"][layer]["median_ns"],
              (3000 * (layer + 1) + 30) / 2);
  }
  EXPECT_EQ(time["decoder"]["by_scale"].size(), 3U);
  EXPECT_EQ(time["decoder"]["by_layer"].size(), 0U) << "it belongs to no layer";
  EXPECT_EQ(time["self-attention"]["by_layer"].size(), 2U);
  const std::string csv = to_csv(comparison);
  EXPECT_THAT(csv, HasSubstr("\"Time of attention_core by scale, an image\",2,2,ams.h5 median "
                             "[ns],1520\r\n"));
  EXPECT_THAT(csv, HasSubstr("\"Time of attention_core by layer, an image\",1,1,ams.h5 median "
                             "[ns],3015\r\n"));
}

// A range of 0 would look like a measurement that repeats.
TEST_F(ComparisonTablesTest, OneRunHasNoSpread) {
  Comparison comparison = compare_example();
  // Medians of both files, then their ranges.
  const auto row = ::testing::ContainsRegex("end to end( +[0-9.]+ [a-z]+){2} +- ");
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
  const std::string text = to_text(comparison);
  for (const char* row :
       {"scorer( +example-scorer .cccccccc.){2}\n", "samples +4 +4\n",
        "class accuracy +100.0 % +100.0 %\n", "class accuracy, interval( +50.0 % … 100.0 %){2}\n",
        "demo Fréchet distance +- +12.500\n",
        "demo Fréchet distance, interval +- +11.000 … 14.250\n"}) {
    EXPECT_THAT(text, ::testing::ContainsRegex(row));
  }
  const std::string csv = to_csv(comparison);
  EXPECT_THAT(csv, HasSubstr("1,ams.h5,class accuracy low [fraction],0.5\r\n"));
  EXPECT_THAT(csv, HasSubstr("1,ams.h5,demo Fréchet distance high [1],14.25\r\n"));
  const nlohmann::json json = to_json(comparison);
  EXPECT_EQ(json["files"][1]["scores"]["demo_frechet_distance"]["low"], 11);
  EXPECT_TRUE(json["files"][0]["scores"]["demo_frechet_distance"]["low"].is_null());
}

// Files that stand below each other, each with its own lines of figures, nobody can compare.
TEST_F(ComparisonTablesTest, FilesStandBesideEachOther) {
  const std::string text = to_text(compare_example());
  EXPECT_THAT(text, ::testing::ContainsRegex("\n +vanilla.h5 +ams.h5\nkind +run +run\n"));
  EXPECT_THAT(text, HasSubstr("─ logical ─"));
  EXPECT_THAT(text, ::testing::ContainsRegex("scale +tokens( +vanilla.h5 +ams.h5){3}\n"));
  EXPECT_THAT(to_markdown(compare_example()),
              ::testing::ContainsRegex("\n\\| +\\| +vanilla.h5 \\| +ams.h5 \\|\n"));
}

TEST_F(ComparisonTablesTest, FourFilesFitAHundredColumnsAndMoreStandInBlocks) {
  Comparison comparison = compare_example();
  for (const char* name : {"fill.h5", "uniform.h5", "fifth.h5", "sixth.h5"}) {
    comparison.files.push_back(comparison.files[1]);
    comparison.files.back().name = name;
    for (SettingDifference& setting : comparison.settings) setting.values.emplace_back("ams-kv");
  }
  const std::string text = to_text(comparison);
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    const std::string line = text.substr(at, text.find('\n', at) - at);
    EXPECT_LE(character_count(line), 100U) << line;
  }
  EXPECT_THAT(text, ::testing::ContainsRegex("planned logical peak( +[0-9.]+ [KM]iB){6}\n"));
  comparison.files.resize(4);
  for (SettingDifference& setting : comparison.settings) setting.values.resize(4);
  const std::string four = to_text(comparison);
  EXPECT_THAT(four, ::testing::ContainsRegex("kind( +run){4}\n"));
  EXPECT_THAT(four, ::testing::ContainsRegex("class accuracy,( +50.0 % … 100.0 %){4}\ninterval\n"));
}

// A name that is cut could be that of another file.
TEST_F(ComparisonTablesTest, NumbersWithALegendStandForLongNames) {
  Comparison comparison = compare_example();
  const std::string long_name = "runs/of-a-long-name/" + std::string(40, 'x') + "/ams.h5";
  comparison.files[1].name = long_name;
  const std::string text = to_text(comparison);
  EXPECT_THAT(text, ::testing::StartsWith("[1] vanilla.h5\n[2] " + long_name + "\n\nFiles\n"));
  EXPECT_THAT(text, ::testing::ContainsRegex("\n +.1. +.2.\nkind +run +run\n"));
}

TEST_F(ComparisonTablesTest, InBriefTheFiguresThatMatterStandBesideEachOther) {
  const std::vector<TitledTable> tables = {brief_table(compare_example())};
  const std::string text = to_text(tables);
  for (const char* row :
       {"KV cache at its peak +2.50 KiB +1.50 KiB\n", "KV cache, against read +0.0 % +-40.0 %\n",
        "end to end, against baseline +- +no difference seen\n",
        "tokens as the baseline's +- +100.0 %\n", "class accuracy +100.0 % +100.0 %\n",
        "demo Fréchet distance +- +12.500\n"}) {
    EXPECT_THAT(text, ::testing::ContainsRegex(row));
  }
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
