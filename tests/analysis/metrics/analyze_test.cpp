#include "analysis/metrics/analyze.h"

#include <bit>
#include <cmath>
#include <filesystem>

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analysis/metrics/similarity.h"
#include "core/base/error.h"
#include "core/capture/capture_reader.h"
#include "tests/support/example_capture.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Bits, so that NaN equals itself.
std::vector<std::uint64_t> bits(const NdArray<double>& array) {
  std::vector<std::uint64_t> out;
  for (const double value : array.data) out.push_back(std::bit_cast<std::uint64_t>(value));
  return out;
}

void expect_equal_statistics(const std::string& a, const std::string& b) {
  const Statistics left = CaptureReader(a).statistics().value();
  const Statistics right = CaptureReader(b).statistics().value();
  EXPECT_EQ(left.samples, right.samples);
  for (std::size_t k = 0; k < 4; ++k) {
    EXPECT_EQ(bits(left.similarity.arrays[k]), bits(right.similarity.arrays[k]));
    EXPECT_EQ(bits(left.layer_statistic.arrays[k]), bits(right.layer_statistic.arrays[k]));
  }
  for (std::size_t k = 0; k < 2; ++k) EXPECT_EQ(bits(left.norm[k]), bits(right.norm[k]));
  EXPECT_EQ(bits(left.mass), bits(right.mass));
  EXPECT_EQ(bits(left.density), bits(right.density));
}

/// A capture of `batches` batches with about 1 MB of sums each.
void write_wide_capture(const std::string& path, int batches) {
  const testing::ExampleSize size{
      .depth = 128, .patch_nums = {1, 2, 3, 4, 5, 6, 8, 10, 13, 16}, .samples = 1, .batch = 1};
  testing::ExampleRun run =
      testing::example_run(size, testing::example_budget(testing::example_model(size), {}));
  add_statistics(run);
  run.record.settings.samples = batches;
  run.layout.batches = batches;
  CaptureWriter writer(path, run.record, run.layout, false);
  for (int batch = 0; batch < batches; ++batch) writer.commit(run.batches.front());
  writer.finish();
}

/// Peak resident set in bytes of a child process that analyzes the file.
std::int64_t peak_rss_of_analyzing(const std::string& input, const std::string& output) {
  const pid_t child = fork();
  if (child == 0) {
    analyze({input}, output, {});
    _exit(0);
  }
  int status = -1;
  rusage usage{};
  EXPECT_EQ(wait4(child, &status, 0, &usage), child);
  EXPECT_EQ(status, 0);
  return std::int64_t{usage.ru_maxrss} * 1024;
}

class Analyze : public ::testing::Test {
 protected:
  std::string capture(const std::string& name, std::int64_t first, std::int64_t count) {
    const std::string path = folder_ / name;
    testing::write_tiny_capture(path, first, count);
    return path;
  }

  testing::TempDir folder_;
};

TEST_F(Analyze, GivesTheMeanOfTheSimilarityOfEverySample) {
  const std::string input = capture("a.h5", 0, 2);
  const std::string output = folder_ / "out.h5";
  analyze({input}, output, {});
  const CaptureReader raw(input);
  const ModelConfig& model = raw.record().model;
  const InterScaleSimilarity similarity(model.schedule(), model.head_dim());
  const NdArray<float> value = raw.raw_kv(KvTensor::value, 1, 0, 4);
  double expected = 0;
  for (int sample = 0; sample < 4; ++sample)
    expected += similarity.of_head(&value(sample, 0, 1, 0, 0)).neg_l2[2 * 3 + 1] / 4;
  const CaptureReader reader(output);
  const Statistics statistics = reader.statistics().value();
  EXPECT_DOUBLE_EQ(statistics.similarity(Metric::neg_l2, KvTensor::value)(1, 1, 2, 1), expected);
  EXPECT_TRUE(std::isnan(statistics.similarity(Metric::cosine, KvTensor::key)(0, 0, 1, 1)));
  EXPECT_DOUBLE_EQ(statistics.mass(1, 1, 2, 0), (0.1 + 0.2) / 4);
  EXPECT_EQ(statistics.samples, 4);
}

