#pragma once

#include <cstdint>

/// Rows of a trace as plain structs, one type a table. What a collector cannot know keeps its
/// default. Times are ns since 1970 (UTC) of one clock that the run read once and that then only
/// runs forward; whoever has times of another clock (a device's, CUPTI's) converts them.
namespace kvscope::trace {

/// A text of the file's string table. `none` is the empty one.
enum class TextId : std::uint32_t { none = 0 };

/// Where in the run something belongs; −1 is unknown, or what belongs to no layer.
struct RowSite {
  std::int64_t batch = -1;   ///< index of the batch in the run
  std::int32_t repeat = -1;  ///< timed pass over the batch
  std::int32_t scale = -1;
  std::int32_t layer = -1;
  std::int32_t module = -1;  ///< a Module; by name in the file's list of modules

  bool operator==(const RowSite&) const = default;
};

/// A kernel on a device.
struct KernelRow {
  std::int64_t begin_ns = 0;
  std::int64_t end_ns = 0;
  RowSite site = {};
  TextId name = TextId::none;
  std::int32_t device = -1;
  std::int64_t stream = -1;
  std::int64_t correlation = -1;
  std::int64_t graph_node = -1;

  bool operator==(const KernelRow&) const = default;
};

/// A copy or a fill of memory on a device.
struct CopyRow {
  std::int64_t begin_ns = 0;
  std::int64_t end_ns = 0;
  RowSite site = {};
  TextId kind = TextId::none;
  std::int64_t bytes = 0;
  std::int32_t device = -1;
  std::int64_t stream = -1;
  std::int64_t correlation = -1;
  std::int64_t graph_node = -1;

  bool operator==(const CopyRow&) const = default;
};

/// A call of the host into a runtime or driver.
struct CallRow {
  std::int64_t begin_ns = 0;
  std::int64_t end_ns = 0;
  RowSite site = {};
  TextId name = TextId::none;
  std::int64_t thread = -1;
  std::int64_t correlation = -1;

  bool operator==(const CallRow&) const = default;
};

/// A named stretch of time on a thread of the host: a scale, a layer, a module.
struct RangeRow {
  std::int64_t begin_ns = 0;
  std::int64_t end_ns = 0;
  RowSite site = {};
  TextId name = TextId::none;
  std::int64_t thread = -1;

  bool operator==(const RangeRow&) const = default;
};

/// What an allocator did.
struct AllocationRow {
  std::int64_t time_ns = 0;
  RowSite site = {};
  TextId action = TextId::none;
  std::uint64_t address = 0;
  std::int64_t bytes = 0;
  std::int32_t device = -1;
  std::int64_t stream = -1;

  bool operator==(const AllocationRow&) const = default;
};

/// A value that changes over time, such as bytes allocated.
struct CounterRow {
  std::int64_t time_ns = 0;
  RowSite site = {};
  TextId name = TextId::none;
  TextId unit = TextId::none;
  std::int32_t device = -1;
  double value = 0;

  bool operator==(const CounterRow&) const = default;
};

/// Rows that a table lacks.
struct LossRow {
  std::int64_t time_ns = 0;
  TextId table = TextId::none;
  TextId reason = TextId::none;
  std::int64_t lost_rows = 0;

  bool operator==(const LossRow&) const = default;
};

}  // namespace kvscope::trace
