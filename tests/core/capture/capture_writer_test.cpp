#include "core/capture/capture_writer.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>

#include <gmock/gmock.h>
#include <hdf5.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/capture/capture_reader.h"
#include "tests/core/capture/expect_capture.h"
#include "tests/support/example_capture.h"
#include "tests/support/full_disk.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class CaptureWriterTest : public ::testing::Test {
 protected:
  std::string failure(const std::string& path, bool force = false) const {
    try {
      CaptureWriter writer(path, record_, testing::example_layout(record_), force);
    } catch (const Error& mistake) {
      EXPECT_EQ(mistake.kind(), ErrorKind::failure);
      return mistake.what();
    }
    return "no failure";
  }

  testing::TempDir folder_;
  RunRecord record_ = testing::example_record(5);
};

TEST_F(CaptureWriterTest, TakesItsFinalNameOnlyWhenFinished) {
  const std::string path = folder_ / "a.h5";
  {
    CaptureWriter writer(path, record_, testing::example_layout(record_), false);
    writer.commit(testing::example_batch(record_, 0, 2));
    EXPECT_FALSE(fs::exists(path));
  }
  EXPECT_FALSE(fs::exists(path));
  EXPECT_TRUE(fs::exists(path + ".partial"));
}

// An hour of an interrupted run must not be drawn again.
TEST_F(CaptureWriterTest, GoesOnBehindTheCommittedBatches) {
  const FileLayout layout = testing::example_layout(record_);
  testing::write_example(folder_ / "whole.h5", record_, layout);
  const std::string path = folder_ / "a.h5";
  {
    CaptureWriter writer(path, record_, layout, false);
    writer.commit(testing::example_batch(record_, 0, 2));
    EXPECT_THROW(CaptureWriter(path, record_, layout, CaptureWriter::Resume{}), Error)
        << "the first writer lives";
    EXPECT_THROW(CaptureWriter(path, record_, layout, true), Error) << "forced neither";
  }
  CaptureWriter writer(path, record_, layout, CaptureWriter::Resume{});
  EXPECT_EQ(writer.committed_batches(), 1);
  EXPECT_EQ(writer.committed_samples(), 2);
  writer.commit(testing::example_batch(record_, 2, 2));
  writer.commit(testing::example_batch(record_, 4, 1));
  writer.finish();
  const CaptureReader whole(folder_ / "whole.h5");
  const CaptureReader resumed(path);
  EXPECT_TRUE(resumed.complete());
  testing::expect_committed_samples(resumed);
  EXPECT_EQ(resumed.statistics()->mass, whole.statistics()->mass);
  EXPECT_EQ(resumed.losses().values, whole.losses().values);
  EXPECT_EQ(resumed.ledger().logical_bytes, whole.ledger().logical_bytes);
}

// A kill between the counters and the count of samples: the batch comes again, with its losses.
TEST_F(CaptureWriterTest, CountsTheLossesOfTheBatchUnderWayOnce) {
  const FileLayout layout = testing::example_layout(record_);
  const std::string path = folder_ / "a.h5";
  {
    CaptureWriter writer(path, record_, layout, false);
    writer.commit(testing::example_batch(record_, 0, 2));
    writer.commit(testing::example_batch(record_, 2, 2));
  }
  const hid_t file = H5Fopen((path + ".partial").c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hid_t dataset = H5Dopen2(file, "/committed_samples", H5P_DEFAULT);
  const std::int64_t before = 2;
  ASSERT_GE(H5Dwrite(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, &before), 0);
  H5Dclose(dataset);
  H5Fclose(file);
  CaptureWriter writer(path, record_, layout, CaptureWriter::Resume{});
  EXPECT_EQ(writer.committed_samples(), 2);
  writer.commit(testing::example_batch(record_, 2, 2));
  writer.commit(testing::example_batch(record_, 4, 1));
  writer.finish();
  EXPECT_EQ(CaptureReader(path).losses()[LossCounter::overflowed_values], 3);
}

// A name that is long enough fails where the unfinished file gets a longer one: the error must be
// about the file that the user asked for.
TEST_F(CaptureWriterTest, NamesTheOutputThatCannotBeCreated) {
  const std::string path = folder_ / (std::string(250, 'a') + ".h5");
  EXPECT_THAT(failure(path), HasSubstr(path + ": expected to create the file, got File name too"));
}

TEST_F(CaptureWriterTest, LeavesNothingBesideTheFinishedFile) {
  testing::write_example(folder_ / "a.h5", record_, testing::example_layout(record_));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()), 1);
}

