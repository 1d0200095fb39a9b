#include "collectors/session.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <ATen/ops/cat.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "analysis/metrics/analyze.h"
#include "analysis/quality/score_capture.h"
#include "core/base/error.h"
#include "core/base/json_fields.h"
#include "core/capture/capture_images.h"
#include "core/capture/capture_reader.h"
#include "core/capture/image_files.h"
#include "core/image/png.h"
#include "core/weights/tensors.h"
#include "tests/collectors/fake_generation.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Session : public ::testing::Test {
 protected:
  static RunRecord record(KvStore store, std::int64_t batches) {
    RunRecord record = testing::tiny_record(2 * batches, 0);
    record.settings.store = store;
    record.settings.seed = 11;
    return record;
  }

  static BatchRequest request(std::int64_t index) { return {index, 0, 2 * index, {3, 7}, 2}; }

  void capture(const std::string& path, RunRecord record, std::int64_t batches) {
    CaptureSession session(path, std::move(record), at::kCPU, false);
    session.attach(generator_);
    for (std::int64_t index = 0; index < batches; ++index) session.run_batch(request(index));
    session.finish();
  }

  testing::TempDir folder_;
  testing::FakeGenerator generator_;
};

TEST_F(Session, WritesSamplesImagesAndLedger) {
  const std::string path = folder_ / "a.h5";
  capture(path, record(KvStore::raw, 2), 2);
  const CaptureReader reader(path);
  EXPECT_TRUE(reader.complete());
  EXPECT_EQ(reader.committed_samples(), 4);
  EXPECT_THAT(reader.labels(), ElementsAre(3, 7, 3, 7));
  EXPECT_EQ(reader.seeds()[0], 11);
  EXPECT_NE(reader.seeds()[2], 11);
  EXPECT_EQ(reader.token_ids()(2, 0), 1);
  EXPECT_TRUE(reader.has_raw_kv());
  EXPECT_EQ(reader.ledger().shared_bytes(0), 7);
  EXPECT_GT(reader.memory().process_peak_rss_bytes, 0);
  EXPECT_THAT(reader.record().settings.collectors,
              ElementsAre("attention_mass", "ledger", "memory", "raw_kv", "timing"));
  const Image image = CaptureImages(reader).read(3);
  EXPECT_EQ(image.width, 6);
  EXPECT_EQ(image.rgb[0], reader.previews()(3, 0, 0, 0)) << "as small as a preview: not shrunk";
}

TEST_F(Session, ReducedEqualsAnalyzedRaw) {
  capture(folder_ / "raw.h5", record(KvStore::raw, 2), 2);
  capture(folder_ / "reduced.h5", record(KvStore::reduced, 2), 2);
  analyze({folder_ / "raw.h5"}, folder_ / "analysis.h5", {});
  const Statistics reduced = CaptureReader(folder_ / "reduced.h5").statistics().value();
  const Statistics analyzed = CaptureReader(folder_ / "analysis.h5").statistics().value();
  EXPECT_EQ(reduced.similarity(Metric::cosine, KvTensor::key)(1, 1, 2, 1),
            analyzed.similarity(Metric::cosine, KvTensor::key)(1, 1, 2, 1));
  EXPECT_EQ(reduced.layer_statistic(Metric::neg_l2, KvTensor::value),
            analyzed.layer_statistic(Metric::neg_l2, KvTensor::value));
  EXPECT_EQ(reduced.mass, analyzed.mass);
}

TEST_F(Session, KeepsTheTimesOfEveryRepeatAndTheDataOfTheFirst) {
  RunRecord three = record(KvStore::raw, 1);
  three.settings.repeat = 3;
  generator_.drift = 1;
  capture(folder_ / "a.h5", three, 1);
  EXPECT_EQ(generator_.passes, 3);
  EXPECT_EQ(generator_.observed_passes, 1) << "the others are only timed";
  const CaptureReader reader(folder_ / "a.h5");
  const Timings timings = reader.timings().value();
  EXPECT_THAT(timings.batch_ns.data, ElementsAre(1000, 1001, 1002));
  EXPECT_EQ(timings.layer_ns(0, 2, 0, 1, static_cast<int>(Module::ffn)), 11);
  EXPECT_EQ(timings.model_ns(0, 1, 2, static_cast<int>(Module::decoder)), 9);
  EXPECT_EQ(reader.token_ids()(0, 0), 0);
  EXPECT_EQ(reader.losses()[LossCounter::unequal_repeats], 2);
}

