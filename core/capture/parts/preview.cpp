#include "core/capture/parts/preview.h"

#include <array>
#include <cstdint>

namespace kvscope {
namespace {

constexpr std::array datasets = {schema::preview};

std::int64_t side(const FileLayout& layout) { return layout.preview_size; }

constexpr std::array dimensions = {
    PartDimension{{"y", schema::Type::int64, "pixel row of a preview"}, side},
    PartDimension{{"x", schema::Type::int64, "pixel column of a preview"}, side},
    PartDimension{{"rgb", schema::Type::int64, "0 red, 1 green, 2 blue"},
                  [](const FileLayout&) { return std::int64_t{3}; }},
};

void read_preview_layout(const h5::Calls& calls, hid_t file, FileLayout& layout) {
  layout.preview_size = static_cast<int>(h5::coordinate_length(calls, file, "/y"));
}

void check_preview(const BatchCheck& check, const BatchRecord& batch) {
  check.rows(batch.preview, schema::preview);
}

void write_preview(const BatchWriter& out, const BatchRecord& batch) {
  out.rows(schema::preview, batch.preview.data);
}

void read_preview(const BatchReader& in, BatchRecord& batch) {
  batch.preview = in.rows<std::uint8_t>(schema::preview);
}

}  // namespace

constinit const PartRow preview_part = {.part = Part::preview,
                                        .name = "preview",
                                        .datasets = datasets,
                                        .dimensions = dimensions,
                                        .read_layout = read_preview_layout,
                                        .check = check_preview,
                                        .write = write_preview,
                                        .read = read_preview};

}  // namespace kvscope
