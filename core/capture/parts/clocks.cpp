#include "core/capture/parts/clocks.h"

#include <array>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "core/record/clocks.h"

namespace kvscope {
namespace {

constexpr std::string_view dims = "batch clock edge";

constexpr schema::Dataset offset_ns{"/clocks/offset_ns",
                                    dims,
                                    schema::Type::int64,
                                    0,
                                    "ns",
                                    "to be added to a time of the clock to get the host's",
                                    1};
constexpr schema::Dataset residual_ns{
    "/clocks/residual_ns",
    dims,
    schema::Type::int64,
    0,
    "ns",
    "by which the offset is wrong at most: half the shortest round trip",
    1};
constexpr schema::Dataset host_ns{"/clocks/host_ns",
                                  dims,
                                  schema::Type::int64,
                                  0,
                                  "ns",
                                  "when the offset was measured, on the host's steady clock",
                                  1};

constexpr std::array datasets = {offset_ns, residual_ns, host_ns};

std::vector<std::string> edge_names(const FileLayout&) { return {"begin", "end"}; }

constexpr std::array dimensions = {
    PartDimension{{"clock", schema::Type::text, "clock whose offset to the host's is measured"},
                  [](const FileLayout& layout) { return std::int64_t{std::ssize(layout.clocks)}; },
                  [](const FileLayout& layout) { return layout.clocks; }},
    PartDimension{{"edge", schema::Type::text, "begin or end of the batch"},
                  [](const FileLayout&) { return std::int64_t{2}; },
                  edge_names},
};

void read_clock_names(const h5::Calls& calls, hid_t file, FileLayout& layout) {
  layout.clocks = h5::read_names(calls, file, "/clock");
}

void check_clocks(const BatchCheck& check, const BatchRecord& batch) {
  check.elements(std::ssize(batch.clocks), std::ssize(check.shape().layout().clocks),
                 schema::path_of(offset_ns));
}

// One field of every offset, as the datasets have them: [clock, edge].
std::vector<std::int64_t> values_of(const BatchRecord& batch, std::int64_t ClockOffset::*field) {
  std::vector<std::int64_t> values;
  for (const BatchClock& clock : batch.clocks) {
    values.push_back(clock.begin.*field);
    values.push_back(clock.end.*field);
  }
  return values;
}

void write_clocks(const BatchWriter& out, const BatchRecord& batch) {
  out.item(offset_ns, values_of(batch, &ClockOffset::offset_ns));
  out.item(residual_ns, values_of(batch, &ClockOffset::residual_ns));
  out.item(host_ns, values_of(batch, &ClockOffset::host_ns));
}

void read_clocks(const BatchReader& in, BatchRecord& batch) {
  batch.clocks.assign(in.file().shape().layout().clocks.size(), {});
  const auto take = [&](const schema::Dataset& entry, std::int64_t ClockOffset::*field) {
    const NdArray<std::int64_t> values = in.item<std::int64_t>(entry);
    for (std::size_t clock = 0; clock < batch.clocks.size(); ++clock) {
      batch.clocks[clock].begin.*field = values.data[2 * clock];
      batch.clocks[clock].end.*field = values.data[2 * clock + 1];
    }
  };
  take(offset_ns, &ClockOffset::offset_ns);
  take(residual_ns, &ClockOffset::residual_ns);
  take(host_ns, &ClockOffset::host_ns);
}

}  // namespace

constinit const PartRow clocks_part = {
    .part = Part::clocks,
    .name = "clocks",
    .since = 1,
    .optional = true,
    .datasets = datasets,
    .dimensions = dimensions,
    .read_layout = read_clock_names,
    .is_in = [](const BatchRecord& batch) { return !batch.clocks.empty(); },
    .check = check_clocks,
    .write = write_clocks,
    .read = read_clocks};

}  // namespace kvscope
