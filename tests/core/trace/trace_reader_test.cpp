#include "core/trace/trace_reader.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <hdf5.h>

#include "core/base/error.h"
#include "core/base/output_file.h"
#include "core/trace/trace_writer.h"
#include "tests/core/trace/example_trace.h"
#include "tests/core/trace/expect_trace.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace trace {

/// A kernel as a later version might have it, and a table of its own.
struct LaterKernelRow {
  KernelRow kernel;
  std::int64_t registers = 255;
};
struct LaterRow {
  std::int64_t time_ns = 0;
};

namespace {

std::vector<Column> with_registers() {
  const std::span<const Column> columns = table_of<KernelRow>().columns;
  std::vector<Column> all(columns.begin(), columns.end());
  all.push_back(
      {"registers", Type::int64, "1", "of a thread", offsetof(LaterKernelRow, registers), 1});
  return all;
}

const std::vector<Column> later_kernel_columns = with_registers();
constexpr std::array later_columns = {Column{"time_ns", Type::int64, "ns", "when", 0}};
const std::array later_tables = {
    Table{"kernels", "", later_kernel_columns, true, sizeof(LaterKernelRow)},
    Table{"later", "", later_columns, false, sizeof(LaterRow), 1}};

}  // namespace

template <>
const Table& table_of<LaterKernelRow>() {
  return later_tables[0];
}
template <>
const Table& table_of<LaterRow>() {
  return later_tables[1];
}

}  // namespace trace

namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using trace::KernelRow;
using trace::table_of;

/// Bytes that this process has read so far, by system calls of any kind.
std::int64_t bytes_read() {
  std::ifstream io("/proc/self/io");
  std::string word;
  std::int64_t count = 0;
  io >> word >> count;
  return count;
}

class TraceReaderTest : public ::testing::Test {
 protected:
  /// A complete trace of so many steps, under its own name.
  const std::string& write(std::int64_t steps) {
    testing::write_example_trace(path_, steps);
    fs::rename(partial_path(path_), path_);
    return path_;
  }

  /// Rows of the given times, in this order.
  const std::string& write_kernels(const std::vector<std::array<std::int64_t, 2>>& times) {
    TraceWriter writer(path_, testing::example_id, true);
    for (const auto& [begin, end] : times) {
      writer.append(KernelRow{.begin_ns = begin, .end_ns = end});
    }
    writer.finish();
    fs::rename(partial_path(path_), path_);
    return path_;
  }