TEST_F(Session, RunHasNoStatistics) {
  RunRecord run = record(KvStore::none, 1);
  run.kind = FileKind::run;
  capture(folder_ / "run.h5", run, 1);
  const CaptureReader reader(folder_ / "run.h5");
  EXPECT_FALSE(reader.has_raw_kv());
  EXPECT_FALSE(reader.statistics());
  EXPECT_TRUE(reader.timings());
  EXPECT_THAT(reader.record().settings.collectors, ElementsAre("ledger", "memory", "timing"));
}

/// The golden scorer for tiny_model(): its name, 6 pixels a side and twice its five classes.
std::shared_ptr<const Scorer> tiny_scorer(const std::string& folder) {
  const std::string golden = KVSCOPE_SOURCE_DIR "/tests/golden/scorer";
  nlohmann::json config = read_json_file(golden + "/scorer.json", "test");
  config["model"] = testing::tiny_model().name;
  config["image_size"] = testing::tiny_model().image_size;
  config["classes"] = testing::tiny_model().classes;
  const SafetensorsFile file(golden + "/weights.safetensors");
  std::map<std::string, at::Tensor, std::less<>> tensors;
  for (const auto& [name, view] : file.tensors()) tensors[name] = tensor_of(file, view);
  for (at::Tensor* part : {&tensors["classes.weight"], &tensors["classes.bias"]}) {
    *part = at::cat({*part, *part});
  }
  std::filesystem::create_directory(folder);
  write_safetensors(folder + "/weights.safetensors", tensors);
  std::ofstream(folder + "/scorer.json") << config;
  return std::make_shared<const Scorer>(folder, at::kCPU);
}

// Whoever scores the file later must find the figures that the run stored.
TEST_F(Session, StoresTheScoresThatItsImagesHave) {
  const auto scorer = tiny_scorer(folder_ / "scorer");
  RunRecord run = record(KvStore::none, 3);
  run.kind = FileKind::run;
  run.settings.repeat = 2;
  run.settings.scorer = scorer->record();
  CaptureSession session(folder_ / "a.h5", run, at::kCPU, false, scorer);
  session.attach(generator_);
  for (std::int64_t index = 0; index < 3; ++index) session.run_batch(request(index));
  session.finish();

  const CaptureReader reader(folder_ / "a.h5");
  EXPECT_EQ(reader.record().settings.scorer, scorer->record());
  EXPECT_THAT(reader.record().settings.collectors, ::testing::Contains("scores"));
  const Scores stored = reader.scores().value();
  const Scores later = score_capture(reader, *scorer, 2).scores;
  EXPECT_EQ(stored.samples, 6);
  EXPECT_EQ(to_json(stored), to_json(later));
  EXPECT_GT(stored.demo_frechet_distance.low, 0);
}

// A black picture says nothing about the model: neither the run's figures nor later ones may hold
// it, and nobody may take the run for a sound one.
TEST_F(Session, LeavesImagesThatAreNotFiniteOutOfTheScores) {
  const auto scorer = tiny_scorer(folder_ / "scorer");
  RunRecord run = record(KvStore::none, 3);
  run.kind = FileKind::run;
  run.settings.scorer = scorer->record();
  generator_.spoiled_batch = 1;
  CaptureSession session(folder_ / "a.h5", run, at::kCPU, false, scorer);
  session.attach(generator_);
  for (std::int64_t index = 0; index < 3; ++index) session.run_batch(request(index));
  session.finish();

  const CaptureReader reader(folder_ / "a.h5");
  EXPECT_THAT(reader.nonfinite_images(), ElementsAre(3));
  EXPECT_EQ(reader.losses()[LossCounter::nonfinite_images], 1);
  const Scores stored = reader.scores().value();
  EXPECT_EQ(stored.samples, 5);
  EXPECT_EQ(stored.nonfinite_images, 1);
  const Scores later = score_capture(reader, *scorer, 2).scores;
  EXPECT_EQ(to_json(stored), to_json(later));
}

