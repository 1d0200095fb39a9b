#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/weights/safetensors.h"

namespace kvscope {

/// Throws BadInput when the tensors of `file` are not those of `expected`. The message names the
/// missing ones and those that nobody expects. `config` is the file that calls for them.
void check_parameter_names(const SafetensorsFile& file, const std::set<std::string>& expected,
                           const std::set<std::string>& optional, std::string_view config);

/// A tensor that the file has, on the CPU in its stored dtype. Throws BadInput for one that is not
/// of floating point, of another shape or not finite.
at::Tensor parameter_of(const SafetensorsFile& file, const std::string& name,
                        const std::vector<std::int64_t>& shape);

}  // namespace kvscope