  /// Changes the file at `path_` with HDF5 itself.
  void edit(const std::function<void(hid_t)>& change) const {
    const hid_t file = H5Fopen(path_.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    ASSERT_GE(file, 0);
    change(file);
    ASSERT_GE(H5Fclose(file), 0);
  }
  static void put_integer(hid_t file, const char* object, std::int64_t value) {
    const hid_t dataset = H5Dopen2(file, object, H5P_DEFAULT);
    ASSERT_GE(H5Dwrite(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, &value), 0);
    H5Dclose(dataset);
  }
  static void put_text(hid_t file, const char* name, const std::string& text) {
    H5Adelete(file, name);
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, text.size());
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    ASSERT_GE(H5Awrite(attribute, type, text.data()), 0);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
  }
  static void replace(hid_t file, const char* path, hid_t type, hsize_t length) {
    H5Ldelete(file, path, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(1, &length, nullptr);
    H5Dclose(H5Dcreate2(file, path, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(space);
  }

  std::string refusal() const {
    try {
      const TraceReader reader(path_);
    } catch (const BadInput& mistake) {
      return mistake.what();
    }
    return "no refusal";
  }

  testing::TempDir folder_;
  std::string path_ = folder_ / "a.trace.h5";
};

// The viewer pans over a part of a large trace: what it shows must be all that happened there.
TEST_F(TraceReaderTest, FindsTheRowsOfATime) {
  const TraceReader reader(write(30000));
  const std::vector<KernelRow> all = reader.read<KernelRow>({0, 30000});
  std::mt19937 random(7);
  std::uniform_int_distribution<std::int64_t> time(-20000, 30020000);
  for (int round = 0; round < 50; ++round) {
    const std::int64_t first = time(random);
    const std::int64_t last = round % 2 == 0 ? time(random) : first + time(random) % 3000;
    std::vector<KernelRow> expected;
    for (const KernelRow& row : all) {
      const bool takes_some = row.begin_ns < last && row.end_ns > first;
      const bool is_moment =
          row.begin_ns == row.end_ns && row.begin_ns >= first && row.begin_ns < last;
      if (takes_some || is_moment) expected.push_back(row);
    }
    ASSERT_EQ(reader.rows_in<KernelRow>({first, last}), expected) << first << " to " << last;
  }
}

TEST_F(TraceReaderTest, CountsTimesAtTheEdgesOnce) {
  // Two neighbours, a moment, and one whose clock was wrapped.
  const TraceReader reader(write_kernels({{0, 10}, {10, 20}, {10, 10}, {40, 30}}));
  const auto found = [&](std::int64_t first, std::int64_t last) {
    std::vector<std::int64_t> begins;
    for (const KernelRow& row : reader.rows_in<KernelRow>({first, last})) {
      begins.push_back(row.begin_ns);
    }
    return begins;
  };
  EXPECT_THAT(found(0, 10), ElementsAre(0));
  EXPECT_THAT(found(10, 11), ElementsAre(10, 10));
  EXPECT_THAT(found(11, 20), ElementsAre(10));
  EXPECT_THAT(found(20, 30), IsEmpty());
  EXPECT_THAT(found(35, 36), ElementsAre(40));
  EXPECT_EQ(reader.window(table_of<KernelRow>()).first_ns, 0);
  EXPECT_EQ(reader.window(table_of<KernelRow>()).last_ns, 41);
}

// A moment at the very end of a block is found by its time.
TEST_F(TraceReaderTest, FindsAMomentThatEndsABlock) {
  std::vector<std::array<std::int64_t, 2>> times(5000, {100, 100});
  times.back() = {50, 50};
  const TraceReader reader(write_kernels(times));
  EXPECT_EQ(reader.rows_in<KernelRow>({100, 101}).size(), 4999U);
  EXPECT_EQ(reader.rows_in<KernelRow>({50, 51}).size(), 1U);
}

// Showing a millisecond of an hour must not read the hour.
TEST_F(TraceReaderTest, ReadsOnlyTheBlocksOfATime) {
  constexpr std::int64_t steps = 200000;
  const TraceReader reader(write(steps));
  const TimeWindow middle = {100'000'000, 101'000'000};
  const std::vector<RowRange> blocks = reader.blocks_in(table_of<KernelRow>(), middle);
  std::int64_t rows = 0;
  for (const RowRange& range : blocks) rows += range.count;
  // A block takes 4.1 ms: the millisecond lies in one of them, or two.
  EXPECT_LE(rows, 2 * trace::block_rows);
  const std::int64_t before = bytes_read();
  EXPECT_EQ(reader.rows_in<KernelRow>(middle).size(), 1000U);
  const std::int64_t whole = bytes_read() - before;
  // Rows of 76 bytes in the file, and their times once more.
  EXPECT_LE(whole, 2 * trace::block_rows * (76 + 16));
  EXPECT_EQ(reader.rows_in<KernelRow>(middle, {&KernelRow::name}).size(), 1000U);
  EXPECT_LE(bytes_read() - before - whole, 2 * trace::block_rows * (4 + 16));
}

TEST_F(TraceReaderTest, ReadsTheFieldsThatAreAskedFor) {
  const TraceReader reader(write(5000));
  const std::vector<KernelRow> rows =
      reader.read<KernelRow>({4999, 1}, {&KernelRow::end_ns, &KernelRow::site});
  const KernelRow whole = reader.read<KernelRow>({4999, 1}).front();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].end_ns, whole.end_ns);
  EXPECT_EQ(rows[0].site, whole.site);
  EXPECT_EQ(rows[0].begin_ns, 0);
  EXPECT_EQ(rows[0].correlation, -1) << "not asked for: as in a row of its own";
  EXPECT_THROW(reader.read<KernelRow>({4999, 2}), Error);
}

// A trace of the first version in a tool with more tables and columns.
TEST_F(TraceReaderTest, KnowsThatOlderFilesLackLaterTablesAndColumns) {
  write(10);
  {
    const TraceReader reader(path_, trace::later_tables);
    const std::vector<trace::LaterKernelRow> rows = reader.read<trace::LaterKernelRow>({0, 10});
    EXPECT_EQ(rows[9].registers, 255) << "the default";
    EXPECT_EQ(rows[9].kernel.correlation, 10);
    EXPECT_EQ(reader.rows(table_of<trace::LaterRow>()), 0);
    EXPECT_THAT(reader.rows_in<trace::LaterRow>({0, 10}), IsEmpty());
  }
  // A file of that version has them, unless it is damaged.
  edit([](hid_t file) {
    const hid_t minor = H5Aopen(file, "schema_minor", H5P_DEFAULT);
    const std::int64_t one = 1;
    ASSERT_GE(H5Awrite(minor, H5T_NATIVE_INT64, &one), 0);
    H5Aclose(minor);
  });
  EXPECT_THAT([&] { TraceReader(path_, trace::later_tables); },
              ::testing::ThrowsMessage<BadInput>(HasSubstr("/later/committed_rows")));
}

// A trace of a later version of 1 in this tool.
TEST_F(TraceReaderTest, SkipsTablesAndColumnsItDoesNotKnow) {
  write(10);
  edit([](hid_t file) {
    replace(file, "/kernels/registers", H5T_STD_I64LE, 10);
    H5Gclose(H5Gcreate2(file, "/later", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    replace(file, "/later/time_ns", H5T_STD_I64LE, 10);
  });
  const TraceReader reader(path_);
  testing::expect_example_rows(reader);
  EXPECT_THAT(reader.skipped(), ElementsAre("later"));
}

TEST_F(TraceReaderTest, RefusesTheTraceOfAnotherCapture) {
  write(10);
  EXPECT_NO_THROW(TraceReader(path_, testing::example_id));
  EXPECT_THAT([&] { TraceReader(path_, "mine"); },
              ::testing::ThrowsMessage<BadInput>(AllOf(HasSubstr(path_),
                                                       HasSubstr("the trace of capture mine"),
                                                       HasSubstr(testing::example_id))));
}

TEST_F(TraceReaderTest, SaysWhereTheUnfinishedFileIs) {
  testing::write_example_trace(path_, 10);
  EXPECT_THAT(refusal(), HasSubstr(partial_path(path_) + " is there"));
}

TEST_F(TraceReaderTest, RefusesWhatIsNoTrace) {
  EXPECT_THAT(refusal(), AllOf(HasSubstr(path_), HasSubstr("No such file")));
  std::ofstream(path_) << "text";
  EXPECT_THAT(refusal(), AllOf(HasSubstr(path_), HasSubstr("expected an HDF5 file")));
}

TEST_F(TraceReaderTest, RefusesATruncatedFile) {
  write(5000);
  fs::resize_file(path_, fs::file_size(path_) / 2);
  EXPECT_THAT(refusal(), AllOf(HasSubstr(path_), HasSubstr("truncated")));
}

TEST_F(TraceReaderTest, RefusesOtherVersionsAndFormats) {
  write(10);
  edit([](hid_t file) { put_text(file, "schema", "kvscope.trace/2"); });
  EXPECT_THAT(refusal(), AllOf(HasSubstr("kvscope.trace/1"), HasSubstr("a newer kvscope reads")));
  edit([](hid_t file) { put_text(file, "schema", "kvscope.capture/1"); });
  EXPECT_THAT(refusal(), AllOf(HasSubstr("a kvscope trace"), HasSubstr("kvscope.capture/1")));
  edit([](hid_t file) { H5Adelete(file, "schema"); });
  EXPECT_THAT(refusal(), HasSubstr("without the attribute schema"));
}

TEST_F(TraceReaderTest, RefusesDamagedTables) {
  struct Damage {
    std::function<void(hid_t)> make;
    std::string named;
  };
  const std::vector<Damage> all = {
      {[](hid_t file) { replace(file, "/kernels/device", H5T_STD_I64LE, 10); },
       "/kernels/device of type int32"},
      {[](hid_t file) { replace(file, "/kernels/device", H5T_STD_U32LE, 10); },
       "/kernels/device of type int32"},
      {[](hid_t file) { replace(file, "/counters/value", H5T_STD_I64LE, 10); },
       "/counters/value of type float64"},
      {[](hid_t file) { replace(file, "/kernels/stream", H5T_STD_I64LE, 9); },
       "/kernels/stream with at least 10 values"},
      {[](hid_t file) { H5Ldelete(file, "/calls/thread", H5P_DEFAULT); }, "/calls/thread"},
      {[](hid_t file) { H5Ldelete(file, "/ranges", H5P_DEFAULT); }, "/ranges/committed_rows"},
      {[](hid_t file) { put_integer(file, "/calls/committed_rows", 11); },
       "/calls/begin_ns with at least 11 values"},
      {[](hid_t file) { put_integer(file, "/calls/committed_rows", -1); },
       "/calls/committed_rows not to be negative"},
      {[](hid_t file) { replace(file, "/kernels/block_first_ns", H5T_STD_I64LE, 0); },
       "/kernels/block_first_ns"},
      {[](hid_t file) { put_integer(file, "/strings/committed_rows", 1 << 30); },
       "/strings/end with at least"},
      {[](hid_t file) { replace(file, "/strings/utf8", H5T_STD_U8LE, 3); }, "/strings/utf8"},
  };
  for (const Damage& damage : all) {
    fs::remove(path_);
    write(10);
    edit(damage.make);
    EXPECT_THAT(refusal(), AllOf(HasSubstr(path_), HasSubstr(damage.named)));
  }
}

TEST_F(TraceReaderTest, RefusesATextThatIsNotThere) {
  const TraceReader reader(write(10));
  EXPECT_THAT([&] { (void)reader.text(static_cast<trace::TextId>(1000)); },
              ::testing::ThrowsMessage<BadInput>(AllOf(HasSubstr(path_), HasSubstr("text 1000"))));
}

}  // namespace
}  // namespace kvscope