TEST_F(Session, WithoutAFiniteImageHasNoScores) {
  const auto scorer = tiny_scorer(folder_ / "scorer");
  RunRecord run = testing::tiny_record(1, 0);
  run.settings.scorer = scorer->record();
  generator_.spoiled_batch = 0;
  generator_.spoiled_image = 0;
  CaptureSession session(folder_ / "a.h5", run, at::kCPU, false, scorer);
  session.attach(generator_);
  session.run_batch({0, 0, 0, {3}, 1});
  session.finish();
  const CaptureReader reader(folder_ / "a.h5");
  const Scores scores = reader.scores().value();
  EXPECT_EQ(scores.samples, 0);
  EXPECT_TRUE(std::isnan(scores.class_accuracy.value));
  EXPECT_THAT([&] { (void)score_capture(reader, *scorer, 1); },
              ::testing::ThrowsMessage<BadInput>(HasSubstr("NaN or infinity behind all 1")));
}

TEST_F(Session, ThatBreaksOffHasTheAccuracyOfItsCommittedSamples) {
  {
    const auto scorer = tiny_scorer(folder_ / "scorer");
    RunRecord run = record(KvStore::raw, 3);
    run.settings.scorer = scorer->record();
    CaptureSession session(folder_ / "a.h5", run, at::kCPU, false, scorer);
    session.attach(generator_);
    session.run_batch(request(0));
  }
  const Scores scores = CaptureReader(folder_ / "a.h5.partial").scores().value();
  EXPECT_EQ(scores.samples, 2);
  EXPECT_FALSE(std::isnan(scores.class_accuracy.value));
  EXPECT_TRUE(std::isnan(scores.demo_frechet_distance.value));
}

/// Writes its life down, with the sites it is told of in short.
class Diary final : public Collector, public SiteListener {
 public:
  explicit Diary(std::vector<std::string>& life) : life_(&life) {}

  SiteListener* listener() override { return this; }
  void take_up(const CommittedBatch& batch) override {
    life_->push_back("take up " + std::to_string(batch.images.size()));
  }
  void start(const Generator& /*generator*/) override { life_->emplace_back("start"); }
  void on_batch_begin(const BatchInfo& info) override {
    life_->push_back("observe " + std::to_string(info.index));
  }
  void begin_batch(std::int64_t batch, int repeat) override {
    life_->push_back("pass " + std::to_string(batch) + "." + std::to_string(repeat));
  }
  void begin(const Site& /*site*/) override {}
  void end(const Site& /*site*/) noexcept override {}
  void flush(BatchRecord& /*record*/) override { life_->emplace_back("flush"); }
  void stop() noexcept override { life_->emplace_back("stop"); }
  void conclude(CaptureWriter& /*file*/) override { life_->emplace_back("conclude"); }

 private:
  std::vector<std::string>* life_;
};

/// The collectors of every run and a diary into `life`.
CollectorList with_diary(std::vector<std::string>& life) {
  CollectorList list = all_collectors();
  list.push_back({.name = "diary",
                  .help = "Its own life",
                  .takes_part = [](const RunRecord& /*record*/) { return true; },
                  .make = [&life](const CollectorSetup& /*setup*/) -> std::unique_ptr<Collector> {
                    return std::make_unique<Diary>(life);
                  }});
  return list;
}

// A profiler is started once, emptied with every batch and stopped, or it disturbs what comes
// after.
TEST_F(Session, LeadsItsCollectorsFromStartToConclusion) {
  std::vector<std::string> life;
  RunRecord twice = record(KvStore::raw, 2);
  twice.settings.repeat = 2;
  CaptureSession session(folder_ / "a.h5", twice, at::kCPU, false, nullptr, with_diary(life));
  for (std::int64_t index = 0; index < 2; ++index) {
    session.attach(generator_);  // once more, as sessions that run in turn do
    session.run_batch(request(index));
  }
  session.finish();
  EXPECT_THAT(life, ElementsAre("start", "observe 0", "pass 0.0", "pass 0.1", "flush", "observe 1",
                                "pass 1.0", "pass 1.1", "flush", "stop", "conclude"));
  EXPECT_THAT(CaptureReader(folder_ / "a.h5").record().settings.collectors,
              ElementsAre("attention_mass", "diary", "ledger", "memory", "raw_kv", "timing"));
  generator_.generate(request(2));
  EXPECT_EQ(life.back(), "conclude") << "nothing is collected behind the run";
}

