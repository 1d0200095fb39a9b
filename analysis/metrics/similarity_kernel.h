#pragma once

#include <cstdint>
#include <vector>

namespace kvscope {

/// Bilinear resize of one axis, align_corners = false, as PyTorch's upsample_bilinear2d computes it
/// in float32: output k = weight0[k] · input[index0[k]] + weight1[k] · input[index1[k]].
struct ResizeAxis {
  ResizeAxis(int input_side, int output_side);

  int input_side;
  std::vector<int> index0;
  std::vector<int> index1;
  std::vector<float> weight0;
  std::vector<float> weight1;
};

/// Sums over the tokens of a target scale.
struct PairSums {
  double cosine = 0;
  double neg_l2 = 0;
};

/// Smallest norm in a cosine: torch's cosine_similarity, so a zero vector has cosine 0 with all.
inline constexpr float cosine_eps = 1e-8F;

/// Writes the l2 norm of each of `tokens` rows of `channels` floats to `norms`.
void row_norms(const float* rows, std::int64_t tokens, int channels, float* norms);

/// Resizes the map `source` [input side², channels] along `axis` in both directions and compares it
/// with `target` [output side², channels], whose norms row_norms gave. Channels sum in float32 in a
/// fixed order of lanes, tokens in float64: equal input gives equal bits on one machine.
/// `scratch` keeps its memory between calls.
PairSums compare_scales(const float* source, const float* target, const float* target_norms,
                        const ResizeAxis& axis, int channels, std::vector<float>& scratch);

}  // namespace kvscope
