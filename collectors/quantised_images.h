#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "core/image/image.h"

namespace kvscope {

/// Generated images [sample, 3, y, x] in [0, 1], on the host, as their PNGs hold them.
std::vector<Image> quantised_images(const at::Tensor& images);

}  // namespace kvscope
