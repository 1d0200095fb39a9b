#include "core/model/parameter_source.h"

#include <utility>

#include <fmt/format.h>

#include "core/base/error.h"

namespace kvscope {

ParameterSource::ParameterSource(const StateDict& weights, std::string prefix, at::Device device,
                                 at::ScalarType compute)
    : weights_(&weights), prefix_(std::move(prefix)), device_(device), compute_(compute) {}

ParameterSource ParameterSource::module(const std::string& name) const {
  return {*weights_, fmt::format("{}{}.", prefix_, name), device_, compute_};
}

bool ParameterSource::has(const std::string& name) const {
  return weights_->contains(prefix_ + name);
}

at::Tensor ParameterSource::compute(const std::string& name) const { return find(name, compute_); }

at::Tensor ParameterSource::full(const std::string& name) const { return find(name, at::kFloat); }

at::Tensor ParameterSource::find(const std::string& name, at::ScalarType dtype) const {
  const auto found = weights_->find(prefix_ + name);
  if (found == weights_->end()) {
    throw Error(fmt::format("[model] {}{}: expected a parameter, got none", prefix_, name));
  }
  return found->second.to(device_, dtype).contiguous();
}

}  // namespace kvscope
