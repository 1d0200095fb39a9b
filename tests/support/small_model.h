#pragma once

#include <utility>
#include <vector>

#include "core/geometry/model_config.h"

namespace kvscope::testing {

/// A model that builds and runs in milliseconds: 2 layers, 2 heads of 16 channels, images of 2
/// pixels a patch side. Tests change what they are about.
inline ModelConfig small_model(std::vector<int> patch_nums) {
  ModelConfig model;
  model.name = "small";
  model.depth = 2;
  model.width = 32;
  model.heads = 2;
  model.classes = 10;
  model.patch_nums = std::move(patch_nums);
  model.vae_ch = 32;
  model.vae_ch_mult = {1, 1};
  model.vae_num_res_blocks = 1;
  model.vocab = 64;
  model.z_channels = 8;
  model.image_size = 2 * model.patch_nums.back();
  return model;
}

}  // namespace kvscope::testing
