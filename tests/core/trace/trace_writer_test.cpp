#include "core/trace/trace_writer.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "core/base/error.h"
#include "core/base/output_file.h"
#include "core/trace/trace_reader.h"
#include "tests/core/trace/example_trace.h"
#include "tests/core/trace/expect_trace.h"
#include "tests/support/full_disk.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using trace::table_of;

class TraceWriterTest : public ::testing::Test {
 protected:
  testing::TempDir folder_;
  std::string path_ = folder_ / "a.trace.h5";
  std::string partial_ = partial_path(path_);
};

TEST_F(TraceWriterTest, WritesEveryFieldOfEveryTable) {
  const trace::RowSite site = {.batch = 3, .repeat = 1, .scale = 9, .layer = 29, .module = 3};
  TraceWriter writer(path_, testing::example_id, false);
  const trace::TextId one = writer.text("gemm<float, 128>(void)");
  const trace::TextId two = writer.text("Größe");
  const trace::KernelRow kernel = {-5, std::int64_t{1} << 60, site, one, 1, 2, 3, 1LL << 50};
  const trace::CopyRow copy = {1, 2, site, two, 1LL << 33, 1, 2, 3, 4};
  const trace::CallRow call = {1, 2, site, one, 1LL << 40, 5};
  const trace::RangeRow range = {1, 2, site, two, 6};
  const trace::AllocationRow allocation = {1, site, one, ~0ULL, -4096, 2, 3};
  const trace::CounterRow counter = {1, site, two, one, 2, 0.1};
  writer.append(kernel);
  writer.append(copy);
  writer.append(call);
  writer.append(range);
  writer.append(allocation);
  writer.append(counter);
  writer.append(trace::LossRow{9, one, two, 7});
  writer.finish();
  const TraceReader reader(partial_);
  EXPECT_EQ(reader.capture_id(), testing::example_id);
  EXPECT_TRUE(reader.complete());
  EXPECT_THAT(reader.read<trace::KernelRow>({0, 1}), ElementsAre(kernel));
  EXPECT_THAT(reader.read<trace::CopyRow>({0, 1}), ElementsAre(copy));
  EXPECT_THAT(reader.read<trace::CallRow>({0, 1}), ElementsAre(call));
  EXPECT_THAT(reader.read<trace::RangeRow>({0, 1}), ElementsAre(range));
  EXPECT_THAT(reader.read<trace::AllocationRow>({0, 1}), ElementsAre(allocation));
  EXPECT_THAT(reader.read<trace::CounterRow>({0, 1}), ElementsAre(counter));
  EXPECT_THAT(reader.read<trace::LossRow>({0, 1}), ElementsAre(trace::LossRow{9, one, two, 7}));
  EXPECT_EQ(reader.text(two), "Größe");
  EXPECT_EQ(reader.modules()[3], "attention_core");
}

// A run writes millions of rows into a file that begins small.
TEST_F(TraceWriterTest, MovesToLargerFiles) {
  {
    TraceWriter writer(path_, testing::example_id, false);
    testing::append_example(writer, 0, 70000);
    writer.commit();
    testing::append_example(writer, 70000, 80000);
    // Texts grow beyond their room as well: 6000 of 100 bytes.
    for (int i = 0; i < 6000; ++i) writer.text(fmt::format("{:0100}", i));
    writer.commit();
    EXPECT_EQ(writer.committed_rows(table_of<trace::KernelRow>()), 150000);
  }
  const TraceReader reader(partial_);
  EXPECT_FALSE(reader.complete());
  EXPECT_EQ(reader.rows(table_of<trace::KernelRow>()), 150000);
  EXPECT_EQ(reader.rows(table_of<trace::CounterRow>()), testing::counters_of(150000));
  testing::expect_example_rows(reader);
  EXPECT_EQ(reader.texts().back(), fmt::format("{:0100}", 5999));
  EXPECT_FALSE(fs::exists(partial_ + ".new"));
}

TEST_F(TraceWriterTest, ShowsCommittedRowsOnly) {
  TraceWriter writer(path_, testing::example_id, false);
  testing::append_example(writer, 0, 100);
  writer.commit();
  // These have left the buffers, and the second file has them: they are not committed all the same.
  testing::append_example(writer, 100, 70000);
  {
    const TraceReader reader(partial_);
    EXPECT_EQ(reader.rows(table_of<trace::KernelRow>()), 100);
    testing::expect_example_rows(reader);
  }
  writer.commit();
  testing::expect_example_rows(TraceReader(partial_));
  EXPECT_EQ(TraceReader(partial_).rows(table_of<trace::KernelRow>()), 70100);
}