// Work split over several processes would otherwise give other layer classes than one run.
TEST_F(Analyze, MergesCapturesToTheBytesOfOneRun) {
  const std::string first = capture("first.h5", 0, 2);
  const std::string second = capture("second.h5", 2, 2);
  const std::string whole = capture("whole.h5", 0, 4);
  analyze({first, second}, folder_ / "merged.h5", {});
  analyze({whole}, folder_ / "one.h5", {});
  expect_equal_statistics(folder_ / "merged.h5", folder_ / "one.h5");

  analyze({first}, folder_ / "first.analysis.h5", {});
  analyze({second}, folder_ / "second.analysis.h5", {});
  analyze({folder_ / "first.analysis.h5", folder_ / "second.analysis.h5"},
          folder_ / "of_analyses.h5", {});
  expect_equal_statistics(folder_ / "of_analyses.h5", folder_ / "one.h5");
}

TEST_F(Analyze, DoesNotDependOnTheNumberOfThreads) {
  const std::string input = capture("a.h5", 0, 3);
  analyze({input}, folder_ / "one.h5", {.threads = 1});
  analyze({input}, folder_ / "four.h5", {.threads = 4});
  expect_equal_statistics(folder_ / "one.h5", folder_ / "four.h5");
}

// A capture of a night's images would otherwise not fit where it was made: the sums of a batch take
// 0.7 to 3.6 MB at d30. 64 batches have 62 MB more of them than 4; what HDF5 needs to find more
// chunks may grow by a tenth of that.
TEST_F(Analyze, NeedsNoMoreMemoryForMoreBatches) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer keeps freed memory";
#endif
  write_wide_capture(folder_ / "few.h5", 4);
  write_wide_capture(folder_ / "many.h5", 64);
  const std::int64_t few = peak_rss_of_analyzing(folder_ / "few.h5", folder_ / "few.out.h5");
  const std::int64_t many = peak_rss_of_analyzing(folder_ / "many.h5", folder_ / "many.out.h5");
  EXPECT_LT(many - few, 6'000'000);
}

TEST_F(Analyze, CopiesSamplesLedgerAndSources) {
  const std::string first = capture("first.h5", 0, 1);
  const std::string second = capture("second.h5", 1, 2);
  analyze({first, second}, folder_ / "out.h5", {});
  const CaptureReader reader(folder_ / "out.h5");
  EXPECT_TRUE(reader.complete());
  EXPECT_EQ(reader.record().kind, FileKind::analysis);
  EXPECT_FALSE(reader.has_raw_kv());
  EXPECT_THAT(reader.labels(), ElementsAre(3, 7, 3, 7, 3, 7));
  EXPECT_THAT(reader.seeds(), ElementsAre(0, 0, 1, 1, 2, 2));
  EXPECT_EQ(reader.token_ids()(4, 0), 2);
  EXPECT_EQ(reader.previews()(5, 0, 0, 0), 2);
  EXPECT_EQ(reader.ledger().logical_bytes(0, 0), 8);
  EXPECT_THAT(reader.record().source_ids, ElementsAre(CaptureReader(first).record().capture_id,
                                                      CaptureReader(second).record().capture_id));
  EXPECT_EQ(reader.record().capture_id, reader.record().source_ids.front());
}

TEST_F(Analyze, KeepsTheMemoryPeaksOfEveryBatch) {
  const RunRecord record = testing::tiny_record(4, 0);
  CaptureWriter writer(folder_ / "a.h5", record, testing::tiny_layout(record), false);
  for (std::int64_t index = 0; index < 2; ++index) {
    BatchRecord batch = testing::tiny_batch(record, index);
    batch.memory = {.process_peak_rss_bytes = 1000 * (index + 1),
                    .allocator_peak_bytes = 10 * (index + 1)};
    writer.commit(batch);
  }
  writer.finish();
  analyze({folder_ / "a.h5"}, folder_ / "out.h5", {});
  const CaptureReader reader(folder_ / "out.h5");
  EXPECT_EQ(reader.batch(0).memory.process_peak_rss_bytes, 1000);
  EXPECT_EQ(reader.batch(1).memory.process_peak_rss_bytes, 2000);
  EXPECT_EQ(reader.batch(0).memory.allocator_peak_bytes, 10);
  EXPECT_EQ(reader.memory().process_peak_rss_bytes, 2000);
}

// The same samples twice would narrow every interval for nothing.
TEST_F(Analyze, RefusesTheSameCaptureTwice) {
  const std::string input = capture("a.h5", 0, 1);
  EXPECT_THAT([&] { analyze({input, input}, folder_ / "out.h5", {}); },
              ::testing::ThrowsMessage<BadInput>(HasSubstr("every capture once")));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out.h5"));
}

