#include "core/weights/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/json_fields.h"

namespace kvscope {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are stored little-endian");

constexpr std::string_view where = "safetensors";
constexpr std::string_view metadata_key = "__metadata__";
constexpr std::size_t prefix_bytes = 8;
constexpr std::uint64_t max_header_bytes = 100'000'000;

/// Splits a file into its header text and its data.
std::pair<std::string_view, std::span<const std::byte>> split(std::span<const std::byte> file,
                                                              const std::string& path) {
  if (file.size() < prefix_bytes) {
    throw BadInput(where, path, "a safetensors file of at least 8 bytes",
                   file.empty() ? "an empty file" : fmt::format("{} bytes", file.size()));
  }
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, file.data(), prefix_bytes);
  if (header_bytes > max_header_bytes) {
    throw BadInput(where, path, "a safetensors file, with a header of at most 100 MB",
                   fmt::format("a header length of {} bytes", header_bytes));
  }
  const std::span<const std::byte> rest = file.subspan(prefix_bytes);
  if (header_bytes > rest.size()) {
    throw BadInput(where, path, fmt::format("a header of {} bytes", header_bytes),
                   fmt::format("a file that ends after {} bytes", file.size()));
  }
  const auto size = static_cast<std::size_t>(header_bytes);
  return {{reinterpret_cast<const char*>(rest.data()), size}, rest.subspan(size)};
}

/// The list of names ends where `other` stands in the enum.
TensorDtype dtype_of(std::string_view name) {
  return static_cast<TensorDtype>(std::ranges::find(tensor_dtype_names, name) -
                                  tensor_dtype_names.begin());
}

std::vector<std::int64_t> parse_sizes(JsonFields& fields, std::string_view key) {
  std::vector<std::int64_t> sizes;
  for (const nlohmann::json& item : fields.array(key)) {
    // A non-negative literal is parsed as unsigned; get<int64_t> would wrap one beyond 63 bits.
    const bool fits =
        item.is_number_unsigned() && std::in_range<std::int64_t>(item.get<std::uint64_t>());
    if (!fits) fields.fail(key, "whole numbers from 0 to 2^63 - 1", brief(item));
    sizes.push_back(item.get<std::int64_t>());
  }
  return sizes;
}

struct Entry {
  std::string name;
  std::int64_t begin = 0;
  std::int64_t end = 0;
  TensorDtype dtype = TensorDtype::f32;
  std::vector<std::int64_t> shape;
  std::string other_dtype;
};

void check_bytes(const Entry& entry, const JsonFields& fields) {
  const std::optional<std::int64_t> bytes = tensor_bytes(entry.dtype, entry.shape);
  if (!bytes) fields.fail("shape", "below 2^63 bytes", fmt::format("{}", entry.shape));
  if (*bytes == entry.end - entry.begin) return;
  fields.fail(
      "data_offsets",
      fmt::format("{} bytes apart ({} of shape {})", *bytes, name_of(entry.dtype), entry.shape),
      fmt::format("[{}, {}]", entry.begin, entry.end));
}

Entry parse_entry(const std::string& name, const nlohmann::json& json, const std::string& path) {
  JsonFields fields(json, std::string(where), path, name);
  Entry entry;
  entry.name = name;
  const std::string dtype = fields.text("dtype");
  entry.dtype = dtype_of(dtype);
  entry.shape = parse_sizes(fields, "shape");
  const std::vector<std::int64_t> offsets = parse_sizes(fields, "data_offsets");
  fields.refuse_unknown();
  if (offsets.size() != 2 || offsets[0] > offsets[1]) {
    fields.fail("data_offsets", "[begin, end]", fmt::format("{}", offsets));
  }
  entry.begin = offsets[0];
  entry.end = offsets[1];
  if (entry.dtype == TensorDtype::other) {
    entry.other_dtype = dtype;
  } else {
    check_bytes(entry, fields);
  }
  return entry;
}

SafetensorsMetadata parse_metadata(const nlohmann::json& json, const std::string& path) {
  JsonFields fields(json, std::string(where), path, std::string(metadata_key));
  SafetensorsMetadata metadata;
  for (const auto& [key, ignored] : json.items()) metadata[key] = fields.text(key);
  return metadata;
}

/// Every byte of the data belongs to exactly one tensor.
void check_tiling(std::vector<Entry>& entries, std::size_t data_bytes, const std::string& path) {
  std::ranges::sort(entries, {}, [](const Entry& e) { return std::pair(e.begin, e.end); });
  std::int64_t position = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != position) {
      throw BadInput(where, path,
                     fmt::format("tensor '{}' to begin at byte {}, where the one before it ends",
                                 entry.name, position),
                     fmt::format("byte {}", entry.begin));
    }
    position = entry.end;
  }
  if (std::cmp_not_equal(position, data_bytes)) {
    throw BadInput(where, path, fmt::format("{} bytes of data", position),
                   fmt::format("{} bytes", data_bytes));
  }
}

}  // namespace

std::size_t element_bytes(TensorDtype dtype) {
  switch (dtype) {
    case TensorDtype::f16:
    case TensorDtype::bf16:
      return 2;
    case TensorDtype::f32:
    case TensorDtype::i32:
      return 4;
    case TensorDtype::f64:
    case TensorDtype::i64:
      return 8;
    case TensorDtype::other:
      break;
  }
  throw Error("[safetensors] an element type of unknown size");
}

std::optional<std::int64_t> tensor_bytes(TensorDtype dtype, std::span<const std::int64_t> shape) {
  auto bytes = static_cast<std::int64_t>(element_bytes(dtype));
  for (const std::int64_t size : shape) {
    if (size < 0 || __builtin_mul_overflow(bytes, size, &bytes)) return std::nullopt;
  }
  return bytes;
}

SafetensorsFile::SafetensorsFile(const std::string& path)
    : path_(path), mapping_(std::make_shared<const MappedFile>(path, where)) {
  const auto [text, data] = split(mapping_->bytes(), path_);
  const nlohmann::json header = parse_json(text, "safetensors header", path_);
  if (!header.is_object())
    throw BadInput(where, path_, "a JSON object as header", text.substr(0, 40));
  std::vector<Entry> entries;
  for (const auto& [name, json] : header.items()) {
    if (name == metadata_key) {
      metadata_ = parse_metadata(json, path_);
    } else {
      entries.push_back(parse_entry(name, json, path_));
    }
  }
  check_tiling(entries, data.size(), path_);
  for (Entry& entry : entries) {
    const auto begin = static_cast<std::size_t>(entry.begin);
    const auto bytes = static_cast<std::size_t>(entry.end) - begin;
    tensors_.emplace(std::move(entry.name),
                     TensorView{.dtype = entry.dtype,
                                .shape = std::move(entry.shape),
                                .bytes = data.subspan(begin, bytes),
                                .other_dtype = std::move(entry.other_dtype)});
  }
}

}  // namespace kvscope
