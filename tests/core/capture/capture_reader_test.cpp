#include "core/capture/capture_reader.h"

#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>

#include <gmock/gmock.h>
#include <hdf5.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/module.h"
#include "core/capture/capture_writer.h"
#include "tests/core/capture/edit_file.h"
#include "tests/core/capture/expect_capture.h"
#include "tests/support/example_capture.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CaptureReaderTest : public ::testing::Test {
 protected:
  CaptureReader written(const RunRecord& record, const FileLayout& layout) {
    testing::write_example(path_, record, layout);
    return CaptureReader(path_);
  }
  CaptureReader written(const RunRecord& record) {
    return written(record, testing::example_layout(record));
  }

  std::string refusal() const {
    try {
      const CaptureReader reader(path_);
    } catch (const BadInput& mistake) {
      return mistake.what();
    }
    return "no refusal";
  }

  testing::TempDir folder_;
  std::string path_ = folder_ / "a.h5";
};

TEST_F(CaptureReaderTest, ReadsBackTheRecord) {
  RunRecord expected = testing::example_record(5);
  const CaptureReader reader = written(expected);
  const RunRecord& record = reader.record();
  EXPECT_EQ(record.kind, expected.kind);
  EXPECT_EQ(record.capture_id, expected.capture_id);
  EXPECT_EQ(record.source_ids, expected.source_ids);
  EXPECT_EQ(record.tool_version, expected.tool_version);
  EXPECT_EQ(record.git_commit, expected.git_commit);
  EXPECT_EQ(record.weights_sha256, expected.weights_sha256);
  EXPECT_EQ(record.model, expected.model);
  EXPECT_EQ(record.settings, expected.settings);
  EXPECT_EQ(record.policy, expected.policy);
  EXPECT_EQ(record.budget, expected.budget);
  EXPECT_EQ(record.torch_version, expected.torch_version);
  EXPECT_EQ(record.device_name, expected.device_name);
  EXPECT_EQ(record.cpu_name, expected.cpu_name);
  EXPECT_EQ(record.start_time, expected.start_time);
}

// HDF5 keeps attributes above 64 KiB elsewhere.
TEST_F(CaptureReaderTest, ReadsBackAModelWithManyClassNames) {
  RunRecord record = testing::example_record(2);
  record.model.classes = 2000;
  record.model.class_names.assign(2000, std::string(60, 'n'));
  const CaptureReader reader = written(record);
  EXPECT_EQ(reader.record().model, record.model);
  EXPECT_TRUE(reader.complete());
}

TEST_F(CaptureReaderTest, ReadsBackTheSamples) {
  const CaptureReader reader = written(testing::example_record(5));
  EXPECT_TRUE(reader.complete());
  EXPECT_EQ(reader.committed_samples(), 5);
  testing::expect_committed_samples(reader);
  const NdArray<std::uint8_t> previews = reader.previews();
  EXPECT_EQ(previews.shape, (std::vector<std::int64_t>{5, 4, 4, 3}));
  EXPECT_EQ(previews(3, 3, 3, 2), 2);
  EXPECT_EQ(previews(4, 0, 0, 0), 4);
}

TEST_F(CaptureReaderTest, ReadsBackTheAccounts) {
  const CaptureReader reader = written(testing::example_record(5));
  // Of the largest batch, though the last one was smaller.
  const LedgerRecord ledger = reader.ledger();
  EXPECT_EQ(ledger.rows, 4);
  EXPECT_EQ(ledger.key_element_bytes, 4);
  EXPECT_EQ(ledger.value_element_bytes, 2);
  EXPECT_EQ(ledger.logical_bytes(1, 2), 205);
  EXPECT_EQ(ledger.resident_bytes(0, 1), 401);
  EXPECT_EQ(ledger.transient_bytes(0, 0), 200);
  EXPECT_EQ(ledger.shared_bytes.data, (std::vector<std::int64_t>{600, 601, 602}));
  EXPECT_EQ(reader.memory().process_peak_rss_bytes, 1004);
  EXPECT_EQ(reader.memory().allocator_peak_bytes, 5000);
  const LossCounts losses = reader.losses();
  EXPECT_EQ(losses[LossCounter::overflowed_values], 3);
  EXPECT_EQ(losses[LossCounter::uncommitted_samples], 0);
}