TEST_F(Session, ThatBreaksOffStopsItsCollectorsAndGoesOnWithNewOnes) {
  std::vector<std::string> life;
  const RunRecord two = record(KvStore::raw, 2);
  {
    CaptureSession session(folder_ / "a.h5", two, at::kCPU, false, nullptr, with_diary(life));
    session.attach(generator_);
    session.run_batch(request(0));
  }
  EXPECT_THAT(life, ElementsAre("start", "observe 0", "pass 0.0", "flush", "stop"));
  life.clear();
  CaptureSession session(folder_ / "a.h5", two, at::kCPU, nullptr, CaptureWriter::Resume{},
                         with_diary(life));
  session.attach(generator_);
  session.run_batch(request(1));
  session.finish();
  EXPECT_THAT(life, ElementsAre("take up 2", "start", "observe 1", "pass 1.0", "flush", "stop",
                                "conclude"));
}

// Shards of one job must be able to share a folder, and what a run is must not hang on its name.
TEST_F(Session, NamesEveryImageAfterItsSampleInTheRun) {
  RunRecord shard = record(KvStore::raw, 1);
  shard.settings.first_sample = 4;
  CaptureSession session(folder_ / "a.h5", shard, at::kCPU, false);
  session.attach(generator_);
  session.run_batch(request(2));
  session.finish();
  const CaptureReader reader(folder_ / "a.h5");
  EXPECT_THAT(reader.samples(), ElementsAre(4, 5));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a.images/000000.png"));
  const PngTexts texts = read_png_texts(folder_ / "a.images/000005.png");
  EXPECT_EQ(texts.at(capture_id_text), reader.record().capture_id);
  EXPECT_EQ(texts.at(sample_text), "5");
  EXPECT_EQ(CaptureImages(reader).read(1), read_png(folder_ / "a.images/000005.png"));
}

// --force for one file must leave the images of every other one alone.
TEST_F(Session, NeverTouchesTheImagesOfAFileOfALikeName) {
  const std::vector<std::string> names = {"z.h5",  "z",     "z.txt", "z.hdf5",
                                          "z.0.2", "z.0.9", "z.0.h5"};
  for (const std::string& name : names) {
    CaptureSession session(folder_ / name, record(KvStore::raw, 1), at::kCPU, true);
    session.attach(generator_);
    session.run_batch(request(0));
    session.finish();
  }
  for (const std::string& name : names) {
    const CaptureReader reader(folder_ / name);
    EXPECT_FALSE(CaptureImages(reader).missing().any()) << name;
  }
}

TEST_F(Session, RefusesTheNameOfAPartialFile) {
  const std::string partial = folder_ / "a.h5.partial";
  EXPECT_THROW(CaptureSession::check_output(partial, true), Error);
  std::ofstream(partial) << "unfinished";
  EXPECT_THAT([&] { CaptureSession::check_output(partial, false, true); },
              ::testing::ThrowsMessage<Error>(HasSubstr("a name without .partial")));
}

// Killed after the old images made way and before the file did: they are still the old file's.
TEST_F(Session, GivesBackImagesThatWereNotReplacedAfterAll) {
  const std::string path = folder_ / "a.h5";
  const auto killed = [&] {
    CaptureSession session(path, record(KvStore::raw, 2), at::kCPU, true);
    session.attach(generator_);
    session.run_batch(request(0));
  };
  capture(path, record(KvStore::raw, 2), 2);
  killed();
  std::filesystem::rename(folder_ / "a.images", folder_ / "a.images.replaced");
  killed();
  EXPECT_FALSE(CaptureImages(CaptureReader(path)).missing().any());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a.images.replaced"));

  // Killed before the new images had their name: they are the new file's.
  std::filesystem::remove(path + ".partial");
  std::filesystem::remove_all(folder_ / "a.images.partial");
  std::filesystem::rename(folder_ / "a.images", folder_ / "a.images.partial");
  std::filesystem::create_directory(folder_ / "a.images.replaced");
  killed();
  EXPECT_FALSE(CaptureImages(CaptureReader(path)).missing().any());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a.images.replaced"));
}

