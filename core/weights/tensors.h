#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include <ATen/core/Tensor.h>

#include "core/weights/safetensors.h"

namespace kvscope {

/// Not of `other`, of which it throws Error.
c10::ScalarType scalar_type_of(TensorDtype dtype);

/// A CPU tensor over one of `file`'s views. It keeps the mapping alive and copies nothing, unless
/// the view is not aligned to its elements. Throws Error for a type that is not understood.
at::Tensor tensor_of(const SafetensorsFile& file, const TensorView& view);

/// Writes tensors of any device and layout as a safetensors file. Throws Error for an element type
/// that the format has no name for, or when the file cannot be written.
void write_safetensors(const std::string& path,
                       const std::map<std::string, at::Tensor, std::less<>>& tensors,
                       const SafetensorsMetadata& metadata = {});

}  // namespace kvscope
