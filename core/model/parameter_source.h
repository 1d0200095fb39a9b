#pragma once

#include <string>

#include <ATen/core/Tensor.h>

#include "core/weights/state_dict.h"

namespace kvscope {

/// Hands out the parameters of one module of a state dict, on the model's device. It is only used
/// while a model is built, and must not outlive the state dict.
class ParameterSource {
 public:
  /// `compute` is the dtype that convolutions and linears run in.
  ParameterSource(const StateDict& weights, std::string prefix, at::Device device,
                  at::ScalarType compute);

  /// The source of a module inside this one, e.g. "block.0".
  ParameterSource module(const std::string& name) const;

  bool has(const std::string& name) const;

  /// The parameter in the compute dtype. Throws Error when it is missing.
  at::Tensor compute(const std::string& name) const;

  /// The parameter in float32: norms, embeddings and all that autocast leaves alone.
  at::Tensor full(const std::string& name) const;

  at::Device device() const { return device_; }
  at::ScalarType compute_dtype() const { return compute_; }

 private:
  at::Tensor find(const std::string& name, at::ScalarType dtype) const;

  const StateDict* weights_;
  std::string prefix_;
  at::Device device_;
  at::ScalarType compute_;
};

}  // namespace kvscope
