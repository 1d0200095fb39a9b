#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/trace/rows.h"

/// The catalogue of trace files: every table, column, type and unit. The writer creates what stands
/// here, the reader demands it, and data/FORMAT.md repeats it (a test compares them).
///
/// A trace grows to a length that nobody knows before, and what a killed writer leaves must read
/// back. Writers that did nothing but commit were killed (SIGKILL, HDF5 1.10.8, ext4). Datasets
/// extended in SWMR mode and flushed: rows that had been committed could not be read any more after
/// 10 of 1,000 kills (1 of 300 with larger commits). A file opened anew for every segment: 3 of
/// 300. Files whose objects are all there, with a place for every row, before the file gets its
/// name: 0 of 900. So the datasets of a trace have a fixed length too, its capacity; a full file is
/// written anew with twice the room and takes the old one's place with one rename.
namespace kvscope::trace {

inline constexpr std::string_view version = "kvscope.trace/1";
/// What every version's `schema` attribute starts with.
inline constexpr std::string_view family = "kvscope.trace/";
/// Minor version, the attribute `schema_minor`. It grows by one in a release that adds tables or
/// columns, whose `since` it is. Readers skip what they do not know.
inline constexpr int minor_version = 0;

/// Rows that share one entry of a table's index of times.
inline constexpr std::int64_t block_rows = 4096;

enum class Type { int32, int64, uint32, uint64, float64 };

struct Column {
  std::string_view name;
  Type type;
  std::string_view unit;  ///< "1" for a pure number, "text" for an index into the string table
  std::string_view meaning;
  std::size_t offset;  ///< in the row
  int since = 0;       ///< minor version; rows of a file of an older one keep the default
};

/// The first column is the time, of events the begin; `is_span` says that the second is the end.
/// Rows come in any order of time.
struct Table {
  std::string_view name;
  std::string_view meaning;
  std::span<const Column> columns;
  bool is_span;
  std::size_t row_bytes;
  int since = 0;  ///< minor version; in a file of an older one the table has no rows
};

/// All tables, in the order of data/FORMAT.md.
std::span<const Table> tables();

/// The table whose rows are `Row`.
template <typename Row>
const Table& table_of();
template <>
const Table& table_of<KernelRow>();
template <>
const Table& table_of<CopyRow>();
template <>
const Table& table_of<CallRow>();
template <>
const Table& table_of<RangeRow>();
template <>
const Table& table_of<AllocationRow>();
template <>
const Table& table_of<CounterRow>();
template <>
const Table& table_of<LossRow>();

/// Why rows were lost. New reasons go to the end; files hold the names.
enum class LossReason {
  driver_dropped,  ///< the driver had no buffer left for its records
  buffer_full,     ///< events came faster than they were written
  not_flushed,     ///< still at the driver when collecting stopped
};

inline constexpr std::size_t loss_reason_count = 3;

std::string_view name_of(LossReason reason);
/// What a reader can do about losses of that name, one sentence; empty for an unknown name.
std::string_view advice_of(std::string_view reason);

/// "int32", "float64", … as data/FORMAT.md names them.
std::string_view name_of(Type type);
std::size_t bytes_of(Type type);

/// Objects beside the tables.
inline constexpr const char* schema_attribute = "schema";
inline constexpr const char* minor_attribute = "schema_minor";
inline constexpr const char* capture_id_attribute = "capture_id";
inline constexpr const char* complete_attribute = "complete";
inline constexpr const char* block_rows_attribute = "block_rows";
inline constexpr const char* tool_version_attribute = "tool_version";
inline constexpr const char* modules_path = "/module";
inline constexpr const char* text_count_path = "/strings/committed_rows";
inline constexpr const char* text_end_path = "/strings/end";
inline constexpr const char* text_bytes_path = "/strings/utf8";

/// Paths of a table: its columns, its count, and the index of times by blocks of rows.
std::string column_path(const Table& table, const Column& column);
std::string count_path(const Table& table);
std::string block_first_path(const Table& table);
std::string block_last_path(const Table& table);

}  // namespace kvscope::trace