// A finished file is no longer than its rows, and an empty table is no hole.
TEST_F(TraceWriterTest, LeavesAFileOfItsRowsAlone) {
  testing::write_example_trace(path_, 1000);
  const TraceReader reader(partial_);
  EXPECT_TRUE(reader.complete());
  EXPECT_EQ(reader.rows(table_of<trace::CopyRow>()), 0);
  EXPECT_THAT(reader.rows_in<trace::CopyRow>({-1000, 1000}), ElementsAre());
  testing::expect_example_rows(reader);
  // 1000 · (84 + 56) + 334 · 48 bytes of rows, and about as much for the objects.
  EXPECT_LT(fs::file_size(partial_), 330000U);
  EXPECT_FALSE(fs::exists(path_)) << "it is published with its capture";
}

TEST_F(TraceWriterTest, TakesATextOnce) {
  TraceWriter writer(path_, testing::example_id, false);
  EXPECT_EQ(writer.text(""), trace::TextId::none);
  const trace::TextId name = writer.text("a");
  writer.commit();
  EXPECT_EQ(writer.text(std::string("a")), name);
  EXPECT_NE(writer.text("b"), name);
  writer.finish();
  EXPECT_THAT(TraceReader(partial_).texts(), ElementsAre("", "a", "b"));
}

// A trace with holes must not look whole.
TEST_F(TraceWriterTest, CountsWhatWasLost) {
  TraceWriter writer(path_, testing::example_id, false);
  const trace::Table& kernels = table_of<trace::KernelRow>();
  const trace::Table& allocations = table_of<trace::AllocationRow>();
  writer.lose(kernels, trace::LossReason::driver_dropped, 5, 1000);
  writer.lose(allocations, trace::LossReason::buffer_full, 1, 1500);
  writer.lose(kernels, trace::LossReason::driver_dropped, 2, 2000);
  writer.commit();
  const std::vector<TraceLoss> losses = TraceReader(partial_).losses();
  ASSERT_EQ(losses.size(), 2U);
  EXPECT_EQ(losses[0].table, "kernels");
  EXPECT_EQ(losses[0].reason, "driver_dropped");
  EXPECT_THAT(losses[0].advice, HasSubstr("buffers"));
  EXPECT_EQ(losses[0].lost_rows, 7);
  EXPECT_EQ(losses[1].table, "allocations");
  EXPECT_EQ(losses[1].lost_rows, 1);
}

TEST_F(TraceWriterTest, RefusesFilesThatAreThere) {
  testing::write_example_trace(path_, 10);
  EXPECT_THAT([&] { TraceWriter(path_, testing::example_id, false); },
              ::testing::ThrowsMessage<Error>(HasSubstr(partial_)));
  fs::rename(partial_, path_);
  EXPECT_THAT([&] { TraceWriter(path_, testing::example_id, false); },
              ::testing::ThrowsMessage<Error>(HasSubstr(path_)));
  { const TraceWriter writer(path_, "another", true); }
  EXPECT_EQ(TraceReader(partial_).capture_id(), "another");
  EXPECT_EQ(TraceReader(path_).rows(table_of<trace::KernelRow>()), 10)
      << "the finished file stays until the new one takes its name";
}

// What was committed survives a full disk, in a block of rows, a commit or a move to a larger file.
TEST_F(TraceWriterTest, ReportsAFullDiskAndKeepsWhatWasCommitted) {
  for (const std::int64_t more : {10, 5000, 70000}) {
    TraceWriter writer(path_, testing::example_id, true);
    testing::append_example(writer, 0, 3000);
    writer.commit();
    {
      const testing::FullDisk full;
      EXPECT_THAT(
          [&] {
            testing::append_example(writer, 3000, more);
            writer.commit();
          },
          ::testing::ThrowsMessage<Error>(
              ::testing::AllOf(HasSubstr(partial_), HasSubstr("size limit"))));
    }
    EXPECT_THAT([&] { writer.commit(); },
                ::testing::ThrowsMessage<Error>(HasSubstr("after a failed write")));
    EXPECT_THAT([&] { testing::append_example(writer, 0, 1); },
                ::testing::ThrowsMessage<Error>(HasSubstr("after a failed write")));
    const TraceReader reader(partial_);
    EXPECT_EQ(reader.rows(table_of<trace::KernelRow>()), 3000);
    testing::expect_example_rows(reader);
    EXPECT_FALSE(fs::exists(partial_ + ".new"));
  }
}

