#include "core/trace/schema.h"

#include <algorithm>
#include <array>
#include <type_traits>

#include <fmt/format.h>

namespace kvscope::trace {
namespace {

template <typename T>
constexpr Type type_of() {
  if constexpr (std::is_same_v<T, std::int32_t>) return Type::int32;
  if constexpr (std::is_same_v<T, std::int64_t>) return Type::int64;
  if constexpr (std::is_same_v<T, TextId>) return Type::uint32;
  if constexpr (std::is_same_v<T, std::uint64_t>) return Type::uint64;
  if constexpr (std::is_same_v<T, double>) return Type::float64;
}

template <std::size_t... counts>
constexpr auto joined(const std::array<Column, counts>&... parts) {
  std::array<Column, (counts + ...)> all{};
  auto to = all.begin();
  ((to = std::copy(parts.begin(), parts.end(), to)), ...);
  return all;
}

// A macro, because offsetof is one.
#define KVSCOPE_COLUMN(Row, field, unit, meaning) \
  Column { #field, type_of<decltype(Row::field)>(), unit, meaning, offsetof(Row, field) }

constexpr std::string_view text_unit = "text";

template <typename Row>
constexpr auto span_columns() {
  return std::array{
      KVSCOPE_COLUMN(Row, begin_ns, "ns", "begin"),
      KVSCOPE_COLUMN(Row, end_ns, "ns", "end; the begin for what took no time"),
  };
}

template <typename Row>
constexpr auto time_column(std::string_view meaning) {
  return std::array{KVSCOPE_COLUMN(Row, time_ns, "ns", meaning)};
}

template <typename Row>
constexpr auto site_columns() {
  auto columns = std::array{
      KVSCOPE_COLUMN(RowSite, batch, "1", "index of the batch in the run; -1 unknown"),
      KVSCOPE_COLUMN(RowSite, repeat, "1", "timed pass over the batch; -1 unknown"),
      KVSCOPE_COLUMN(RowSite, scale, "1", "scale of the token pyramid; -1 unknown"),
      KVSCOPE_COLUMN(RowSite, layer, "1", "block of the transformer; -1 none or unknown"),
      KVSCOPE_COLUMN(RowSite, module, "1", "index into /module; -1 unknown"),
  };
  for (Column& column : columns) column.offset += offsetof(Row, site);
  return columns;
}

template <typename Row>
constexpr auto queue_columns() {
  return std::array{
      KVSCOPE_COLUMN(Row, device, "1", "index of the device; -1 unknown"),
      KVSCOPE_COLUMN(Row, stream, "1", "stream of the device; -1 unknown"),
      KVSCOPE_COLUMN(Row, correlation, "1", "ties it to the call that started it; -1 unknown"),
      KVSCOPE_COLUMN(Row, graph_node, "1", "node of the CUDA graph it came from; -1 none"),
  };
}

constexpr auto kernel_columns =
    joined(span_columns<KernelRow>(), site_columns<KernelRow>(),
           std::array{KVSCOPE_COLUMN(KernelRow, name, text_unit, "name of the kernel")},
           queue_columns<KernelRow>());

constexpr auto copy_columns =
    joined(span_columns<CopyRow>(), site_columns<CopyRow>(),
           std::array{KVSCOPE_COLUMN(CopyRow, kind, text_unit, "from where to where, or a fill"),
                      KVSCOPE_COLUMN(CopyRow, bytes, "bytes", "copied or filled")},
           queue_columns<CopyRow>());

constexpr auto call_columns =
    joined(span_columns<CallRow>(), site_columns<CallRow>(),
           std::array{
               KVSCOPE_COLUMN(CallRow, name, text_unit, "function that was called"),
               KVSCOPE_COLUMN(CallRow, thread, "1", "thread of the host; -1 unknown"),
               KVSCOPE_COLUMN(CallRow, correlation, "1", "ties it to what it started; -1 unknown"),
           });

constexpr auto range_columns =
    joined(span_columns<RangeRow>(), site_columns<RangeRow>(),
           std::array{
               KVSCOPE_COLUMN(RangeRow, name, text_unit, "name of the range"),
               KVSCOPE_COLUMN(RangeRow, thread, "1", "thread of the host; -1 unknown"),
           });

constexpr auto allocation_columns =
    joined(time_column<AllocationRow>("when it happened"), site_columns<AllocationRow>(),
           std::array{
               KVSCOPE_COLUMN(AllocationRow, action, text_unit, "what the allocator did"),
               KVSCOPE_COLUMN(AllocationRow, address, "1", "address of the memory"),
               KVSCOPE_COLUMN(AllocationRow, bytes, "bytes", "size of the memory"),
               KVSCOPE_COLUMN(AllocationRow, device, "1", "index of the device; -1 the host"),
               KVSCOPE_COLUMN(AllocationRow, stream, "1", "stream of the device; -1 unknown"),
           });

constexpr auto counter_columns =
    joined(time_column<CounterRow>("when it had the value"), site_columns<CounterRow>(),
           std::array{
               KVSCOPE_COLUMN(CounterRow, name, text_unit, "name of the counter"),
               KVSCOPE_COLUMN(CounterRow, unit, text_unit, "unit of the value"),
               KVSCOPE_COLUMN(CounterRow, device, "1", "index of the device; -1 the host"),
               KVSCOPE_COLUMN(CounterRow, value, "by row", "value from then on, in the row's unit"),
           });

constexpr auto loss_columns =
    joined(time_column<LossRow>("when the loss was noticed"),
           std::array{
               KVSCOPE_COLUMN(LossRow, table, text_unit, "table that lacks the rows"),
               KVSCOPE_COLUMN(LossRow, reason, text_unit, "why, one of the names below"),
               KVSCOPE_COLUMN(LossRow, lost_rows, "rows", "how many since the loss before"),
           });

#undef KVSCOPE_COLUMN

constexpr std::array all_tables = {
    Table{"kernels", "kernels on a device", kernel_columns, true, sizeof(KernelRow)},
    Table{"copies", "copies and fills of memory on a device", copy_columns, true, sizeof(CopyRow)},
    Table{"calls", "calls of the host into a runtime or driver", call_columns, true,
          sizeof(CallRow)},
    Table{"ranges", "named stretches of time on the host", range_columns, true, sizeof(RangeRow)},
    Table{"allocations", "what allocators did", allocation_columns, false, sizeof(AllocationRow)},
    Table{"counters", "values that change over time", counter_columns, false, sizeof(CounterRow)},
    Table{"losses", "rows that a table lacks", loss_columns, false, sizeof(LossRow)},
};

struct Reason {
  std::string_view name;
  std::string_view advice;
};

constexpr std::array<Reason, loss_reason_count> reasons = {{
    {"driver_dropped", "the driver ran out of buffers; give it more, or collect fewer kinds"},
    {"buffer_full", "events came faster than they were written; collect fewer kinds"},
    {"not_flushed", "the last records of a run that ended early; all before them are whole"},
}};

}  // namespace

std::span<const Table> tables() { return all_tables; }

template <>
const Table& table_of<KernelRow>() {
  return all_tables[0];
}
template <>
const Table& table_of<CopyRow>() {
  return all_tables[1];
}
template <>
const Table& table_of<CallRow>() {
  return all_tables[2];
}
template <>
const Table& table_of<RangeRow>() {
  return all_tables[3];
}
template <>
const Table& table_of<AllocationRow>() {
  return all_tables[4];
}
template <>
const Table& table_of<CounterRow>() {
  return all_tables[5];
}
template <>
const Table& table_of<LossRow>() {
  return all_tables[6];
}

std::string_view name_of(LossReason reason) {
  return reasons[static_cast<std::size_t>(reason)].name;
}

std::string_view advice_of(std::string_view reason) {
  const auto* found = std::ranges::find(reasons, reason, &Reason::name);
  return found == reasons.end() ? "" : found->advice;
}

std::string_view name_of(Type type) {
  switch (type) {
    case Type::int32:
      return "int32";
    case Type::int64:
      return "int64";
    case Type::uint32:
      return "uint32";
    case Type::uint64:
      return "uint64";
    case Type::float64:
      return "float64";
  }
  return "";
}

std::size_t bytes_of(Type type) { return type == Type::int32 || type == Type::uint32 ? 4 : 8; }

std::string column_path(const Table& table, const Column& column) {
  return fmt::format("/{}/{}", table.name, column.name);
}
std::string count_path(const Table& table) { return fmt::format("/{}/committed_rows", table.name); }
std::string block_first_path(const Table& table) {
  return fmt::format("/{}/block_first_ns", table.name);
}
std::string block_last_path(const Table& table) {
  return fmt::format("/{}/block_last_ns", table.name);
}

}  // namespace kvscope::trace