TEST_F(CaptureReaderTest, ReadsBackTheTimings) {
  const CaptureReader reader = written(testing::example_record(5));
  const Timings timings = reader.timings().value();
  const std::int64_t modules = module_count;
  EXPECT_EQ(timings.layer_ns.shape, (std::vector<std::int64_t>{3, 2, 2, 3, modules}));
  EXPECT_EQ(timings.layer_ns(2, 0, 0, 0, 5), 4 + 5);
  EXPECT_EQ(timings.model_ns(1, 0, 1, 0), 1002 + modules);
  EXPECT_EQ(timings.batch_ns(1, 1), 2003);
  EXPECT_EQ(timings.modules.at(static_cast<std::size_t>(Module::attention_core)), "attention_core");
}

// What analyze, plan and a script see must be one and the same mean.
TEST_F(CaptureReaderTest, StoresTheMeansThatTheBatchesGive) {
  const CaptureReader reader = written(testing::example_record(5));
  const Statistics stored = reader.statistics().value();
  const Statistics merged = testing::means_of_batches(reader);
  EXPECT_EQ(stored.samples, 5);
  EXPECT_EQ(stored.mass, merged.mass);
  EXPECT_EQ(stored.density, merged.density);
  EXPECT_EQ(stored.norm, merged.norm);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(stored.similarity.arrays[i].shape, merged.similarity.arrays[i].shape);
    EXPECT_EQ(stored.similarity.arrays[i](1, 1, 2, 0), merged.similarity.arrays[i](1, 1, 2, 0));
  }
}

