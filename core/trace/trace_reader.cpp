#include "core/trace/trace_reader.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/capture/h5.h"
#include "core/trace/trace_objects.h"

namespace kvscope {
namespace {

using trace::Column;
using trace::Table;

/// Rows that a visit has in memory.
constexpr std::int64_t piece_rows = 65536;
constexpr std::int64_t most_block_rows = std::int64_t{1} << 24;
/// What the root holds beside tables.
constexpr std::string_view strings_group = "strings";
constexpr std::string_view modules_name = "module";

h5::File open_file(const h5::Calls& calls) {
  h5::Properties access(calls(H5Pcreate(H5P_FILE_ACCESS), "set up the file"));
  // What is read goes straight to the caller, and nothing around it is read.
  calls(H5Pset_sieve_buf_size(access.get(), 0), "set up the file");
  return h5::open_for_reading(calls, std::move(access));
}

void check_schema(const h5::Calls& calls, hid_t file) {
  if (!h5::has_attribute(calls, file, trace::schema_attribute)) {
    calls.refuse("a kvscope trace", "an HDF5 file without the attribute schema");
  }
  const std::string found = h5::read_text(calls, file, trace::schema_attribute);
  if (found == trace::version) return;
  if (!found.starts_with(trace::family)) {
    calls.refuse("a kvscope trace", fmt::format("schema {}", found));
  }
  calls.refuse(fmt::format("schema {}, the one this build reads", trace::version),
               fmt::format("{} (a newer kvscope reads it)", found));
}

/// Names of what the root holds.
std::vector<std::string> root_names(const h5::Calls& calls, hid_t file) {
  std::vector<std::string> names;
  const auto add = [](hid_t, const char* name, const H5L_info_t*, void* to) -> herr_t {
    static_cast<std::vector<std::string>*>(to)->emplace_back(name);
    return 0;
  };
  calls(H5Literate(file, H5_INDEX_NAME, H5_ITER_INC, nullptr, add, &names), "list the tables");
  return names;
}

bool has_type(hid_t found, trace::Type wanted) {
  const H5T_class_t kind = H5Tget_class(found);
  if (H5Tget_size(found) != trace::bytes_of(wanted)) return false;
  if (wanted == trace::Type::float64) return kind == H5T_FLOAT;
  const bool is_unsigned = wanted == trace::Type::uint32 || wanted == trace::Type::uint64;
  return kind == H5T_INTEGER && (H5Tget_sign(found) == H5T_SGN_NONE) == is_unsigned;
}

/// Opens one-dimensional values of a type, at least so many.
h5::DatasetHandle open_values(const h5::Calls& calls, hid_t file, const std::string& path,
                              trace::Type type, std::int64_t least) {
  h5::DatasetHandle dataset = h5::open_dataset(calls, file, path);
  const h5::Datatype found(calls(H5Dget_type(dataset.get()), "open " + path));
  if (!has_type(found.get(), type)) {
    calls.refuse(fmt::format("{} of type {}", path, name_of(type)), "another type");
  }
  const std::vector<std::int64_t> shape = h5::shape_of(calls, dataset.get(), path);
  if (shape.size() != 1) calls.refuse(path + " of one dimension", "another rank");
  if (shape[0] < least) {
    calls.refuse(fmt::format("{} with at least {} values", path, least),
                 fmt::format("{}", shape[0]));
  }
  return dataset;
}

std::int64_t read_count(const h5::Calls& calls, hid_t file, const std::string& path) {
  const h5::DatasetHandle dataset = h5::open_dataset(calls, file, path);
  const h5::Datatype type(calls(H5Dget_type(dataset.get()), "open " + path));
  if (!has_type(type.get(), trace::Type::int64) ||
      !h5::shape_of(calls, dataset.get(), path).empty()) {
    calls.refuse(path + " to be one number of type int64", "something else");
  }
  std::int64_t count = 0;
  calls(H5Dread(dataset.get(), H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, &count),
        "read " + path);
  if (count < 0) calls.refuse(path + " not to be negative", fmt::format("{}", count));
  return count;
}

std::vector<std::int64_t> read_integers(const h5::Calls& calls, hid_t file, const std::string& path,
                                        std::int64_t count) {
  const h5::DatasetHandle dataset = open_values(calls, file, path, trace::Type::int64, count);
  std::vector<std::int64_t> values(static_cast<std::size_t>(count));
  h5::read_slab(calls, dataset.get(), H5T_NATIVE_INT64, 0, count, -1, values.data(),
                "read " + path);
  return values;
}

std::string read_bytes(const h5::Calls& calls, hid_t file, const std::string& path,
                       std::int64_t count) {
  const h5::DatasetHandle dataset = h5::open_dataset(calls, file, path);
  const std::vector<std::int64_t> shape = h5::shape_of(calls, dataset.get(), path);
  if (shape.size() != 1 || shape[0] < count) {
    calls.refuse(fmt::format("{} with at least {} values", path, count), "fewer");
  }
  std::string bytes(static_cast<std::size_t>(count), '\0');
  h5::read_slab(calls, dataset.get(), H5T_NATIVE_UINT8, 0, count, -1, bytes.data(), "read " + path);
  return bytes;
}

std::vector<std::string> read_texts(const h5::Calls& calls, hid_t file) {
  const std::int64_t count = read_count(calls, file, trace::text_count_path);
  const std::vector<std::int64_t> ends = read_integers(calls, file, trace::text_end_path, count);
  if (!std::ranges::is_sorted(ends) || (!ends.empty() && ends.front() < 0)) {
    calls.refuse(std::string(trace::text_end_path) + " to rise from 0", "other values");
  }
  const std::string bytes =
      read_bytes(calls, file, trace::text_bytes_path, ends.empty() ? 0 : ends.back());
  std::vector<std::string> texts;
  std::int64_t begin = 0;
  for (const std::int64_t end : ends) {
    texts.push_back(
        bytes.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)));
    begin = end;
  }
  return texts;
}

