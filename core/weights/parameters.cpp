#include "core/weights/parameters.h"

#include <algorithm>
#include <concepts>
#include <cstring>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/error.h"
#include "core/weights/tensors.h"

namespace kvscope {
namespace {

constexpr std::string_view where = "weights";

/// "3 unexpected (a, b, c)", with the first few names only.
std::string listed(const std::vector<std::string>& names, std::string_view what) {
  constexpr std::size_t most = 4;
  const std::size_t shown = std::min(names.size(), most);
  return fmt::format(
      "{} {} ({}{})", names.size(), what,
      fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
      names.size() > shown ? ", …" : "");
}

/// Whether any element has all exponent bits set, which is what NaN and infinity have in common.
template <std::unsigned_integral Bits>
bool any_nonfinite(std::span<const std::byte> bytes, Bits exponent) {
  bool found = false;
  for (std::size_t i = 0; i + sizeof(Bits) <= bytes.size(); i += sizeof(Bits)) {
    Bits bits;
    std::memcpy(&bits, bytes.data() + i, sizeof(Bits));
    found |= (bits & exponent) == exponent;
  }
  return found;
}

bool all_finite(const TensorView& view) {
  switch (view.dtype) {
    case TensorDtype::f16:
      return !any_nonfinite<std::uint16_t>(view.bytes, 0x7c00);
    case TensorDtype::bf16:
      return !any_nonfinite<std::uint16_t>(view.bytes, 0x7f80);
    case TensorDtype::f32:
      return !any_nonfinite<std::uint32_t>(view.bytes, 0x7f80'0000);
    case TensorDtype::f64:
      return !any_nonfinite<std::uint64_t>(view.bytes, 0x7ff0'0000'0000'0000);
    case TensorDtype::i32:
    case TensorDtype::i64:
    case TensorDtype::other:
      return true;
  }
  return true;
}

bool is_floating(TensorDtype dtype) {
  return dtype == TensorDtype::f16 || dtype == TensorDtype::bf16 || dtype == TensorDtype::f32 ||
         dtype == TensorDtype::f64;
}

}  // namespace

void check_parameter_names(const SafetensorsFile& file, const std::set<std::string>& expected,
                           const std::set<std::string>& optional, std::string_view config) {
  std::vector<std::string> missing;
  for (const std::string& name : expected) {
    if (!file.tensors().contains(name)) missing.push_back(name);
  }
  std::vector<std::string> unexpected;
  for (const auto& [name, view] : file.tensors()) {
    if (!expected.contains(name) && !optional.contains(name)) unexpected.push_back(name);
  }
  if (missing.empty() && unexpected.empty()) return;
  std::vector<std::string> got;
  if (!missing.empty()) got.push_back(listed(missing, "missing"));
  if (!unexpected.empty()) got.push_back(listed(unexpected, "unexpected"));
  throw BadInput(where, file.path(),
                 fmt::format("the {} parameters that {} calls for", expected.size(), config),
                 fmt::format("{}", fmt::join(got, " and ")));
}

at::Tensor parameter_of(const SafetensorsFile& file, const std::string& name,
                        const std::vector<std::int64_t>& shape) {
  const TensorView& view = file.tensors().find(name)->second;
  if (!is_floating(view.dtype)) {
    throw BadInput(where, file.path(), fmt::format("{} to be F16, BF16, F32 or F64", name),
                   view.dtype == TensorDtype::other ? std::string_view(view.other_dtype)
                                                    : name_of(view.dtype));
  }
  if (view.shape != shape) {
    throw BadInput(where, file.path(), fmt::format("{} of shape {}", name, shape),
                   fmt::format("{}", view.shape));
  }
  if (!all_finite(view)) {
    throw BadInput(where, file.path(), fmt::format("{} to be finite", name), "NaN or infinity");
  }
  return tensor_of(file, view);
}

}  // namespace kvscope