// Bootstrap intervals would be of the wrong samples.
TEST_F(CaptureReaderTest, KeepsTheLayerStatisticsInTheOrderOfTheSamples) {
  const CaptureReader reader = written(testing::example_record(5));
  const auto all = reader.statistics()->layer_statistic(Metric::cosine, KvTensor::key);
  EXPECT_EQ(all.shape, (std::vector<std::int64_t>{5, 2}));
  const auto last = reader.batch(2).statistics->layer_statistic(Metric::cosine, KvTensor::key);
  EXPECT_EQ(last.shape, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(all(4, 1), last(0, 1));
}

// analyze copies batch by batch: whatever is lost here is lost in every analysis file.
TEST_F(CaptureReaderTest, GivesABatchAsItWasCommitted) {
  const RunRecord record = testing::example_record(5);
  const CaptureReader reader = written(record);
  EXPECT_EQ(reader.batch_samples(), (std::vector<std::int64_t>{2, 2, 1}));
  std::int64_t first = 0;
  for (std::int64_t index = 0; index < 3; ++index) {
    const BatchRecord found = reader.batch(index);
    const BatchRecord expected = testing::example_batch(
        record, first, reader.batch_samples()[static_cast<std::size_t>(index)]);
    EXPECT_EQ(found.token_ids, expected.token_ids);
    EXPECT_EQ(found.labels, expected.labels);
    EXPECT_EQ(found.seeds, expected.seeds);
    EXPECT_EQ(found.preview, expected.preview);
    EXPECT_EQ(found.timing->layer_ns, expected.timing->layer_ns);
    EXPECT_EQ(found.timing->model_ns, expected.timing->model_ns);
    EXPECT_EQ(found.timing->batch_ns, expected.timing->batch_ns);
    EXPECT_EQ(found.memory.process_peak_rss_bytes, expected.memory.process_peak_rss_bytes);
    EXPECT_EQ(found.memory.allocator_peak_bytes, expected.memory.allocator_peak_bytes);
    EXPECT_EQ(found.ledger.rows, 4);
    first += static_cast<std::int64_t>(found.labels.size());
  }
  testing::expect_committed_samples(reader);
}

TEST_F(CaptureReaderTest, ReadsEveryStoredTypeAndCompression) {
  for (const KvDtype dtype : {KvDtype::fp16, KvDtype::fp32, KvDtype::bf16}) {
    for (const char* compression : {"none", "deflate:4"}) {
      RunRecord record = testing::example_record(4);
      record.settings.kv_dtype = dtype;
      record.settings.compression = compression;
      fs::remove(path_);
      testing::expect_committed_samples(written(record));
    }
  }
}

TEST_F(CaptureReaderTest, ReadsConditionalRowsAlone) {
  const RunRecord record = testing::example_record(5);
  const CaptureReader reader = written(record);
  std::vector<float> found;
  reader.read_conditional(KvTensor::value, 1, 1, 3, found);
  std::vector<float> expected;
  for (std::int64_t sample = 1; sample < 4; ++sample) {
    const std::vector<float> both = testing::example_kv_floats(record, KvTensor::value, 1, sample);
    expected.insert(expected.end(), both.begin(),
                    both.begin() + static_cast<std::ptrdiff_t>(both.size() / 2));
  }
  EXPECT_EQ(found, expected);
  EXPECT_THROW(reader.read_conditional(KvTensor::key, 2, 0, 1, found), BadInput);
  EXPECT_THROW(reader.read_conditional(KvTensor::key, 0, 3, 3, found), BadInput);
}

TEST_F(CaptureReaderTest, KnowsWhatWasKept) {
  RunRecord record = testing::example_record(5);
  record.settings.first_sample = 10;
  record.settings.keep = {.layers = {1}, .heads = {1}, .scales = {0, 2}, .samples = {1, 4}};
  const CaptureReader reader = written(record);
  EXPECT_EQ(reader.raw_layers(), std::vector<int>{1});
  EXPECT_EQ(reader.raw_heads(), std::vector<int>{1});
  EXPECT_EQ(reader.raw_scales(), (std::vector<int>{0, 2}));
  EXPECT_EQ(reader.raw_samples(), (std::vector<std::int64_t>{1, 4}));
  const NdArray<float> second = reader.raw_kv(KvTensor::key, 1, 1, 1);
  EXPECT_EQ(second.shape, (std::vector<std::int64_t>{1, 2, 1, 10, 4}));
  EXPECT_EQ(second.data, testing::example_kv_floats(record, KvTensor::key, 1, 4));
}

TEST_F(CaptureReaderTest, ReadsAFileWithoutTheOptionalParts) {
  RunRecord record = testing::example_record(2);
  record.kind = FileKind::run;
  CaptureWriter writer(path_, record, {.batches = 1}, false);
  BatchRecord batch = testing::example_batch(record, 0, 2);
  batch.statistics.reset();
  batch.timing.reset();
  writer.commit(batch);
  writer.finish();
  const CaptureReader reader(path_);
  EXPECT_EQ(reader.record().kind, FileKind::run);
  EXPECT_FALSE(reader.has_raw_kv());
  EXPECT_TRUE(reader.raw_samples().empty());
  EXPECT_FALSE(reader.statistics().has_value());
  EXPECT_FALSE(reader.batch(0).statistics.has_value());
  EXPECT_FALSE(reader.timings().has_value());
  EXPECT_TRUE(reader.previews().empty());
  testing::expect_samples(reader, 0, 2);
}

TEST_F(CaptureReaderTest, YieldsTheCommittedSamplesOfAPartialFile) {
  const RunRecord record = testing::example_record(5);
  {
    CaptureWriter writer(path_, record, testing::example_layout(record), false);
    EXPECT_EQ(CaptureReader(path_ + ".partial").committed_samples(), 0);
    writer.commit(testing::example_batch(record, 0, 2));
    writer.commit(testing::example_batch(record, 2, 2));
  }
  const CaptureReader reader(path_ + ".partial");
  EXPECT_FALSE(reader.complete());
  EXPECT_EQ(reader.committed_samples(), 4);
  EXPECT_EQ(reader.raw_samples().size(), 4U);
  EXPECT_EQ(reader.losses()[LossCounter::uncommitted_samples], 1);
  EXPECT_EQ(reader.statistics().value().samples, 4);
  EXPECT_EQ(reader.statistics()->mass, testing::means_of_batches(reader).mass);
  EXPECT_EQ(reader.timings()->batch_ns.shape, (std::vector<std::int64_t>{2, 2}));
  testing::expect_committed_samples(reader);
  EXPECT_THAT(refusal(), HasSubstr("did not finish"));
}

// A killed run may have counted a batch that it did not commit; whoever leaves out images must find
// the same number.
TEST_F(CaptureReaderTest, KnowsTheImagesThatAreNotFinite) {
  const RunRecord record = testing::example_record(5);
  FileLayout layout = testing::example_layout(record);
  layout.parts.insert(Part::image_check);
  CaptureWriter writer(path_, record, layout, false);
  EXPECT_TRUE(CaptureReader(path_ + ".partial").nonfinite_images().empty());
  BatchRecord batch = testing::example_batch(record, 0, 2);
  EXPECT_THROW(writer.commit(batch), Error) << "without the counts";
  batch.nonfinite_image_values = {0, 12};
  batch.losses[LossCounter::nonfinite_images] = 3;
  writer.commit(batch);
  const CaptureReader reader(path_ + ".partial");
  EXPECT_THAT(reader.nonfinite_images(), ElementsAre(1));
  EXPECT_TRUE(reader.has_finite_image(0));
  EXPECT_FALSE(reader.has_finite_image(1));
  EXPECT_EQ(reader.losses()[LossCounter::nonfinite_images], 1);
  EXPECT_EQ(reader.batch(0).nonfinite_image_values, batch.nonfinite_image_values);
}

TEST_F(CaptureReaderTest, KnowsWhetherQueriesAreThere) {
  RunRecord record = testing::example_record(2);
  record.settings.keep = {
      .layers = {1}, .heads = {}, .scales = {0}, .samples = {}, .queries = true};
  FileLayout layout = testing::example_layout(record);
  layout.parts.insert(Part::queries);
  CaptureWriter writer(path_, record, layout, false);
  BatchRecord batch = testing::example_batch(record, 0, 2);
  EXPECT_THROW(writer.commit(batch), Error) << "without queries";
  batch.raw[0].query = batch.raw[0].key;
  writer.commit(batch);
  writer.finish();
  const CaptureReader reader(path_);
  EXPECT_TRUE(reader.has_queries());
  EXPECT_EQ(reader.record().settings, record.settings);
}

BatchClock example_clock(std::int64_t first) {
  return {.begin = {.host_ns = 1000 + first, .offset_ns = -7 * first, .residual_ns = 12},
          .end = {.host_ns = 2000 + first, .offset_ns = -8 * first, .residual_ns = 15}};
}

// Times of a device can be laid over the host's only with these.
TEST_F(CaptureReaderTest, ReadsBackTheClocks) {
  const RunRecord record = testing::example_record(3);
  FileLayout layout = testing::example_layout(record);
  layout.clocks = {"device_events", "cupti"};
  CaptureWriter writer(path_, record, layout, false);
  BatchRecord batch = testing::example_batch(record, 0, 2);
  EXPECT_THROW(writer.commit(batch), Error) << "without the clocks";
  batch.clocks = {example_clock(3)};
  EXPECT_THROW(writer.commit(batch), Error) << "without one of them";
  batch.clocks = {example_clock(3), example_clock(4)};
  writer.commit(batch);
  batch = testing::example_batch(record, 2, 1);
  batch.clocks = {example_clock(5), example_clock(6)};
  writer.commit(batch);
  writer.finish();
  const CaptureReader reader(path_);
  EXPECT_THAT(reader.layout().clocks, ElementsAre("device_events", "cupti"));
  EXPECT_THAT(reader.batch(0).clocks, ElementsAre(example_clock(3), example_clock(4)));
  EXPECT_THAT(reader.batch(1).clocks, ElementsAre(example_clock(5), example_clock(6)));
}

TEST_F(CaptureReaderTest, HasNoClocksWhereThereIsOnlyOne) {
  const RunRecord record = testing::example_record(2);
  EXPECT_TRUE(written(record).batch(0).clocks.empty());
  CaptureWriter writer(folder_ / "b.h5", record, testing::example_layout(record), false);
  BatchRecord batch = testing::example_batch(record, 0, 2);
  batch.clocks = {example_clock(0)};
  EXPECT_THROW(writer.commit(batch), Error);
}

/// Five samples, whose predicted class is right for all but the first.
class ScoredCapture : public CaptureReaderTest {
 protected:
  ScoredCapture() {
    record_.settings.scorer = {"demo-scorer", std::string(64, 'b'), {}};
    layout_.parts.insert(Part::scores);
  }

  BatchRecord batch(std::int64_t first, std::int64_t count) const {
    BatchRecord result = testing::example_batch(record_, first, count);
    result.predicted_classes = result.labels;
    if (first == 0) ++result.predicted_classes[0];
    return result;
  }

  RunRecord record_ = testing::example_record(5);
  FileLayout layout_ = testing::example_layout(record_);
};

TEST_F(ScoredCapture, ReadsBackTheScores) {
  CaptureWriter writer(path_, record_, layout_, false);
  for (const std::int64_t first : {0, 2, 4}) writer.commit(batch(first, first == 4 ? 1 : 2));
  writer.write_scores({0.8, 0.6, 1}, {12.5, 11, 14});
  writer.finish();
  const CaptureReader reader(path_);
  const Scores scores = reader.scores().value();
  EXPECT_EQ(scores.capture_id, record_.capture_id);
  EXPECT_EQ(scores.scorer, record_.settings.scorer);
  EXPECT_EQ(scores.samples, 5);
  EXPECT_EQ(scores.class_accuracy.value, 0.8);
  EXPECT_EQ(scores.class_accuracy.low, 0.6);
  EXPECT_EQ(scores.demo_frechet_distance.high, 14);
  EXPECT_DOUBLE_EQ(accuracy_of(scores.classes), 0.8);
  EXPECT_EQ(scores.classes.front(), (ClassScore{0, 2, 0.5})) << "samples 0 and 3";
  EXPECT_EQ(reader.batch(1).predicted_classes, batch(2, 2).predicted_classes);
}

// The distance needs every feature, the accuracy only what was committed.
TEST_F(ScoredCapture, APartialFileHasTheAccuracyOfItsCommittedSamples) {
  {
    CaptureWriter writer(path_, record_, layout_, false);
    writer.commit(batch(0, 2));
    writer.commit(batch(2, 2));
  }
  const Scores scores = CaptureReader(path_ + ".partial").scores().value();
  EXPECT_EQ(scores.samples, 4);
  EXPECT_DOUBLE_EQ(scores.class_accuracy.value, 0.75);
  EXPECT_TRUE(std::isnan(scores.class_accuracy.low));
  EXPECT_TRUE(std::isnan(scores.demo_frechet_distance.value));
}

TEST_F(ScoredCapture, NeedsAPredictedClassForEverySample) {
  CaptureWriter writer(path_, record_, layout_, false);
  BatchRecord wrong = batch(0, 2);
  wrong.predicted_classes.pop_back();
  EXPECT_THROW(writer.commit(wrong), Error);
  writer.commit(batch(0, 2));
}

TEST_F(CaptureReaderTest, HasNoScoresWhenNobodyScored) {
  const RunRecord record = testing::example_record(2);
  EXPECT_FALSE(written(record).scores());
  CaptureWriter writer(folder_ / "b.h5", record, testing::example_layout(record), false);
  EXPECT_THROW(writer.write_scores({}, {}), Error);
}

TEST_F(CaptureReaderTest, RefusesWhatIsNoCapture) {
  EXPECT_THAT(refusal(), HasSubstr("a.h5: expected a readable file, got No such file"));
  std::ofstream(path_) << "not HDF5";
  EXPECT_THAT(refusal(), HasSubstr("expected an HDF5 file"));
  std::ofstream(path_, std::ios::trunc).close();
  EXPECT_THAT(refusal(), HasSubstr("expected an HDF5 file"));
  fs::remove(path_);
  H5Fclose(H5Fcreate(path_.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
  EXPECT_THAT(refusal(), HasSubstr("expected a kvscope file"));
  fs::remove(path_);
  fs::create_directory(path_);
  EXPECT_THAT(refusal(), HasSubstr("got a folder"));
}

// Cut anywhere, the file must be refused or read: never a crash.
TEST_F(CaptureReaderTest, SurvivesTruncation) {
  (void)written(testing::example_record(5));
  const auto size = fs::file_size(path_);
  for (std::uintmax_t left = size - size / 50; left > size / 50; left -= size / 50) {
    fs::resize_file(path_, left);
    EXPECT_NE(refusal(), "no refusal") << left;
  }
}

using Damage = std::function<void(hid_t)>;

void set_committed(hid_t file, std::int64_t count) {
  const hid_t dataset = H5Dopen2(file, "/committed_samples", H5P_DEFAULT);
  H5Dwrite(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, &count);
  H5Dclose(dataset);
}

// Three batches, as in the file of five samples.
void set_batch_sizes(hid_t file, const std::array<std::int64_t, 3>& sizes) {
  const hid_t dataset = H5Dopen2(file, "/batches/samples", H5P_DEFAULT);
  H5Dwrite(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, sizes.data());
  H5Dclose(dataset);
}

void set_samples(hid_t file, std::int64_t samples) {
  RunSettings settings = testing::example_record(5).settings;
  settings.samples = samples;
  testing::set_text(file, "settings", to_json(settings).dump());
}

TEST_F(CaptureReaderTest, NamesWhatIsWrongInADamagedFile) {
  const std::vector<std::pair<std::string, Damage>> cases = {
      {"got kvscope.capture/2 (a newer",
       [](hid_t f) { testing::set_text(f, "schema", "kvscope.capture/2"); }},
      {"got schema kvscope.trace/1",
       [](hid_t f) { testing::set_text(f, "schema", "kvscope.trace/1"); }},
      {"attribute kind to be", [](hid_t f) { testing::set_text(f, "kind", "photo"); }},
      {"expected attribute cpu_name, got none", [](hid_t f) { H5Adelete(f, "cpu_name"); }},
      {"expected valid JSON", [](hid_t f) { testing::set_text(f, "settings", "{"); }},
      {"expected depth", [](hid_t f) { testing::set_text(f, "model_config", R"({"name": "x"})"); }},
      {"contents to name parts",
       [](hid_t f) { testing::set_text(f, "contents", "always dreams"); }},
      {"dataset /samples/label", [](hid_t f) { H5Ldelete(f, "/samples/label", H5P_DEFAULT); }},
      {"dataset /kv/layer_01/value",
       [](hid_t f) { H5Ldelete(f, "/kv/layer_01/value", H5P_DEFAULT); }},
      {"dataset /batch", [](hid_t f) { H5Ldelete(f, "/batch", H5P_DEFAULT); }},
      {"/samples/label of shape [5], got [5, 1]",
       [](hid_t f) { testing::replace_dataset(f, "/samples/label", H5T_STD_I32LE, {5, 1}); }},
      {"/samples/label of type int32",
       [](hid_t f) { testing::replace_dataset(f, "/samples/label", H5T_IEEE_F32LE, {5}); }},
      {"/kv/layer_00/key of type",
       [](hid_t f) {
         testing::replace_dataset(f, "/kv/layer_00/key", H5T_STD_U16LE, {5, 2, 2, 14, 4});
       }},
      {"committed samples to be whole batches", [](hid_t f) { set_committed(f, 3); }},
      {"committed samples to be whole batches", [](hid_t f) { set_committed(f, 1000000); }},
      {"committed samples to be whole batches", [](hid_t f) { set_committed(f, -1); }},
      {"got a batch of -1 after 2", [](hid_t f) { set_batch_sizes(f, {2, -1, 4}); }},
      {"got a batch of 0 after 2", [](hid_t f) { set_batch_sizes(f, {2, 0, 3}); }},
      {"got a batch of 9223372036854775807 after 2",
       [](hid_t f) { set_batch_sizes(f, {2, std::numeric_limits<std::int64_t>::max(), 1}); }},
      // More than any memory: refused before anything is made for each sample.
      {"of shape [1000000000000000", [](hid_t f) { set_samples(f, 1000000000000000); }},
  };
  for (const auto& [expected, damage] : cases) {
    fs::remove(path_);
    (void)written(testing::example_record(5));
    testing::edit_file(path_, damage);
    EXPECT_THAT(refusal(), HasSubstr(expected));
    EXPECT_THAT(refusal(), HasSubstr(path_));
  }
}

// A flipped bit on the disk must not become a number in a paper: compressed chunks have a checksum.
TEST_F(CaptureReaderTest, NoticesAFlippedBitInCompressedData) {
  RunRecord record = testing::example_record(5);
  record.settings.compression = "deflate:1";
  (void)written(record);
  const hid_t opened = H5Fopen(path_.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  const hid_t dataset = H5Dopen2(opened, "/kv/layer_00/key", H5P_DEFAULT);
  const std::array<hsize_t, 5> first{};
  haddr_t address = 0;
  hsize_t size = 0;
  ASSERT_GE(H5Dget_chunk_info_by_coord(dataset, first.data(), nullptr, &address, &size), 0);
  H5Dclose(dataset);
  H5Fclose(opened);
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  const auto middle = static_cast<std::streamoff>(address + size / 2);
  file.seekg(middle);
  const int byte = file.get();
  file.seekp(middle);
  file.put(static_cast<char>(byte ^ 1));
  file.close();
  const CaptureReader reader(path_);
  EXPECT_THROW((void)reader.raw_kv(KvTensor::key, 0, 0, 1), Error);
}

}  // namespace
}  // namespace kvscope
