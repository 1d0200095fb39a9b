#include "tests/core/trace/example_trace.h"

#include <algorithm>
#include <random>

#include <fmt/format.h>

namespace kvscope::testing {
namespace {

trace::RowSite site_at(std::int64_t index) {
  const auto at = [index](std::int64_t count) { return static_cast<std::int32_t>(index % count); };
  return {
      .batch = index / 1000, .repeat = at(2), .scale = at(10), .layer = at(12), .module = at(11)};
}

}  // namespace

trace::KernelRow example_kernel(std::int64_t index, const TextIds& ids) {
  trace::KernelRow row;
  row.begin_ns = 1000 * index - 2500 * (index % 7);
  row.end_ns = row.begin_ns + 100 * (index % 9);
  row.site = site_at(index);
  row.name = ids(fmt::format("kernel_{}<float>", index / 500));
  row.device = static_cast<std::int32_t>(index % 2);
  row.stream = 7;
  row.correlation = index + 1;
  row.graph_node = index % 3 == 0 ? -1 : (std::int64_t{1} << 40) + index;
  return row;
}

trace::CallRow example_call(std::int64_t index, const TextIds& ids) {
  return {.begin_ns = 1000 * index,
          .end_ns = 1000 * index + 300,
          .site = site_at(index),
          .name = ids("cudaLaunchKernel"),
          .thread = 4711,
          .correlation = index + 1};
}

trace::CounterRow example_counter(std::int64_t index, const TextIds& ids) {
  return {.time_ns = 3000 * index,
          .site = site_at(3 * index),
          .name = ids("allocated"),
          .unit = ids("bytes"),
          .device = 0,
          .value = 0.5 * static_cast<double>(index)};
}

void append_example(TraceWriter& writer, std::int64_t first, std::int64_t count) {
  const TextIds ids = [&](const std::string& text) { return writer.text(text); };
  for (std::int64_t index = first; index < first + count; ++index) {
    writer.append(example_kernel(index, ids));
    writer.append(example_call(index, ids));
    if (index % 3 == 0) writer.append(example_counter(index / 3, ids));
  }
}

std::int64_t counters_of(std::int64_t steps) { return (steps + 2) / 3; }

void write_example_trace(const std::string& path, std::int64_t steps) {
  TraceWriter writer(path, example_id, false);
  std::mt19937 random(20260707);
  std::uniform_int_distribution<std::int64_t> size(1, 3000);
  for (std::int64_t done = 0; done < steps;) {
    const std::int64_t count = std::min(size(random), steps - done);
    append_example(writer, done, count);
    writer.commit();
    done += count;
  }
  writer.finish();
}

}  // namespace kvscope::testing
