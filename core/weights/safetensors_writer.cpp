#include <cstring>
#include <fstream>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/json_text.h"
#include "core/weights/safetensors.h"

namespace kvscope {
namespace {

constexpr std::size_t prefix_bytes = 8;

std::string header_of(const std::string& path, const TensorViews& tensors,
                      const SafetensorsMetadata& metadata) {
  nlohmann::json header = nlohmann::json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::int64_t position = 0;
  for (const auto& [name, view] : tensors) {
    const std::optional<std::int64_t> bytes = tensor_bytes(view.dtype, view.shape);
    if (!bytes || std::cmp_not_equal(*bytes, view.bytes.size()) || name == "__metadata__") {
      throw Error(
          fmt::format("[safetensors] {}: tensor '{}' of shape {} cannot be stored in {} "
                      "bytes",
                      path, name, view.shape, view.bytes.size()));
    }
    header[name] = {{"dtype", name_of(view.dtype)},
                    {"shape", view.shape},
                    {"data_offsets", {position, position + *bytes}}};
    position += *bytes;
  }
  std::string text = json_text(header);
  // Spaces behind the JSON put the data on a multiple of 64 bytes, so that views are aligned.
  constexpr std::size_t alignment = 64;
  const std::size_t over = (prefix_bytes + text.size()) % alignment;
  if (over != 0) text.append(alignment - over, ' ');
  return text;
}

}  // namespace

void write_safetensors(const std::string& path, const TensorViews& tensors,
                       const SafetensorsMetadata& metadata) {
  const std::string header = header_of(path, tensors, metadata);
  const std::uint64_t header_bytes = header.size();
  std::array<char, prefix_bytes> prefix{};
  std::memcpy(prefix.data(), &header_bytes, prefix_bytes);
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(prefix.data(), prefix_bytes);
  file.write(header.data(), static_cast<std::streamsize>(header.size()));
  for (const auto& [name, view] : tensors) {
    file.write(reinterpret_cast<const char*>(view.bytes.data()),
               static_cast<std::streamsize>(view.bytes.size()));
  }
  file.close();
  if (!file) throw Error(fmt::format("[safetensors] {}: the file cannot be written", path));
}

}  // namespace kvscope