// A forgotten --first-sample would make the intervals look narrower than they are.
TEST_F(Analyze, RefusesTheSameDrawsOfTwoRuns) {
  const std::string first = capture("first.h5", 0, 2);
  const std::string again = capture("again.h5", 0, 1);
  EXPECT_THROW(analyze({first, again}, folder_ / "out.h5", {}), BadInput);
  // Behind an analysis too, among other samples.
  const std::string other = capture("other.h5", 2, 1);
  analyze({other, first}, folder_ / "of_two.h5", {});
  EXPECT_THAT([&] { analyze({again, folder_ / "of_two.h5"}, folder_ / "out.h5", {}); },
              ::testing::ThrowsMessage<BadInput>(HasSubstr("other samples than " + again)));
}

// One sample's draw does not depend on its batch there.
TEST_F(Analyze, RefusesTheSameDrawsPerSampleWhateverTheBatch) {
  const auto capture_of = [&](const std::string& name, const std::vector<std::uint64_t>& seeds,
                              std::int32_t label, RandomMode rng = RandomMode::per_sample) {
    RunRecord record = testing::tiny_record(2, 0);
    record.settings.rng = rng;
    CaptureWriter writer(folder_ / name, record, testing::tiny_layout(record), false);
    BatchRecord batch = testing::tiny_batch(record, 0);
    batch.seeds = seeds;
    batch.labels = {label, label};
    writer.commit(batch);
    writer.finish();
    return folder_ / name;
  };
  const std::string first = capture_of("first.h5", {10, 11}, 3);
  const std::string overlapping = capture_of("overlapping.h5", {11, 12}, 3);
  const std::string other_class = capture_of("other_class.h5", {10, 11}, 7);
  const std::string official = capture_of("official.h5", {1, 1}, 3, RandomMode::official);
  const auto merging = [&](const std::string& later) {
    return [&, later] { analyze({first, later}, folder_ / "out.h5", {.force = true}); };
  };
  EXPECT_THAT(merging(overlapping),
              ::testing::ThrowsMessage<BadInput>(HasSubstr("same seeds and labels")));
  EXPECT_NO_THROW(merging(other_class)());
  EXPECT_THAT(merging(official), ::testing::ThrowsMessage<BadInput>(HasSubstr("rng")));
}

TEST_F(Analyze, RefusesCapturesOfDifferentModels) {
  const std::string input = capture("a.h5", 0, 1);
  RunRecord record = testing::tiny_record(2, 0);
  record.weights_sha256 = "random:2";
  CaptureWriter writer(folder_ / "b.h5", record, testing::tiny_layout(record), false);
  writer.commit(testing::tiny_batch(record, 0));
  writer.finish();
  EXPECT_THAT([&] { analyze({input, folder_ / "b.h5"}, folder_ / "out.h5", {}); },
              ::testing::ThrowsMessage<BadInput>(HasSubstr("the weights of")));
}

// --force replaces an earlier analysis, never the capture itself.
TEST_F(Analyze, KeepsAnInputNamedAsTheOutput) {
  const std::string input = capture("a.h5", 0, 1);
  EXPECT_THAT([&] { analyze({input}, input, {.force = true}); },
              ::testing::ThrowsMessage<UsageError>(HasSubstr("another file")));
  EXPECT_TRUE(CaptureReader(input).has_raw_kv());
}

TEST_F(Analyze, RefusesFilesWithoutKv) {
  RunRecord record = testing::tiny_record(2, 0);
  record.kind = FileKind::run;
  record.settings.store = KvStore::none;
  FileLayout layout;
  layout.batches = 1;
  layout.preview_size = 6;
  CaptureWriter writer(folder_ / "run.h5", record, layout, false);
  BatchRecord batch = testing::tiny_batch(record, 0);
  batch.raw.clear();
  batch.statistics.reset();
  writer.commit(batch);
  writer.finish();
  EXPECT_THAT([&] { analyze({folder_ / "run.h5"}, folder_ / "out.h5", {}); },
              ::testing::ThrowsMessage<BadInput>(HasSubstr("a run file")));
}

// A run that was killed still shows what it committed.
TEST_F(Analyze, TakesThePartialFileOfABrokenRun) {
  const RunRecord record = testing::tiny_record(6, 0);
  {
    CaptureWriter writer(folder_ / "a.h5", record, testing::tiny_layout(record), false);
    writer.commit(testing::tiny_batch(record, 0));
  }
  analyze({folder_ / "a.h5.partial"}, folder_ / "partial.h5", {});
  analyze({capture("one.h5", 0, 1)}, folder_ / "whole.h5", {});
  expect_equal_statistics(folder_ / "partial.h5", folder_ / "whole.h5");
}

}  // namespace
}  // namespace kvscope
