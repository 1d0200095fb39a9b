#include "core/capture/parts/image_check.h"

#include <array>

namespace kvscope {
namespace {

constexpr std::array datasets = {schema::nonfinite_image_values};

void check_image_check(const BatchCheck& check, const BatchRecord& batch) {
  check.row_values(batch.nonfinite_image_values, schema::nonfinite_image_values);
}

void write_image_check(const BatchWriter& out, const BatchRecord& batch) {
  out.rows(schema::nonfinite_image_values, batch.nonfinite_image_values);
}

void read_image_check(const BatchReader& in, BatchRecord& batch) {
  batch.nonfinite_image_values = in.rows<std::int64_t>(schema::nonfinite_image_values).data;
}

}  // namespace

constinit const PartRow image_check_part = {
    .part = Part::image_check,
    .name = "image_check",
    .datasets = datasets,
    .is_in = [](const BatchRecord& batch) { return !batch.nonfinite_image_values.empty(); },
    .check = check_image_check,
    .write = write_image_check,
    .read = read_image_check};

std::vector<std::int64_t> read_nonfinite_images(const OpenCapture& file) {
  std::vector<std::int64_t> found;
  if (!file.shape().has(Part::image_check)) return found;
  const std::vector<std::int64_t> values =
      file.sample_rows<std::int64_t>(schema::nonfinite_image_values).data;
  for (std::size_t sample = 0; sample < values.size(); ++sample) {
    if (values[sample] != 0) found.push_back(static_cast<std::int64_t>(sample));
  }
  return found;
}

}  // namespace kvscope
