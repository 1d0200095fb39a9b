#include "analysis/compare/comparison.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "analysis/compare/loaded_capture.h"
#include "core/base/error.h"
#include "core/capture/capture_reader.h"
#include "core/image/fidelity.h"
#include "tests/support/example_files.h"

namespace kvscope {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::DoubleEq;
using ::testing::ElementsAre;
using testing::ExampleRun;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::write_run;

/// A vanilla run and one under a budget in which layer 1 keeps scale 0 only. `change` edits the
/// second before both are written.
class ComparisonTest : public testing::ExampleFiles {
 protected:
  Comparison compare_changed(const std::function<void(ExampleRun&)>& change, bool finish = true) {
    const std::vector<std::string> paths =
        testing::write_vanilla_and_ams(folder_, {}, {1}, change, finish);
    return compare({paths.begin(), paths.end()});
  }
};

std::string reason_for(const Comparison& comparison, const std::string& what) {
  for (const NotComparable& item : comparison.not_comparable) {
    if (item.what == what) return item.why;
  }
  return "";
}

// A token of the example takes 2 heads · 4 channels · 4 rows · (4 + 4) B = 256 B. Scales of 1, 4
// and 9 tokens; the last is never read.
TEST_F(ComparisonTest, CountsBytesAgainstBothDenominators) {
  const Comparison comparison = compare_changed([](ExampleRun&) {});
  EXPECT_EQ(comparison.read_bytes, 2 * 5 * 256);
  EXPECT_EQ(comparison.final_bytes, 2 * 14 * 256);
  EXPECT_DOUBLE_EQ(comparison.vanilla_change_of_final, 10.0 / 28 - 1);
  const MemoryFigures& vanilla = comparison.files[0].memory;
  EXPECT_THAT(vanilla.logical_bytes, ElementsAre(2 * 256, 10 * 256, 0));
  EXPECT_EQ(vanilla.planned_peak_bytes, 10 * 256);
  EXPECT_DOUBLE_EQ(vanilla.change_of_read, 0);
  EXPECT_DOUBLE_EQ(vanilla.change_of_final, 10.0 / 28 - 1);
  const MemoryFigures& ams = comparison.files[1].memory;
  EXPECT_THAT(ams.logical_bytes, ElementsAre(2 * 256, 6 * 256, 0));
  EXPECT_EQ(ams.planned_peak_bytes, 6 * 256);
  EXPECT_DOUBLE_EQ(ams.change_of_read, 6.0 / 10 - 1);
  EXPECT_DOUBLE_EQ(ams.change_of_final, 6.0 / 28 - 1);
  // Layers hold what they held before and the current scale; one shared buffer holds it once more.
  EXPECT_THAT(ams.resident_bytes, ElementsAre(3 * 256, (2 + 3 * 4) * 256, (6 + 3 * 9) * 256));
  EXPECT_EQ(ams.transient_peak_bytes, 33 * 256);
  EXPECT_THAT(comparison.problems, IsEmpty());
  EXPECT_THAT(comparison.not_comparable, IsEmpty());
}

TEST_F(ComparisonTest, ReducesInTheShapeOfTheBaseline) {
  // Half the element size must not look like a smaller cache.
  const Comparison comparison = compare_changed([](ExampleRun& run) {
    for (BatchRecord& batch : run.batches) {
      batch.ledger.key_element_bytes = batch.ledger.value_element_bytes = 2;
      for (auto* bytes : {&batch.ledger.logical_bytes, &batch.ledger.resident_bytes,
                          &batch.ledger.transient_bytes, &batch.ledger.shared_bytes}) {
        for (std::int64_t& value : bytes->data) value /= 2;
      }
    }
  });
  EXPECT_DOUBLE_EQ(comparison.files[1].memory.change_of_read, 6.0 / 10 - 1);
  EXPECT_EQ(comparison.files[1].memory.planned_peak_bytes, 6 * 256);
  EXPECT_EQ(comparison.files[1].memory.logical_peak_bytes, 3 * 256);
  EXPECT_THAT(reason_for(comparison, "measured bytes"), HasSubstr("element sizes"));
  EXPECT_THAT(comparison.problems, IsEmpty());
}

TEST_F(ComparisonTest, TakesMediansWithoutTheFirstPass) {
  const Comparison comparison = compare_changed([](ExampleRun& run) {
    for (BatchRecord& batch : run.batches) {
      for (std::int64_t& ns : batch.timing->batch_ns.data) ns /= 2;
    }
  });
  // Passes take 100, 110, 120, 130 units; without the first the median is 120, quartiles 115, 125.
  const TimeFigures& time = *comparison.files[0].time;
  EXPECT_TRUE(time.first_pass_excluded);
  const Spread& core = time.find("attention_core")->ns;
  EXPECT_EQ(core.count, 3);
  EXPECT_DOUBLE_EQ(core.median, 6 * 120 / 2.);  // 2 layers · 3 scales, of 2 images
  EXPECT_DOUBLE_EQ(core.lower_quartile, 6 * 115 / 2.);
  EXPECT_DOUBLE_EQ(core.upper_quartile, 6 * 125 / 2.);
  EXPECT_DOUBLE_EQ(time.find("self-attention")->ns.median, 4 * 6 * 120 / 2.);
  EXPECT_DOUBLE_EQ(time.find("head")->ns.median, 21 / 2.);
  EXPECT_EQ(time.find("sampling"), nullptr);
  EXPECT_DOUBLE_EQ(time.image_ns.median, 120e6 / 2);
  EXPECT_DOUBLE_EQ(comparison.files[1].time->image_ns.median, 120e6 / 4);
}

TEST_F(ComparisonTest, KeepsTheFirstPassAfterAWarmUp) {
  const Comparison comparison =
      compare_changed([](ExampleRun& run) { run.record.settings.warmup = 1; });
  EXPECT_EQ(comparison.files[1].time->image_ns.count, 4);
  EXPECT_DOUBLE_EQ(comparison.files[1].time->image_ns.median, 115e6 / 2);
}

/// The first sample of a batch alone, in half the time.
BatchRecord shortened(BatchRecord batch) {
  batch.labels.resize(1);
  batch.seeds.resize(1);
  for (auto* shape : {&batch.token_ids.shape, &batch.preview.shape}) shape->front() = 1;
  batch.token_ids.data.resize(batch.token_ids.data.size() / 2);
  batch.preview.data.resize(batch.preview.data.size() / 2);
  for (std::int64_t& ns : batch.timing->batch_ns.data) ns /= 2;
  for (std::int64_t& ns : batch.timing->layer_ns.data) ns /= 2;
  return batch;
}

// A merge of two runs whose samples are no multiple of the batch has a short batch in its middle.
// As a full one it would pass for a faster run.
TEST_F(ComparisonTest, TimesFullBatchesOnlyWhereverAShortOneStands) {
  const auto with_short_batch_at = [&](std::ptrdiff_t position) {
    const Comparison comparison = compare_changed([&](ExampleRun& run) {
      run.batches.insert(run.batches.begin() + position, shortened(run.batches[0]));
      run.record.settings.samples = 5;
      run.layout.batches = 3;
    });
    return *comparison.files[1].time;
  };
  const TimeFigures middle = with_short_batch_at(1);
  EXPECT_TRUE(middle.first_pass_excluded);
  EXPECT_EQ(middle.image_ns.count, 3);
  EXPECT_DOUBLE_EQ(middle.image_ns.median, 120e6 / 2);
  EXPECT_DOUBLE_EQ(middle.find("attention_core")->ns.lower_quartile, 6 * 115 / 2.);
  const TimeFigures last = with_short_batch_at(2);
  EXPECT_EQ(last.image_ns.count, 3);
  EXPECT_DOUBLE_EQ(last.image_ns.median, 120e6 / 2);
  // The first pass of the process was one of the short batch.
  const TimeFigures first = with_short_batch_at(0);
  EXPECT_FALSE(first.first_pass_excluded);
  EXPECT_EQ(first.image_ns.count, 4);
  EXPECT_DOUBLE_EQ(first.image_ns.median, 115e6 / 2);
}

TEST_F(ComparisonTest, CountsEqualTokens) {
  const Comparison comparison = compare_changed([](ExampleRun& run) {
    run.batches[0].token_ids(0, 0) += 1;
    run.batches[1].token_ids(1, 13) += 1;
    run.batches[1].token_ids(1, 12) += 1;
  });
  const TokenAgreement& tokens = *comparison.files[1].tokens;
  EXPECT_EQ(tokens.samples, 4);
  EXPECT_THAT(tokens.by_scale, ElementsAre(DoubleEq(3.0 / 4), DoubleEq(1), DoubleEq(34.0 / 36)));
  EXPECT_DOUBLE_EQ(tokens.overall, 53.0 / 56);
}

TEST_F(ComparisonTest, ScoresImagesAndCountsIdenticalOnesApart) {
  // One value of 12·12·3 off by 12, and one image inverted.
  const Comparison comparison = compare_changed([](ExampleRun& run) {
    run.images[1].at(3, 4, 0) ^= 8;
    for (std::uint8_t& value : run.images[2].rgb) value = static_cast<std::uint8_t>(255 - value);
  });
  const ImageFidelity& images = *comparison.files[1].images;
  EXPECT_EQ(images.images.size(), 4U);
  EXPECT_EQ(images.identical, 2);
  EXPECT_FALSE(images.images[0].psnr_db);
  const double first = 10 * std::log10(65025.0 * 432 / 64);
  EXPECT_DOUBLE_EQ(*images.images[1].psnr_db, first);
  EXPECT_DOUBLE_EQ(*images.psnr_mean_db, (first + *images.images[2].psnr_db) / 2);
  EXPECT_LT(*images.images[2].ssim, 0);
  EXPECT_LT(*images.ssim_mean, 1);
}

TEST_F(ComparisonTest, SaysWhichPicturesAreMissing) {
  const Comparison comparison = compare_changed([](ExampleRun& run) { run.images.pop_back(); });
  EXPECT_EQ(comparison.files[1].images->unreadable, 1);
  EXPECT_EQ(comparison.files[1].images->images.size(), 3U);
  EXPECT_THAT(reason_for(comparison, "1 images"), HasSubstr("no such file"));
}

TEST_F(ComparisonTest, LeavesOutPicturesThatAreNotFinite) {
  const auto spoil = [](std::vector<std::int64_t> values) {
    return [values](ExampleRun& run) {
      run.layout.parts.insert(Part::image_check);
      for (BatchRecord& batch : run.batches) batch.nonfinite_image_values = values;
    };
  };
  const Comparison half = compare_changed(spoil({0, 5}));
  EXPECT_EQ(half.files[1].images->nonfinite, 2);
  EXPECT_EQ(half.files[1].images->images.size(), 2U);
  EXPECT_THAT(reason_for(half, "2 images"), HasSubstr("NaN or infinity"));
  const Comparison none = compare_changed(spoil({5, 5}));
  EXPECT_FALSE(none.files[1].images);
  EXPECT_THAT(reason_for(none, "images"), HasSubstr("all 4 samples"));
}

TEST_F(ComparisonTest, GoesOnWithoutAnyPicture) {
  const Comparison comparison = compare_changed([](ExampleRun& run) { run.images.clear(); });
  EXPECT_FALSE(comparison.files[1].images);
  EXPECT_TRUE(comparison.files[1].tokens);
  EXPECT_THAT(reason_for(comparison, "images"), HasSubstr("no such file"));
}

struct DrawCase {
  const char* name;
  std::function<void(ExampleRun&)> change;
  const char* reason;
};

TEST_F(ComparisonTest, RefusesTokensAndImagesOfOtherDraws) {
  const std::vector<DrawCase> cases = {
      {"rng", [](ExampleRun& run) { run.record.settings.rng = RandomMode::per_sample; },
       "different random generators: official and per-sample"},
      {"seed", [](ExampleRun& run) { run.record.settings.seed = 8; }, "different seeds: 7 and 8"},
      {"cfg", [](ExampleRun& run) { run.record.settings.cfg = 4; }, "different cfg: 1.5 and 4"},
      {"top_k", [](ExampleRun& run) { run.record.settings.top_k = 3; }, "different top-k: 0 and 3"},
      {"top_p", [](ExampleRun& run) { run.record.settings.top_p = 0.5; },
       "different top-p: 0 and 0.5"},
      {"smooth", [](ExampleRun& run) { run.record.settings.more_smooth = true; },
       "different more_smooth"},
      {"labels", [](ExampleRun& run) { run.batches[1].labels[0] = 0; }, "different labels"},
      {"seeds", [](ExampleRun& run) { run.batches[1].seeds[0] = 0; }, "different seeds of samples"},
      {"first", [](ExampleRun& run) { run.record.settings.first_sample = 4; },
       "no sample in both files: 0 … 3 and 4 … 7"},
      {"device", [](ExampleRun& run) { run.record.settings.device = "cuda:0"; },
       "different devices under --rng official: cpu and cuda:0"},
  };
  for (const DrawCase& each : cases) {
    SCOPED_TRACE(each.name);
    const Comparison comparison = compare_changed(each.change);
    EXPECT_EQ(reason_for(comparison, "tokens"), each.reason);
    EXPECT_EQ(reason_for(comparison, "images"), each.reason);
    EXPECT_FALSE(comparison.files[1].tokens);
  }
}

// A run that was stopped, or a longer one, shares the samples before; but the official generator
// gives a shorter batch other numbers.
TEST_F(ComparisonTest, ComparesTheSamplesThatBothFilesHave) {
  const auto compared = [&](RandomMode rng) {
    ExampleRun run = run_under({});
    run.record.settings.rng = rng;
    write_run(run, folder_ / "whole.h5");
    run.batches[1] = shortened(run.batches[1]);
    run.images.pop_back();
    run.record.settings.samples = 3;
    write_run(run, folder_ / "short.h5");
    std::vector<CaptureReader> files;
    for (const char* name : {"whole.h5", "short.h5"}) files.emplace_back(folder_ / name);
    return compare(files).files[1];
  };
  EXPECT_EQ(compared(RandomMode::per_sample).tokens->samples, 3);
  EXPECT_EQ(compared(RandomMode::official).tokens->samples, 2);
  EXPECT_EQ(compared(RandomMode::official).images->images.size(), 2U);
}

// Two shards overlap, or one run began later: what both drew is compared, sample by sample.
TEST_F(ComparisonTest, ComparesOverlappingRangesByTheirCommonSamples) {
  const auto compared = [&](RandomMode rng, std::int64_t first_of_second, int batch) {
    size_ = {.samples = 8, .batch = 2};
    std::vector<CaptureReader> files;
    const ExampleRun whole = run_under({});
    for (const std::int64_t first : {std::int64_t{0}, first_of_second}) {
      ExampleRun run = whole;
      run.record.settings.rng = rng;
      run.record.settings.first_sample = first;
      run.record.settings.samples = 8 - first;
      run.layout.batches = run.record.settings.samples / 2;
      run.batches.erase(run.batches.begin(), run.batches.begin() + first / 2);
      run.images.erase(run.images.begin(), run.images.begin() + first);
      if (batch == 1 && first > 0) run.record.settings.batch = 1;
      const std::string path = folder_ / fmt::format("{}.h5", first);
      write_run(run, path);
      files.emplace_back(path);
    }
    return compare(files).files[1];
  };
  for (const RandomMode rng : {RandomMode::official, RandomMode::per_sample}) {
    const ComparedFile file = compared(rng, 4, 2);
    ASSERT_TRUE(file.images) << file.images.reason;
    EXPECT_EQ(file.tokens->samples, 4);
    EXPECT_EQ(file.tokens->overall, 1) << "of other samples they would differ";
    EXPECT_EQ(file.images->identical, 4);
    EXPECT_EQ(file.images->images[0].sample, 4);
    EXPECT_EQ(file.images->images[0].baseline_position, 4);
    EXPECT_EQ(file.images->images[0].file_position, 0);
  }
  EXPECT_EQ(compared(RandomMode::official, 4, 1).tokens.reason,
            "different batches under --rng official: 2 and 1");
}

// An analysis of nothing but the report would say that nothing was lost.
TEST_F(ComparisonTest, SaysThatImagesAreAbsentOrOfAnotherFile) {
  write_vanilla_and_ams(folder_, {}, {}, [](ExampleRun&) {});
  const auto problem = [&] {
    const std::vector<DataProblem> found =
        data_problems(LoadedCapture(CaptureReader(folder_ / "ams.h5")), "ams");
    return found.empty() ? "" : found.front().what + ": " + found.front().advice;
  };
  EXPECT_EQ(problem(), "");
  std::filesystem::remove_all(folder_ / "ams.images");
  EXPECT_THAT(problem(), HasSubstr("4 of 4 images are absent"));
  EXPECT_THAT(problem(), HasSubstr("ams.images/000000.png"));
  std::filesystem::copy(folder_ / "vanilla.images", folder_ / "ams.images");
  EXPECT_THAT(problem(), HasSubstr("4 of 4 images are of another capture or sample"));
  std::vector<CaptureReader> files;
  for (const char* name : {"vanilla.h5", "ams.h5"}) files.emplace_back(folder_ / name);
  const Comparison comparison = compare(files);
  EXPECT_FALSE(comparison.files[1].images) << "they would look identical";
  EXPECT_THAT(comparison.files[1].images.reason,
              HasSubstr("got that of capture " + files[0].record().capture_id));
}

TEST_F(ComparisonTest, RefusesLatencyUnderOtherConditions) {
  const std::vector<DrawCase> cases = {
      {"collectors", [](ExampleRun& run) { run.record.settings.collectors = {"timing"}; },
       "different collectors: [ledger, timing] and [timing] (what is collected takes time: run "
       "both alike, and score later with 'kvscope score')"},
      {"store", [](ExampleRun& run) { run.record.settings.store = KvStore::reduced; },
       "different K/V store: none and reduced"},
      {"cpu", [](ExampleRun& run) { run.record.cpu_name = "Other"; },
       "different CPUs: Example CPU and Other"},
      {"dtype", [](ExampleRun& run) { run.record.settings.dtype = "bf16"; },
       "different dtypes: fp32 and bf16"},
      {"threads", [](ExampleRun& run) { run.record.settings.threads = 1; },
       "different threads: 2 and 1"},
  };
  for (const DrawCase& each : cases) {
    SCOPED_TRACE(each.name);
    const Comparison comparison = compare_changed(each.change);
    EXPECT_EQ(reason_for(comparison, "latency"), each.reason);
  }
}

TEST_F(ComparisonTest, RefusesLatencyWhenOtherRawKvIsWritten) {
  ExampleRun run = run_under({});
  run.record.settings.store = KvStore::raw;
  write_run(run, folder_ / "a.h5");
  run.record.settings.compression = "deflate:1";
  write_run(run, folder_ / "b.h5");
  run.record.settings.compression = "none";
  run.record.settings.keep.layers = {1};
  write_run(run, folder_ / "c.h5");
  std::vector<CaptureReader> files;
  for (const char* name : {"a.h5", "b.h5", "c.h5"}) files.emplace_back(folder_ / name);
  const Comparison comparison = compare(files);
  EXPECT_EQ(comparison.files[1].latency_reason, "different compression: none and deflate:1");
  EXPECT_EQ(comparison.files[2].latency_reason, "different parts of K and V kept");
}

TEST_F(ComparisonTest, SaysWhenAFileHasNoTimings) {
  const Comparison comparison = compare_changed([](ExampleRun& run) {
    run.layout.parts.erase(Part::timing);
    for (BatchRecord& batch : run.batches) batch.timing.reset();
  });
  EXPECT_FALSE(comparison.files[1].time);
  EXPECT_EQ(reason_for(comparison, "latency"), "the file has no timings");
}

TEST_F(ComparisonTest, ListsSettingsThatDiffer) {
  const Comparison comparison =
      compare_changed([](ExampleRun& run) { run.record.settings.threads = 1; });
  std::vector<std::string> fields;
  for (const SettingDifference& setting : comparison.settings) fields.push_back(setting.field);
  EXPECT_THAT(fields, ElementsAre("policy", "threads"));
  EXPECT_THAT(comparison.settings[0].values, ElementsAre("vanilla", "ams-kv"));
}

TEST_F(ComparisonTest, ListsTwoBudgetsOfOnePolicy) {
  write_run(run_under({0}), folder_ / "a.h5");
  write_run(run_under({0, 1}), folder_ / "b.h5");
  std::vector<CaptureReader> files;
  files.emplace_back(folder_ / "a.h5");
  files.emplace_back(folder_ / "b.h5");
  const Comparison comparison = compare(files);
  ASSERT_EQ(comparison.settings.size(), 1U);
  EXPECT_EQ(comparison.settings[0].field, "budget");
  EXPECT_THAT(comparison.settings[0].values,
              ElementsAre(HasSubstr("no. 1: 1 of 2 layers demanding, planned peak"),
                          HasSubstr("no. 2: 0 of 2 layers demanding, planned peak")));
}

TEST_F(ComparisonTest, PutsLossesOnTop) {
  const Comparison comparison = compare_changed(
      [](ExampleRun& run) { run.batches[0].losses[LossCounter::dropped_timings] = 3; });
  ASSERT_EQ(comparison.problems.size(), 1U);
  EXPECT_EQ(comparison.problems[0].file, "ams.h5");
  EXPECT_EQ(comparison.problems[0].what, "3 dropped_timings");
}

TEST_F(ComparisonTest, ComparesTheCommittedSamplesOfAPartialFile) {
  const Comparison comparison =
      compare_changed([](ExampleRun& run) { run.batches.pop_back(); }, false);
  EXPECT_EQ(comparison.files[1].samples, 2);
  EXPECT_EQ(comparison.files[1].tokens->samples, 2);
  EXPECT_THAT(comparison.problems,
              Contains(Field(&DataProblem::what, "incomplete: 2 of 4 samples")));
}

TEST_F(ComparisonTest, RefusesAFileWithoutACommittedSample) {
  EXPECT_THROW(compare_changed([](ExampleRun& run) { run.batches.clear(); }, false), BadInput);
}

TEST_F(ComparisonTest, NoticesALedgerThatDisobeysTheBudget) {
  const Comparison comparison =
      compare_changed([](ExampleRun& run) { run.batches[0].ledger.logical_bytes(1, 1) += 256; });
  EXPECT_THAT(comparison.problems, Contains(Field(&DataProblem::what, HasSubstr("ledger"))));
}

TEST_F(ComparisonTest, RefusesAnotherModel) {
  const auto message = [&](const std::function<void(ExampleRun&)>& change) -> std::string {
    try {
      compare_changed(change);
    } catch (const BadInput& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message([](ExampleRun& run) { run.record.model.classes = 9; }),
              AllOf(HasSubstr("classes"), HasSubstr("ams.h5"),
                    HasSubstr("captures of different models given to compare")));
  EXPECT_THAT(message([](ExampleRun& run) { run.record.weights_sha256 = std::string(64, 'b'); }),
              HasSubstr("captures of different models given to compare"));
}

TEST_F(ComparisonTest, NeedsTwoFiles) { EXPECT_THROW(compare({}), UsageError); }

}  // namespace
}  // namespace kvscope
