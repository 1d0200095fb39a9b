#include "core/capture/parts/timing.h"

#include <array>
#include <cstdint>

namespace kvscope {
namespace {

constexpr std::array datasets = {schema::layer_ns, schema::model_ns, schema::batch_ns};

void check_timing(const BatchCheck& check, const BatchRecord& batch) {
  check.item(batch.timing->layer_ns, schema::layer_ns);
  check.item(batch.timing->model_ns, schema::model_ns);
  check.item(batch.timing->batch_ns, schema::batch_ns);
}

void write_timing(const BatchWriter& out, const BatchRecord& batch) {
  out.item(schema::layer_ns, batch.timing->layer_ns.data);
  out.item(schema::model_ns, batch.timing->model_ns.data);
  out.item(schema::batch_ns, batch.timing->batch_ns.data);
}

void read_timing(const BatchReader& in, BatchRecord& batch) {
  batch.timing = TimingRecord{.layer_ns = in.item<std::int64_t>(schema::layer_ns),
                              .model_ns = in.item<std::int64_t>(schema::model_ns),
                              .batch_ns = in.item<std::int64_t>(schema::batch_ns)};
}

}  // namespace

constinit const PartRow timing_part = {
    .part = Part::timing,
    .name = "timing",
    .datasets = datasets,
    .is_in = [](const BatchRecord& batch) { return batch.timing.has_value(); },
    .check = check_timing,
    .write = write_timing,
    .read = read_timing};

Timings read_timings(const OpenCapture& file) {
  return {.layer_ns = file.batch_rows<std::int64_t>(schema::layer_ns),
          .model_ns = file.batch_rows<std::int64_t>(schema::model_ns),
          .batch_ns = file.batch_rows<std::int64_t>(schema::batch_ns),
          .modules = h5::read_names(file.calls(), file.file(), schema::module_coordinate)};
}

}  // namespace kvscope