// A forgotten --force must not cost a finished capture or an hour of an interrupted one.
TEST_F(CaptureWriterTest, OverwritesNothingUnforced) {
  const std::string path = folder_ / "a.h5";
  testing::write_example(path, record_, testing::example_layout(record_));
  EXPECT_THAT(failure(path), HasSubstr("a.h5: expected a new file"));
  EXPECT_THAT(failure(path), HasSubstr("--force"));
  fs::rename(path, path + ".partial");
  EXPECT_THAT(failure(path), HasSubstr("a.h5.partial: expected no unfinished file"));
  EXPECT_EQ(failure(path, true), "no failure");
}

TEST_F(CaptureWriterTest, KeepsTheOldFileUntilTheNewOneIsWhole) {
  const std::string path = folder_ / "a.h5";
  testing::write_example(path, record_, testing::example_layout(record_));
  RunRecord other = testing::example_record(2);
  CaptureWriter writer(path, other, testing::example_layout(other), true);
  EXPECT_EQ(CaptureReader(path).committed_samples(), 5);
  writer.commit(testing::example_batch(other, 0, 2));
  writer.finish();
  EXPECT_EQ(CaptureReader(path).committed_samples(), 2);
}

TEST_F(CaptureWriterTest, SaysWhyAnOutputCannotBeWritten) {
  EXPECT_THAT(failure(folder_ / "missing/a.h5"), HasSubstr("no such folder"));
  fs::create_directory(folder_ / "folder.h5");
  EXPECT_THAT(failure(folder_ / "folder.h5", true), HasSubstr("got a folder"));
  fs::create_directory(folder_ / "b.h5.partial");
  EXPECT_THAT(failure(folder_ / "b.h5", true), HasSubstr("got a folder"));
}

// In a child: the limit stays with the process.
int write_under_limit(const std::string& path, const RunRecord& record, rlim_t bytes) {
  const rlimit limit = {bytes, bytes};
  setrlimit(RLIMIT_FSIZE, &limit);
  try {
    testing::write_example(path, record, testing::example_layout(record));
  } catch (const Error& mistake) {
    const std::string text = mistake.what();
    return text.find(path) != std::string::npos && text.find("file size limit") != std::string::npos
               ? 42
               : 43;
  }
  return 0;
}

TEST_F(CaptureWriterTest, ReportsAFullDisk) {
  // From a file that cannot even be created to one that fails after some batches.
  for (const rlim_t bytes : {rlim_t{1000}, rlim_t{150000}, rlim_t{400000}}) {
    const std::string path = folder_ / ("limit" + std::to_string(bytes) + ".h5");
    const RunRecord record = testing::example_record(200);
    const pid_t child = fork();
    if (child == 0) _exit(write_under_limit(path, record, bytes));
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
    EXPECT_EQ(WEXITSTATUS(status), 42);
    EXPECT_FALSE(fs::exists(path));
    if (!fs::exists(path + ".partial")) continue;
    const CaptureReader reader(path + ".partial");
    testing::expect_committed_samples(reader);
    if (bytes == 400000) {
      EXPECT_GT(reader.committed_samples(), 0);
    }
  }
}