// What lies in the folders' places and is of another run is no image of this file.
TEST_F(Session, NeverTakesTheImagesOfAnotherRunForThoseOfAFile) {
  const std::string path = folder_ / "a.h5";
  capture(path, record(KvStore::raw, 1), 1);
  RunRecord other = record(KvStore::raw, 1);
  other.capture_id = "another";
  capture(folder_ / "b.h5", other, 1);
  std::filesystem::rename(folder_ / "a.images", folder_ / "a.images.replaced");
  std::filesystem::rename(folder_ / "b.images", folder_ / "a.images.partial");
  ImageFolder::publish_left_behind(path);
  EXPECT_FALSE(CaptureImages(CaptureReader(path)).missing().any());
  EXPECT_TRUE(std::filesystem::exists(folder_ / "a.images.partial")) << "still that run's";
}

// b.h5 is gone: the images beside it are still those of another run.
TEST_F(Session, KeepsTheImagesOfAnotherFile) {
  std::filesystem::create_directory(folder_ / "b.images");
  EXPECT_THAT([&] { capture(folder_ / "b.h5", record(KvStore::raw, 1), 1); },
              ::testing::ThrowsMessage<Error>(HasSubstr("b.images")));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "b.h5.partial"));
  CaptureSession forced(folder_ / "b.h5", record(KvStore::raw, 1), at::kCPU, true);
}

// SIGINT, out of memory, a bug: what was generated so far stays usable.
TEST_F(Session, LeavesAReadablePartialFileWhenItBreaksOff) {
  {
    CaptureSession session(folder_ / "a.h5", record(KvStore::raw, 3), at::kCPU, false);
    session.attach(generator_);
    session.run_batch(request(0));
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a.h5"));
  const CaptureReader reader(folder_ / "a.h5.partial");
  EXPECT_FALSE(reader.complete());
  EXPECT_EQ(reader.committed_samples(), 2);
  EXPECT_EQ(CaptureImages(reader).read(1).width, 6);
}

// A file of four samples is written anew: what stops half way must leave it with its own images,
// what finishes must leave no image of a sample that is gone.
TEST_F(Session, ReplacesAFileAndItsImagesTogether) {
  const std::string path = folder_ / "a.h5";
  capture(path, record(KvStore::raw, 2), 2);
  std::ofstream(folder_ / "a.images/000000.png") << "of the old file";
  const auto old_image = [&] {
    std::ifstream image(folder_ / "a.images/000000.png");
    return std::string(std::istreambuf_iterator<char>(image), {});
  };
  {
    CaptureSession session(path, record(KvStore::raw, 2), at::kCPU, true);
    session.attach(generator_);
    session.run_batch(request(0));
    EXPECT_THROW(session.finish(), Error) << "a batch is missing";
  }
  EXPECT_EQ(old_image(), "of the old file");
  EXPECT_EQ(CaptureReader(path).committed_samples(), 4);
  EXPECT_EQ(CaptureImages(CaptureReader(path + ".partial")).read(1).width, 6);

  CaptureSession session(path, record(KvStore::raw, 1), at::kCPU, true);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a.images.partial")) << "of the broken off run";
  session.attach(generator_);
  session.run_batch(request(0));
  session.finish();
  EXPECT_EQ(CaptureImages(CaptureReader(path)).read(0).width, 6);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a.images/000002.png"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a.images.partial"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a.images.replaced"));
}

// The images' folder cannot be made: the run must fail and say where.
TEST_F(Session, StopsWhenTheWriterFails) {
  CaptureSession session(folder_ / "a.h5", record(KvStore::raw, 3), at::kCPU, false);
  std::ofstream(folder_ / "a.images.partial") << "a file in the way";
  session.attach(generator_);
  session.run_batch(request(0));
  EXPECT_THAT(
      [&] {
        session.run_batch(request(1));
        session.finish();
      },
      ::testing::ThrowsMessage<Error>(HasSubstr("a.images.partial: expected a folder")));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a.h5"));
}

}  // namespace
}  // namespace kvscope
