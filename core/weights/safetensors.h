#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/weights/mapped_file.h"

namespace kvscope {

/// Element types that are read and written, in the order of tensor_dtype_names; `other` is any
/// other type (BOOL, U8, F8_E4M3, …), whose bytes are carried but not understood.
enum class TensorDtype { f16, bf16, f32, f64, i32, i64, other };

inline constexpr std::array<std::string_view, 6> tensor_dtype_names = {"F16", "BF16", "F32",
                                                                       "F64", "I32",  "I64"};

/// Name in a safetensors header, e.g. "BF16". Not of `other`.
constexpr std::string_view name_of(TensorDtype dtype) {
  return tensor_dtype_names[static_cast<std::size_t>(dtype)];
}

/// Not of `other`, of which it throws Error.
std::size_t element_bytes(TensorDtype dtype);

/// A row-major tensor in memory that someone else owns. Not necessarily aligned to its elements.
struct TensorView {
  TensorDtype dtype = TensorDtype::f32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
  std::string other_dtype = {};  ///< name of the type where dtype is `other`
};

/// Bytes that `shape` takes, or nothing when a size is negative or the product exceeds 63 bits.
/// Throws Error for `other`.
std::optional<std::int64_t> tensor_bytes(TensorDtype dtype, std::span<const std::int64_t> shape);

using TensorViews = std::map<std::string, TensorView, std::less<>>;
using SafetensorsMetadata = std::map<std::string, std::string, std::less<>>;

/// A safetensors file, mapped and checked; nothing is copied. Format: 8 bytes little-endian header
/// length, a JSON header, then the data (github.com/huggingface/safetensors, "Format").
class SafetensorsFile {
 public:
  /// Throws BadInput for a file that is no safetensors file or truncated, for a header over 100 MB,
  /// for a name that comes twice, and for offsets that do not tile the data exactly or do not fit
  /// the shape. A file with an unknown dtype is taken; whoever needs that tensor refuses it.
  explicit SafetensorsFile(const std::string& path);

  const std::string& path() const { return path_; }
  const TensorViews& tensors() const { return tensors_; }
  const SafetensorsMetadata& metadata() const { return metadata_; }

  /// The views stay valid as long as the mapping.
  const std::shared_ptr<const MappedFile>& mapping() const { return mapping_; }

 private:
  std::string path_;
  std::shared_ptr<const MappedFile> mapping_;
  TensorViews tensors_;
  SafetensorsMetadata metadata_;
};

/// Writes the tensors in name order, so that equal tensors give equal files; an existing file is
/// replaced. Throws Error when the file cannot be written or a view does not fit its shape.
void write_safetensors(const std::string& path, const TensorViews& tensors,
                       const SafetensorsMetadata& metadata = {});

}  // namespace kvscope
