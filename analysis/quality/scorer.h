#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "analysis/quality/frechet.h"
#include "core/geometry/model_config.h"
#include "core/image/image.h"
#include "core/record/scores.h"

namespace kvscope {

/// What the scorer sees in images; on the CPU.
struct Judgement {
  at::Tensor features;                  ///< [image, F] float32, of the penultimate layer
  at::Tensor logits;                    ///< [image, class] float32
  std::vector<std::int32_t> predicted;  ///< the class of the highest logit
};

/// A small classifier of the pictures of one model, with the features of real pictures to compare
/// with. Its folder holds scorer.json (schema "kvscope.scorer/1") and weights.safetensors. It
/// computes in fp32: 2·pixel/255 − 1; 3×3 convolutions with padding 1 and ReLU; mean over the
/// pixels; a linear layer with ReLU, which gives the features; a linear layer, which gives the
/// logits.
class Scorer {
 public:
  /// Throws BadInput: a file missing or malformed, a tensor missing, unexpected, of the wrong shape
  /// or dtype or not finite, a covariance that is not symmetric.
  Scorer(const std::string& folder, at::Device device);

  /// Its name, its digest and the default bootstrap.
  const ScorerRecord& record() const { return record_; }
  const FrechetDistance& distance() const { return distance_; }

  /// Throws BadInput, naming `path`, unless `model` is the one whose pictures the scorer knows.
  void check_knows(const ModelConfig& model, const std::string& path) const;

  /// Throws BadInput, naming `path`, when a label is no class, that is when none was asked for.
  /// Warns when the classes are not asked for equally often, within one sample: the reference has
  /// them equally often.
  void check_labels(std::span<const std::int32_t> labels, const std::string& path) const;

  /// Images of image_side() by image_side() pixels, at least one. Throws Error for another size.
  Judgement judge(std::span<const Image> images) const;

  int image_side() const { return image_side_; }

 private:
  struct Convolution {
    at::Tensor weight;
    at::Tensor bias;
    std::int64_t stride = 1;
  };
  struct Linear {
    at::Tensor weight;
    at::Tensor bias;
  };
  struct Loaded;  // what the constructor reads

  Scorer(const Loaded& loaded, at::Device device);
  at::Tensor pixels_of(std::span<const Image> images) const;

  at::Device device_;
  ScorerRecord record_;
  std::string model_;
  int image_side_;
  int classes_;
  std::vector<Convolution> convolutions_;
  Linear features_;
  Linear logits_;
  FrechetDistance distance_;
};

}  // namespace kvscope