// A resumed run draws the batch again that was under way: its first rows must not be there twice.
TEST_F(TraceWriterTest, GoesOnBehindTheBatchesOfItsCapture) {
  {
    TraceWriter writer(path_, testing::example_id, false);
    testing::append_example(writer, 0, 72300);  // batches of 1000 steps: 72 and a part
    writer.commit();
  }
  {
    TraceWriter writer(path_, testing::example_id, TraceWriter::Resume{72});
    EXPECT_EQ(writer.committed_rows(table_of<trace::KernelRow>()), 72000);
    testing::append_example(writer, 72000, 3000);
    writer.finish();
  }
  const TraceReader reader(partial_);
  EXPECT_EQ(reader.rows(table_of<trace::KernelRow>()), 75000);
  EXPECT_EQ(reader.rows(table_of<trace::CounterRow>()), 25000);
  testing::expect_example_rows(reader);
}

// Names of kernels are long: their texts outgrow the room of a new file before the rows do.
TEST_F(TraceWriterTest, GoesOnBehindMoreTextsThanANewFileHasRoomFor) {
  const auto name = [](int i) { return fmt::format("{:0100}", i); };
  {
    TraceWriter writer(path_, testing::example_id, false);
    for (int i = 0; i < 6000; ++i) writer.append(trace::RangeRow{.name = writer.text(name(i))});
    writer.commit();
  }
  {
    TraceWriter writer(path_, testing::example_id, TraceWriter::Resume{1});
    writer.append(trace::RangeRow{.name = writer.text(name(6000))});
    writer.finish();
  }
  const TraceReader reader(partial_);
  const std::vector<trace::RangeRow> rows = reader.read<trace::RangeRow>({0, 6001});
  EXPECT_EQ(reader.text(rows.front().name), name(0));
  EXPECT_EQ(reader.text(rows.back().name), name(6000));
}

TEST_F(TraceWriterTest, ResumesWithoutATraceButNotWithAnotherOnes) {
  {
    TraceWriter writer(path_, testing::example_id, TraceWriter::Resume{5});
    testing::append_example(writer, 0, 10);
    writer.commit();
  }
  EXPECT_EQ(TraceReader(partial_).rows(table_of<trace::CallRow>()), 10);
  EXPECT_THAT([&] { TraceWriter(path_, "another", TraceWriter::Resume{0}); },
              ::testing::ThrowsMessage<BadInput>(HasSubstr("the trace of capture another")));
}

/// Figure of /proc/self/status in KiB: VmHWM is the peak resident set since it was reset.
std::int64_t status_kib(const std::string& name) {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    std::int64_t value = 0;
    if (word == name + ":" && status >> value) return value;
  }
  return -1;
}

// A run of an hour must not end because its trace filled the memory: 5 million kernels are 440 MB.
TEST_F(TraceWriterTest, HoldsFewOfMillionsOfRows) {
  constexpr std::int64_t rows = 5'000'000;
  constexpr std::int64_t most_kib = 24 * 1024;
  std::ofstream("/proc/self/clear_refs") << 5;
  const std::int64_t before = status_kib("VmRSS");
  {
    TraceWriter writer(path_, testing::example_id, false);
    trace::KernelRow row;
    row.name = writer.text("kernel");
    for (std::int64_t i = 0; i < rows; ++i) {
      row.begin_ns = 1000 * i;
      row.end_ns = row.begin_ns + 900;
      row.site.batch = i / 5000;
      row.correlation = i;
      writer.append(row);
      if (i % 5000 == 0) writer.commit();
    }
    writer.finish();
  }
  RecordProperty("writing_kib", static_cast<int>(status_kib("VmHWM") - before));
  EXPECT_LT(status_kib("VmHWM") - before, most_kib) << "while writing";
  const TraceReader reader(partial_);
  std::int64_t found = 0;
  std::int64_t sum = 0;
  reader.visit<trace::KernelRow>({0, 1000 * rows},
                                 {&trace::KernelRow::begin_ns, &trace::KernelRow::correlation},
                                 [&](std::span<const trace::KernelRow> part) {
                                   found += std::ssize(part);
                                   for (const trace::KernelRow& row : part) sum += row.correlation;
                                 });
  EXPECT_EQ(found, rows);
  EXPECT_EQ(sum, rows * (rows - 1) / 2);
  // Pieces of 65,536 rows of 88 bytes on top.
  RecordProperty("reading_kib", static_cast<int>(status_kib("VmHWM") - before));
  EXPECT_LT(status_kib("VmHWM") - before, most_kib) << "while reading";
}

}  // namespace
}  // namespace kvscope
