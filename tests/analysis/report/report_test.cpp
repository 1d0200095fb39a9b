#include "analysis/report/report.h"

#include <cstdlib>
#include <fstream>
#include <regex>

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "core/capture/capture_reader.h"
#include "tests/support/example_files.h"

namespace kvscope {
namespace {

using ::testing::AllOf;
using testing::example_run;
using testing::ExampleRun;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::write_run;

/// Writes a capture with statistics, a vanilla run and one under a budget. KVSCOPE_REPORT_OUT keeps
/// the page for the eye.
class ReportTest : public testing::ExampleFiles {
 protected:
  ReportTest() : ExampleFiles({6, {1, 2, 3, 4, 6, 8}, 5, 2, 3}) {
    ExampleRun capture = run_under({});
    add_statistics(capture);
    capture.record.kind = FileKind::analysis;
    write_run(capture, folder_ / "base.analysis.h5");
    BudgetOrigin origin;
    origin.capture_id = capture.record.capture_id;
    origin.choice = "threshold";
    origin.statistic = "cosine-key";
    origin.theta = 0.8;
    testing::write_vanilla_and_ams(folder_, size_, {0, 1, 2}, [&](ExampleRun& ams) {
      ams.record.budget.rule = origin;
      ams.record.cpu_name = "<CPU & co>";
      for (int y = 0; y < 20; ++y) ams.images[1].at(y, y, 0) ^= 64;
    });
  }
};

TEST_F(ReportTest, HasEverySectionInAnyOrderOfFiles) {
  const std::string page =
      render_report({folder_ / "ams.h5", folder_ / "base.analysis.h5", folder_ / "vanilla.h5"});
  if (const char* keep = std::getenv("KVSCOPE_REPORT_OUT")) std::ofstream(keep) << page;
  for (const char* anchor : {"memory", "budget", "layers", "similarity", "attention", "images",
                             "comparison", "settings", "reproduce"}) {
    EXPECT_THAT(page, HasSubstr("<section id=\"" + std::string(anchor) + "\">"));
  }
  EXPECT_THAT(page, HasSubstr("ams.h5 (ams-kv) against vanilla.h5"));
  // 3 of 6 layers keep 1 token instead of 66: (3·66 + 3·1) / (6·66) − 1.
  EXPECT_THAT(page, HasSubstr(">-49.2 %<"));
  EXPECT_THAT(page, HasSubstr("θ = 0.8000"));
  EXPECT_THAT(page, HasSubstr("kvscope run --model MODEL_DIR --samples 5 --batch 2 --seed 7"));
  EXPECT_THAT(page, HasSubstr("--budget budget.json -o ams.h5"));
}

TEST_F(ReportTest, ShowsScoresBesideThoseOfTheBaseline) {
  for (const std::vector<int>& efficient : {std::vector<int>{}, std::vector<int>{1}}) {
    ExampleRun run = run_under(efficient);
    add_scores(run);
    if (!efficient.empty()) run.class_accuracy = {0.8, 0.4, 1};
    write_run(run, folder_ / (efficient.empty() ? "full.h5" : "less.h5"));
  }
  const std::string page = render_report({folder_ / "full.h5", folder_ / "less.h5"});
  EXPECT_THAT(page, HasSubstr("<div class=\"value\">80.0 %</div><div class=\"what\">class accuracy"
                              "</div><div class=\"scope\">5 samples, interval 40.0 % … 100.0 %; "
                              "full.h5: 100.0 % (50.0 % … 100.0 %)"));
  EXPECT_THAT(page, HasSubstr("interval 11.000 … 14.250; full.h5: 12.500 (11.000 … 14.250)"));
  EXPECT_THAT(page, HasSubstr(" --score --budget budget.json -o less.h5"));
}

// Green for a worse picture, or for a change within its interval, would mislead at a glance.
TEST_F(ReportTest, ColoursWhatIsPlainlyBetterOrWorse) {
  for (const std::vector<int>& efficient : {std::vector<int>{}, std::vector<int>{1}}) {
    ExampleRun run = run_under(efficient);
    add_scores(run);
    if (!efficient.empty()) {
      run.class_accuracy = {0.8, 0.4, 1};
      run.demo_frechet_distance = {16, 15, 17};
    }
    write_run(run, folder_ / (efficient.empty() ? "full.h5" : "less.h5"));
  }
  const std::string page = render_report({folder_ / "full.h5", folder_ / "less.h5"});
  EXPECT_THAT(page, HasSubstr("<div class=\"value good\">-16.4 %</div><div class=\"what\">KV"));
  EXPECT_THAT(page, HasSubstr("<div class=\"value bad\">16.000</div>"));
  EXPECT_THAT(page, HasSubstr("<div class=\"value\">80.0 %</div>"));
  EXPECT_THAT(page, HasSubstr("<div class=\"value words\">no difference seen</div>"));
}

TEST_F(ReportTest, WritesNoMarkdownAndOneMinusSign) {
  const std::string page = render_report({folder_ / "vanilla.h5", folder_ / "ams.h5"});
  EXPECT_THAT(page, AllOf(Not(HasSubstr("`")), Not(HasSubstr("−"))));
}

/// What stands between two marks of a page.
std::string between(const std::string& page, const std::string& first, const std::string& last) {
  const std::size_t begin = page.find(first);
  if (begin == std::string::npos) return "";
  return page.substr(begin, page.find(last, begin) - begin);
}

int count(const std::string& page, const std::string& part) {
  int found = 0;
  for (std::size_t at = page.find(part); at != std::string::npos; at = page.find(part, at + 1)) {
    ++found;
  }
  return found;
}

TEST_F(ReportTest, DrawsAndNamesEachBudgetOnce) {
  for (const auto& [name, efficient] :
       {std::pair("less.h5", std::vector{1, 2, 3, 4}), {"less-again.h5", {1, 2, 3, 4}}}) {
    write_run(run_under(efficient), folder_ / name);
  }
  const std::string page = render_report(
      {folder_ / "vanilla.h5", folder_ / "ams.h5", folder_ / "less.h5", folder_ / "less-again.h5"});
  const std::string drawn = between(page, "<section id=\"budget\">", "</section>");
  EXPECT_EQ(count(drawn, "<svg"), 2);
  EXPECT_THAT(drawn, HasSubstr("budget-1.json: policy ams-kv of ams.h5<"));
  EXPECT_THAT(drawn, HasSubstr("budget-2.json: policy ams-kv of less.h5, less-again.h5<"));
  const std::string commands = between(page, "<section id=\"reproduce\">", "</section>");
  EXPECT_THAT(commands, HasSubstr("--budget budget-1.json -o ams.h5"));
  EXPECT_THAT(commands, HasSubstr("--budget budget-2.json -o less.h5"));
  EXPECT_THAT(commands, HasSubstr("--budget budget-2.json -o less-again.h5"));
  EXPECT_EQ(count(commands, "kvscope.budget/1"), 2);
}

TEST_F(ReportTest, PrintsTheCommandsFromCaptureToRun) {
  const CaptureReader analysis(folder_ / "base.analysis.h5");
  testing::write_vanilla_and_ams(folder_, size_, {0, 1, 2}, [&](ExampleRun& ams) {
    BudgetOrigin origin;
    origin.capture_id = analysis.record().capture_id;
    origin.choice = "demanding-layers";
    origin.statistic = "cosine-key";
    origin.demanding_layers = 3;
    ams.record.budget.rule = origin;
  });
  const std::string commands = between(
      render_report({folder_ / "ams.h5", folder_ / "vanilla.h5", folder_ / "base.analysis.h5"}),
      "<pre class=\"commands\">", "</pre>");
  std::size_t last = 0;
  for (const char* command :
       {"kvscope run --model MODEL_DIR ", "kvscope capture --model MODEL_DIR --samples 5 ",
        " --store reduced --compression none -o capture.h5\n",
        "kvscope analyze capture.h5 -o base.analysis.h5\n",
        "kvscope plan base.analysis.h5 --statistic cosine-key --demanding-layers 3 ",
        "--efficient condensed=1,local=0 -o budget.json\n", " --budget budget.json -o ams.h5"}) {
    const std::size_t at = commands.find(command, last);
    ASSERT_NE(at, std::string::npos) << command << " in\n" << commands;
    last = at;
  }
}

/// What the layers section and the maps say beside a budget made like that.
class ReportedRule : public ReportTest {
 protected:
  std::string page_with(const BudgetOrigin& origin) {
    testing::write_vanilla_and_ams(folder_, size_, {0, 1, 2},
                                   [&](ExampleRun& ams) { ams.record.budget.rule = origin; });
    return render_report(
        {folder_ / "vanilla.h5", folder_ / "ams.h5", folder_ / "base.analysis.h5"});
  }
  BudgetOrigin origin_of(const std::string& statistic) const {
    BudgetOrigin origin;
    origin.capture_id = CaptureReader(folder_ / "base.analysis.h5").record().capture_id;
    origin.choice = "demanding-layers";
    origin.statistic = statistic;
    origin.theta = -0.25;
    return origin;
  }
};

TEST_F(ReportedRule, DrawsThetaOfTheStatisticThatItRead) {
  const std::string page = page_with(origin_of("distant-mass"));
  const std::string layers = between(page, "<section id=\"layers\">", "</section>");
  EXPECT_THAT(layers, AllOf(HasSubstr("share of attention"), HasSubstr("θ = 0.2500"),
                            HasSubstr("Layers above θ are demanding"), HasSubstr(">efficient<")));
  EXPECT_THAT(between(page, "<section id=\"similarity\">", "</section>"),
              HasSubstr("The layers of budget.json were chosen by distant-mass, not by this."));
  EXPECT_THAT(between(page, "<section id=\"attention\">", "</section>"),
              HasSubstr("The layers of budget.json were chosen by distant-mass: read from this."));
}

TEST_F(ReportedRule, DrawsNoThetaOfAnotherCapture) {
  BudgetOrigin origin = origin_of("cosine-key");
  for (const std::string& id : {make_uuid(), std::string()}) {
    origin.capture_id = id;
    const std::string page = page_with(origin);
    EXPECT_THAT(page, AllOf(Not(HasSubstr("θ =")), Not(HasSubstr("below θ"))));
    EXPECT_THAT(page, HasSubstr("chosen by cosine-key of another capture than that of "
                                "base.analysis.h5. So no θ of it is drawn."));
    EXPECT_THAT(between(page, "<section id=\"layers\">", "</section>"),
                Not(HasSubstr(">demanding<")));
  }
}

TEST_F(ReportedRule, DrawsThetaOfOneOfTheMergedCaptures) {
  ExampleRun merged = run_under({});
  add_statistics(merged);
  merged.record.kind = FileKind::analysis;
  const std::string second = make_uuid();
  merged.record.source_ids = {merged.record.capture_id, second};
  write_run(merged, folder_ / "base.analysis.h5");
  BudgetOrigin origin = origin_of("cosine-key");
  origin.capture_id = second;
  EXPECT_THAT(page_with(origin), HasSubstr("θ = -0.2500"));
}

TEST_F(ReportedRule, DrawsNoThetaOfAStatisticThatTheFileDoesNotHold) {
  for (const std::string statistic : {"damage", "uniform", "of-tomorrow"}) {
    const std::string page = page_with(origin_of(statistic));
    EXPECT_THAT(page, Not(HasSubstr("θ =")));
    EXPECT_THAT(page, HasSubstr("chosen by " + statistic + ", which base.analysis.h5 does not"));
  }
}

// Target 5 of the example spreads its attention evenly over 6 scales.
TEST_F(ReportTest, DrawsTheAttentionOfEveryLayer) {
  const std::string page = render_report({folder_ / "base.analysis.h5"});
  const std::string attention = between(page, "<section id=\"attention\">", "</section>");
  EXPECT_EQ(count(attention, "<figure>"), size_.depth);
  EXPECT_EQ(count(attention, "target scale 5, source scale 0: 0.1667"), size_.depth);
  EXPECT_THAT(attention, Not(HasSubstr("target scale 5, source scale 5")));
}

TEST_F(ReportTest, SaysOfMergedCapturesThatOnlyOnesSettingsAreKnown) {
  ExampleRun merged = run_under({});
  add_statistics(merged);
  merged.record.kind = FileKind::analysis;
  merged.record.source_ids = {merged.record.capture_id, make_uuid()};
  write_run(merged, folder_ / "merged.h5");
  const std::string page = render_report({folder_ / "vanilla.h5", folder_ / "merged.h5"});
  EXPECT_THAT(page, HasSubstr("# merged.h5 merges 2 captures, 5 samples in all; it keeps the "
                              "settings of the first"));
  EXPECT_THAT(page, HasSubstr("kvscope capture --model MODEL_DIR --samples N "));
  EXPECT_THAT(page, HasSubstr("kvscope analyze capture-1.h5 capture-2.h5 -o merged.h5"));
}

TEST_F(ReportTest, CallsACaptureByItsNameWhenItIsGiven) {
  ExampleRun capture = run_under({});
  add_statistics(capture);
  write_run(capture, folder_ / "base.h5");
  capture.record.kind = FileKind::analysis;
  capture.record.source_ids = {capture.record.capture_id};
  write_run(capture, folder_ / "of-base.h5");
  const std::string page = render_report({folder_ / "base.h5", folder_ / "of-base.h5"});
  EXPECT_THAT(page, HasSubstr("kvscope analyze base.h5 -o of-base.h5"));
  EXPECT_EQ(count(page, "kvscope capture "), 1);
}

// Another start of the list would draw other classes under the same name, and a partial file has
// but the first ones. What samples 2 to 5 of a run of --labels 3,7,1 drew is 1, 3, 7, 1.
TEST_F(ReportTest, PrintsLabelsThatDrawTheSameClasses) {
  ExampleRun run = example_run({6, {1, 2, 3, 4, 6, 8}, 4, 2, 3}, budget({}));
  run.record.settings.first_sample = 2;
  run.batches[0].labels = {1, 3};
  run.batches[1].labels = {7, 1};
  write_run(run, folder_ / "older.h5");
  run.record.settings.labels = {3, 7, 1};
  write_run(run, folder_ / "given.h5");
  run.batches.pop_back();
  write_run(run, folder_ / "killed.h5", false);
  const auto command_of = [&](const std::string& name) {
    return between(render_report({folder_ / name}), "kvscope run --model MODEL_DIR", "</pre>");
  };
  // Sample 2 is the third of the list, sample 4 the first.
  EXPECT_THAT(command_of("older.h5"), HasSubstr(" --labels 7,1,1,3 --batch 2"));
  EXPECT_THAT(command_of("given.h5"), HasSubstr(" --labels 3,7,1 --samples 4 --batch 2"));
  EXPECT_THAT(command_of("killed.h5.partial"), HasSubstr(" --labels 3,7,1 --samples 4 --batch 2"));
}

// A pasted command would run what a file's name says.
TEST_F(ReportTest, QuotesEveryTextInACommand) {
  const std::string name = "my $(id) it's|.h5";
  ExampleRun run = run_under({0, 1, 2});
  BudgetOrigin origin;
  origin.capture_id = "of\nanother";
  origin.choice = "ratio";
  origin.ratio = 0.5;
  origin.statistic = "random:7 $(id)";
  run.record.budget.rule = origin;
  run.record.weights_sha256 = "random:1 | id";
  write_run(run, folder_ / name);
  ExampleRun second = run_under({});
  second.record.weights_sha256 = run.record.weights_sha256;
  add_statistics(second);
  write_run(second, folder_ / "-o.h5");
  const std::string commands = between(render_report({folder_ / name, folder_ / "-o.h5"}),
                                       "<pre class=\"commands\">", "</pre>");
  // &#39; is the quote.
  for (const char* quoted :
       {"-o &#39;my $(id) it&#39;\\&#39;&#39;s|.h5&#39;\n", "-o ./-o.h5\n",
        "--statistic &#39;random:7 $(id)&#39;", "--random-weights &#39;1 | id&#39;",
        "capture $&#39;of\\012another&#39;, not among"}) {
    EXPECT_THAT(commands, HasSubstr(quoted));
  }
}

TEST_F(ReportTest, LeavesOutAPlanThatIsNotKnown) {
  const std::string page = render_report({folder_ / "vanilla.h5", folder_ / "ams.h5"});
  EXPECT_THAT(page, HasSubstr("kvscope plan ANALYSIS.h5 --statistic cosine-key --threshold 0.8"));
  EXPECT_THAT(page, HasSubstr("# ANALYSIS.h5: of capture " +
                              CaptureReader(folder_ / "base.analysis.h5").record().capture_id +
                              ", not among these files."));
  write_run(run_under({1}), folder_ / "hand.h5");
  const std::string by_hand = render_report({folder_ / "vanilla.h5", folder_ / "hand.h5"});
  EXPECT_THAT(by_hand, Not(HasSubstr("kvscope plan")));
  EXPECT_THAT(by_hand, HasSubstr("# budget.json: how it was made is not known"));
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
  ExampleRun lossy = run_under({1});
  lossy.batches[0].losses[LossCounter::dropped_timings] = 3;
  write_run(lossy, folder_ / "lossy.h5");
  const std::string page = render_report({folder_ / "vanilla.h5", folder_ / "lossy.h5"});
  EXPECT_LT(page.find("3 dropped_timings"), page.find("<div class=\"tiles\">"));
}

TEST_F(ReportTest, RefusesStatisticsOfAnotherModel) {
  ExampleRun other = run_under({});
  add_statistics(other);
  other.record.kind = FileKind::analysis;
  other.record.weights_sha256 = std::string(64, 'b');
  write_run(other, folder_ / "other.analysis.h5");
  EXPECT_THROW(render_report({folder_ / "vanilla.h5", folder_ / "other.analysis.h5"}), BadInput);
}

TEST_F(ReportTest, RepeatsTheSeedOfRandomWeights) {
  ExampleRun random = run_under({});
  random.record.weights_sha256 = "random:17";
  write_run(random, folder_ / "random.h5");
  EXPECT_THAT(render_report({folder_ / "random.h5"}), HasSubstr(" --random-weights 17"));
}

// At 400 px a chart of 900 px had letters of 5 px, and a digest pushed the page
// wide.
TEST_F(ReportTest, FitsAPhone) {
  const std::string page =
      render_report({folder_ / "vanilla.h5", folder_ / "ams.h5", folder_ / "base.analysis.h5"});
  const std::regex picture("<svg[^>]* width=\"([0-9]+)\"[^>]*>");
  int pictures = 0;
  for (std::sregex_iterator each(page.begin(), page.end(), picture), end; each != end; ++each) {
    const int width = std::stoi((*each)[1]);
    // Letters of 17 px at 368 / 560 are of 11 px.
    EXPECT_LE(width, 560);
    EXPECT_EQ(each->str().find("class=\"wide\"") != std::string::npos, width > 360) << each->str();
    ++pictures;
  }
  EXPECT_GE(pictures, 10);
  EXPECT_EQ(count(page, "<table>"), count(page, "<div class=\"scroll\" tabindex=\"0\"><table>"));
  EXPECT_THAT(page, AllOf(HasSubstr("body { margin: 0; overflow-wrap: break-word;"),
                          HasSubstr("100% no-repeat local"), HasSubstr("100% no-repeat scroll"),
                          HasSubstr("svg.wide text.small { font-size: 17px; }"),
                          HasSubstr("minmax(min(320px, 100%), 1fr)")));
}

// A printed page has nothing to unfold or scroll.
TEST_F(ReportTest, PrintsWhole) {
  const std::string page = render_report({folder_ / "vanilla.h5", folder_ / "ams.h5"});
  EXPECT_THAT(page, Not(HasSubstr("<details")));
  EXPECT_THAT(page, HasSubstr("kvscope.budget/1"));
  const std::string print = between(page, "@media print", "</style>");
  EXPECT_THAT(print, AllOf(HasSubstr("h1, h2, h3, .pair, thead"), HasSubstr("break-after: avoid"),
                           HasSubstr(".scroll, .long-text { overflow: visible; max-height: none;"),
                           HasSubstr("overflow-wrap: anywhere")));
}

TEST_F(ReportTest, ShowsTheAttentionCoreByScaleAndByLayer) {
  // On one CPU, so that the times compare.
  testing::write_vanilla_and_ams(folder_, size_, {0, 1, 2}, [](ExampleRun&) {});
  const std::string page = render_report({folder_ / "vanilla.h5", folder_ / "ams.h5"});
  const std::string time = between(page, "<section id=\"time\">", "</section>");
  EXPECT_THAT(time, AllOf(HasSubstr("Time of attention_core by scale, an image"),
                          HasSubstr("Time of attention_core by layer, an image")));
  EXPECT_EQ(count(time, "<svg"), 2);
  // Median of passes of 110 to 150 units: 130, 6 layers, 2 images.
  EXPECT_THAT(time, HasSubstr("<title>vanilla.h5, scale 5: 390 ns</title>"));
  EXPECT_THAT(time, HasSubstr("<title>ams.h5, layer 5: 390 ns</title>"));
}

TEST_F(ReportTest, FlagsTimesWhoseControlsMoved) {
  testing::write_vanilla_and_ams(folder_, size_, {0, 1, 2}, [](ExampleRun& ams) {
    for (BatchRecord& batch : ams.batches) {
      for (std::int64_t& ns : batch.timing->layer_ns.data) ns *= 2;
      for (std::int64_t& ns : batch.timing->batch_ns.data) ns *= 2;
    }
  });
  const std::string page = render_report({folder_ / "vanilla.h5", folder_ / "ams.h5"});
  EXPECT_THAT(between(page, "id=\"losses\"", "</div>\n"),
              HasSubstr("modules that no budget changes took 2.00× their time"));
  EXPECT_THAT(page, HasSubstr("<div class=\"value\">2.00×</div><div class=\"what\">time an image"));
  EXPECT_THAT(page, HasSubstr("the controls moved, see above"));
}

// Lost without it: bytes of one batch under the caption of another.
TEST_F(ReportTest, DrawsOnlyBytesOfOneBatchTogether) {
  testing::write_vanilla_and_ams(folder_, size_, {0, 1, 2}, [](ExampleRun& ams) {
    for (BatchRecord& batch : ams.batches) batch.ledger.value_element_bytes = 2;
  });
  const std::string page = render_report({folder_ / "vanilla.h5", folder_ / "ams.h5"});
  const std::string memory = between(page, "id=\"memory\"", "</section>");
  EXPECT_THAT(memory, HasSubstr("element sizes are others: ams.h5"));
  EXPECT_THAT(memory, Not(HasSubstr("ams.h5, scale")));
}

TEST_F(ReportTest, SaysWhatTheEfficientLayersOfItsBudgetDrop) {
  const std::string page =
      render_report({folder_ / "vanilla.h5", folder_ / "ams.h5", folder_ / "base.analysis.h5"});
  EXPECT_THAT(
      between(page, "<section id=\"attention\">", "</section>"),
      HasSubstr("The efficient layers of budget.json read only the first scale and drop all "
                "others, the one before the target too."));
}

TEST_F(ReportTest, NeedsAFile) { EXPECT_THROW(render_report({}), UsageError); }

}  // namespace
}  // namespace kvscope
