#include "core/weights/tensors.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

constexpr std::array<std::pair<TensorDtype, c10::ScalarType>, 6> scalar_types = {
    {{TensorDtype::f16, at::kHalf},
     {TensorDtype::bf16, at::kBFloat16},
     {TensorDtype::f32, at::kFloat},
     {TensorDtype::f64, at::kDouble},
     {TensorDtype::i32, at::kInt},
     {TensorDtype::i64, at::kLong}}};

TensorDtype dtype_of(const std::string& name, const at::Tensor& tensor) {
  for (const auto& [dtype, scalar] : scalar_types) {
    if (scalar == tensor.scalar_type()) return dtype;
  }
  throw Error(fmt::format("[safetensors] tensor '{}': element type {} cannot be stored", name,
                          c10::toString(tensor.scalar_type())));
}

}  // namespace

c10::ScalarType scalar_type_of(TensorDtype dtype) {
  if (dtype == TensorDtype::other) throw Error("[safetensors] an element type of no tensor");
  return scalar_types[static_cast<std::size_t>(dtype)].second;
}

at::Tensor tensor_of(const SafetensorsFile& file, const TensorView& view) {
  const auto options = at::TensorOptions().dtype(scalar_type_of(view.dtype));
  const auto address = reinterpret_cast<std::uintptr_t>(view.bytes.data());
  if (address % element_bytes(view.dtype) != 0 || view.bytes.empty()) {
    at::Tensor copy = at::empty(view.shape, options);
    if (!view.bytes.empty()) {
      std::memcpy(copy.mutable_data_ptr(), view.bytes.data(), view.bytes.size());
    }
    return copy;
  }
  // The mapping is private and writable, so nothing that is const is ever changed.
  void* data = const_cast<std::byte*>(view.bytes.data());
  return at::from_blob(data, view.shape, [mapping = file.mapping()](void*) {}, options);
}

void write_safetensors(const std::string& path,
                       const std::map<std::string, at::Tensor, std::less<>>& tensors,
                       const SafetensorsMetadata& metadata) {
  std::map<std::string, at::Tensor, std::less<>> stored;
  TensorViews views;
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor& kept = stored[name] = tensor.detach().cpu().contiguous();
    views[name] = {.dtype = dtype_of(name, kept),
                   .shape = kept.sizes().vec(),
                   .bytes = {static_cast<const std::byte*>(kept.const_data_ptr()), kept.nbytes()}};
  }
  write_safetensors(path, views, metadata);
}

}  // namespace kvscope