/// A table as the file has it.
struct OpenTable {
  std::int64_t rows = 0;
  std::vector<h5::DatasetHandle> columns;  // by column of the catalogue; none: not in the file
  std::vector<std::int64_t> block_first;
  std::vector<std::int64_t> block_last;
};

}  // namespace

struct TraceReader::Open {
  Open(const std::string& path, std::span<const Table> catalogue)
      : calls(path, ErrorKind::bad_input, "trace"), file(open_file(calls)) {
    check_schema(calls, file.get());
    capture_id = h5::read_text(calls, file.get(), trace::capture_id_attribute);
    complete = h5::read_integer(calls, file.get(), trace::complete_attribute) != 0;
    minor = h5::read_integer(calls, file.get(), trace::minor_attribute);
    block_rows = h5::read_integer(calls, file.get(), trace::block_rows_attribute);
    if (block_rows < 1 || block_rows > most_block_rows) {
      calls.refuse(fmt::format("blocks of 1 to {} rows", most_block_rows),
                   fmt::format("{}", block_rows));
    }
    modules = h5::read_names(calls, file.get(), trace::modules_path);
    // Rows before texts: where a writer is at work, the texts of all counted rows are there then.
    for (const Table& table : catalogue) count_rows(table);
    texts = read_texts(calls, file.get());
    for (const Table& table : catalogue) open_table(table);
    find_skipped(catalogue);
  }

  void find_skipped(std::span<const Table> catalogue) {
    for (const std::string& name : root_names(calls, file.get())) {
      const bool is_other = name == strings_group || name == modules_name;
      if (!is_other && std::ranges::find(catalogue, name, &Table::name) == catalogue.end()) {
        skipped.push_back(name);
      }
    }
  }

  void count_rows(const Table& table) {
    OpenTable& open = found[table.name];
    if (table.since <= minor) open.rows = read_count(calls, file.get(), trace::count_path(table));
  }

  void open_table(const Table& table) {
    OpenTable& open = found[table.name];
    for (const Column& column : table.columns) {
      open.columns.push_back(std::max(table.since, column.since) > minor
                                 ? h5::DatasetHandle()
                                 : open_values(calls, file.get(), trace::column_path(table, column),
                                               column.type, open.rows));
    }
    if (table.since > minor) return;
    const std::int64_t blocks = (open.rows + block_rows - 1) / block_rows;
    open.block_first = read_integers(calls, file.get(), trace::block_first_path(table), blocks);
    open.block_last = read_integers(calls, file.get(), trace::block_last_path(table), blocks);
  }

  const OpenTable& table(const Table& wanted) const {
    const auto entry = found.find(wanted.name);
    if (entry == found.end()) {
      throw Error(fmt::format("[trace] {}: expected a table of the catalogue, got {}", calls.path(),
                              wanted.name));
    }
    return entry->second;
  }

  h5::Calls calls;
  h5::File file;
  std::map<std::string_view, OpenTable> found;  // closed before the file
  std::string capture_id;
  bool complete = false;
  std::int64_t minor = 0;
  std::int64_t block_rows = 0;
  std::vector<std::string> skipped;
  std::vector<std::string> modules;
  std::vector<std::string> texts;
};

TraceReader::TraceReader(const std::string& path, std::span<const Table> catalogue)
    : open_(std::make_unique<Open>(path, catalogue)) {}

TraceReader::TraceReader(const std::string& path, std::string_view capture_id) : TraceReader(path) {
  if (this->capture_id() == capture_id) return;
  open_->calls.refuse(fmt::format("the trace of capture {}", capture_id),
                      fmt::format("that of capture {}", this->capture_id()));
}

TraceReader::~TraceReader() = default;
TraceReader::TraceReader(TraceReader&&) noexcept = default;
TraceReader& TraceReader::operator=(TraceReader&&) noexcept = default;

const std::string& TraceReader::path() const { return open_->calls.path(); }
const std::string& TraceReader::capture_id() const { return open_->capture_id; }
bool TraceReader::complete() const { return open_->complete; }
const std::vector<std::string>& TraceReader::modules() const { return open_->modules; }
const std::vector<std::string>& TraceReader::texts() const { return open_->texts; }
const std::vector<std::string>& TraceReader::skipped() const { return open_->skipped; }