// A mistake of the caller must not spoil the file: the right batch still goes in afterwards.
TEST_F(CaptureWriterTest, RefusesWhatDoesNotFitTheLayoutAndGoesOn) {
  const std::string path = folder_ / "a.h5";
  const std::vector<std::function<void(BatchRecord&)>> mistakes = {
      [](BatchRecord& batch) { batch.raw.pop_back(); },
      [](BatchRecord& batch) { batch.raw[1].layer = 0; },
      [](BatchRecord& batch) { batch.raw[1].value.pop_back(); },
      [](BatchRecord& batch) { batch.timing.reset(); },
      [](BatchRecord& batch) { batch.timing->batch_ns.data.pop_back(); },
      [](BatchRecord& batch) { batch.token_ids.data.pop_back(); },
      [](BatchRecord& batch) { batch.seeds.pop_back(); },
      [](BatchRecord& batch) { batch.statistics.reset(); },
      [](BatchRecord& batch) { batch.statistics->samples = 9; },
      [](BatchRecord& batch) { batch.statistics->mass_sum.shape = {2, 2, 9}; },
      [](BatchRecord& batch) { batch.ledger.shared_bytes = {}; },
      [](BatchRecord& batch) { batch.predicted_classes.assign(batch.labels.size(), 0); },
  };
  CaptureWriter writer(path, record_, testing::example_layout(record_), false);
  for (std::int64_t first = 0; first < 5; first += 2) {
    const BatchRecord right =
        testing::example_batch(record_, first, std::min<std::int64_t>(2, 5 - first));
    for (std::size_t i = 0; i < mistakes.size(); ++i) {
      BatchRecord wrong = right;
      mistakes[i](wrong);
      EXPECT_THROW(writer.commit(wrong), Error) << "mistake " << i;
    }
    EXPECT_THROW(writer.commit(testing::example_batch(record_, first, 6)), Error);
    writer.commit(right);
  }
  writer.finish();
  const CaptureReader reader(path);
  testing::expect_committed_samples(reader);
  EXPECT_EQ(reader.losses()[LossCounter::overflowed_values], 3);
  EXPECT_EQ(reader.statistics()->mass, testing::means_of_batches(reader).mass);
}

// Room that appears later must not let a file with a hole pass for a whole one.
TEST_F(CaptureWriterTest, TakesNothingMoreAfterAFailedWrite) {
  const std::string path = folder_ / "a.h5";
  {
    CaptureWriter writer(path, record_, testing::example_layout(record_), false);
    writer.commit(testing::example_batch(record_, 0, 2));
    const BatchRecord next = testing::example_batch(record_, 2, 2);
    {
      const testing::FullDisk full;
      EXPECT_THROW(writer.commit(next), Error);
    }
    const auto refused = ::testing::ThrowsMessage<Error>(HasSubstr("after a failed write"));
    EXPECT_THAT([&] { writer.commit(next); }, refused);
    EXPECT_THAT([&] { writer.finish(); }, refused);
  }
  EXPECT_FALSE(fs::exists(path));
  const CaptureReader reader(path + ".partial");
  EXPECT_EQ(reader.committed_samples(), 2);
  testing::expect_committed_samples(reader);
}

TEST_F(CaptureWriterTest, LeavesAPartialFileWhenTheDiskFillsAtTheEnd) {
  const std::string path = folder_ / "a.h5";
  {
    const RunRecord record = testing::example_record(2);
    CaptureWriter writer(path, record, testing::example_layout(record), false);
    writer.commit(testing::example_batch(record, 0, 2));
    const testing::FullDisk full;
    EXPECT_THAT([&] { writer.finish(); },
                ::testing::ThrowsMessage<Error>(HasSubstr("file size limit")));
  }
  EXPECT_FALSE(fs::exists(path));
  const CaptureReader reader(path + ".partial");
  EXPECT_EQ(reader.committed_samples(), 2);
  testing::expect_committed_samples(reader);
}

// Half a run must not look like a whole one.
TEST_F(CaptureWriterTest, FinishesOnlyWithEverySample) {
  const std::string path = folder_ / "a.h5";
  CaptureWriter writer(path, record_, testing::example_layout(record_), false);
  writer.commit(testing::example_batch(record_, 0, 2));
  EXPECT_THAT([&] { writer.finish(); },
              ::testing::ThrowsMessage<Error>(HasSubstr("5 samples in a finished file, got 2")));
  EXPECT_FALSE(fs::exists(path));
  EXPECT_FALSE(CaptureReader(path + ".partial").complete());
  writer.commit(testing::example_batch(record_, 2, 2));
  writer.commit(testing::example_batch(record_, 4, 1));
  writer.finish();
  EXPECT_TRUE(CaptureReader(path).complete());
}

TEST_F(CaptureWriterTest, RefusesToKeepWhatDoesNotExist) {
  record_.settings.keep.heads = {0, 2};
  EXPECT_THAT(failure(folder_ / "a.h5"), HasSubstr("keep.heads"));
  record_.settings.keep = {.layers = {}, .heads = {}, .scales = {1, 1}, .samples = {}};
  EXPECT_THAT(failure(folder_ / "a.h5"), HasSubstr("keep.scales"));
}

}  // namespace
}  // namespace kvscope