const std::string& TraceReader::text(trace::TextId id) const {
  const auto index = static_cast<std::size_t>(id);
  if (index >= texts().size()) {
    open_->calls.refuse(fmt::format("a text below {}", texts().size()),
                        fmt::format("text {}", index));
  }
  return texts()[index];
}

std::int64_t TraceReader::rows(const Table& table) const { return open_->table(table).rows; }

TimeWindow TraceReader::window(const Table& table) const {
  const OpenTable& open = open_->table(table);
  if (open.rows == 0) return {0, 0};
  return {*std::ranges::min_element(open.block_first),
          *std::ranges::max_element(open.block_last) + 1};
}

std::vector<TraceLoss> TraceReader::losses() const {
  std::vector<TraceLoss> losses;
  const Table& table = trace::table_of<trace::LossRow>();
  for (const trace::LossRow& row : read<trace::LossRow>({0, rows(table)})) {
    const std::string& name = text(row.table);
    const std::string& reason = text(row.reason);
    const auto same = [&](const TraceLoss& loss) {
      return loss.table == name && loss.reason == reason;
    };
    auto found = std::ranges::find_if(losses, same);
    if (found == losses.end()) {
      losses.push_back({name, reason, std::string(trace::advice_of(reason)), 0});
      found = std::prev(losses.end());
    }
    found->lost_rows += row.lost_rows;
  }
  return losses;
}

std::vector<RowRange> TraceReader::blocks_in(const Table& table, TimeWindow window) const {
  const OpenTable& open = open_->table(table);
  std::vector<RowRange> ranges;
  for (std::size_t block = 0; block < open.block_first.size(); ++block) {
    const bool may_hold =
        open.block_first[block] < window.last_ns && open.block_last[block] >= window.first_ns;
    if (!may_hold) continue;
    const std::int64_t first = static_cast<std::int64_t>(block) * open_->block_rows;
    const std::int64_t count = std::min(open_->block_rows, open.rows - first);
    if (!ranges.empty() && ranges.back().first + ranges.back().count == first) {
      ranges.back().count += count;
    } else {
      ranges.push_back({first, count});
    }
  }
  return ranges;
}

std::vector<RowRange> TraceReader::pieces(RowRange blocks) {
  std::vector<RowRange> pieces;
  for (std::int64_t done = 0; done < blocks.count; done += piece_rows) {
    pieces.push_back({blocks.first + done, std::min(piece_rows, blocks.count - done)});
  }
  return pieces;
}

std::vector<bool> TraceReader::are_in(const Table& table, RowRange piece, TimeWindow window) const {
  const OpenTable& open = open_->table(table);
  const auto rows = static_cast<std::size_t>(piece.count);
  const std::int64_t last_block = (piece.first + piece.count - 1) / open_->block_rows;
  bool all = true;
  for (std::int64_t block = piece.first / open_->block_rows; block <= last_block; ++block) {
    const auto at = static_cast<std::size_t>(block);
    all = all && open.block_first[at] >= window.first_ns && open.block_last[at] < window.last_ns;
  }
  if (all) return std::vector<bool>(rows, true);
  const auto times = [&](std::size_t column) {
    std::vector<std::int64_t> values(rows);
    h5::read_slab(open_->calls, open.columns.at(column).get(), H5T_NATIVE_INT64, piece.first,
                  piece.count, -1, values.data(), "read the times");
    return values;
  };
  const std::vector<std::int64_t> begin = times(0);
  const std::vector<std::int64_t> end = table.is_span ? times(1) : begin;
  std::vector<bool> wanted(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    wanted[i] = window.holds(std::min(begin[i], end[i]), std::max(begin[i], end[i]));
  }
  return wanted;
}

void TraceReader::read_columns(const Table& table, RowRange range, std::size_t offset,
                               std::size_t bytes, void* rows) const {
  const OpenTable& open = open_->table(table);
  if (range.first < 0 || range.count < 0 || range.first > open.rows - range.count) {
    throw Error(fmt::format("[trace] {}: expected rows of the {} in {}, got {} from {}", path(),
                            open.rows, table.name, range.count, range.first));
  }
  std::vector<std::byte> values;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    const bool wanted = column.offset >= offset && column.offset < offset + bytes;
    if (!wanted || open.columns[i].get() < 0) continue;
    const std::size_t size = trace::bytes_of(column.type);
    values.resize(static_cast<std::size_t>(range.count) * size);
    h5::read_slab(open_->calls, open.columns[i].get(), trace::memory_type(column.type), range.first,
                  range.count, -1, values.data(), "read " + trace::column_path(table, column));
    auto* to = static_cast<std::byte*>(rows) + column.offset;
    for (const std::byte* from = values.data(); from != values.data() + values.size();
         from += size) {
      std::memcpy(to, from, size);
      to += table.row_bytes;
    }
  }
}

}  // namespace kvscope
