#include "core/weights/state_dict.h"

#include <algorithm>
#include <concepts>
#include <cstring>
#include <filesystem>
#include <set>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/error.h"
#include "core/weights/safetensors.h"
#include "core/weights/sha256.h"
#include "core/weights/tensors.h"

namespace kvscope {
namespace {

constexpr std::string_view where = "weights";

using Shapes = std::map<std::string, std::vector<std::int64_t>>;

/// Buffers of the official classes: known from the config, so they are neither wanted nor refused.
std::set<std::string> buffer_names(const ModelConfig& config) {
  std::set<std::string> names = {"var.lvl_1L", "var.attn_bias_for_masking",
                                 "vae.quantize.ema_vocab_hit_SV"};
  for (int layer = 0; layer < config.depth; ++layer) {
    names.insert(fmt::format("var.blocks.{}.attn.zero_k_bias", layer));
  }
  return names;
}

/// "3 unexpected (a, b, c)", with the first few names only.
std::string listed(const std::vector<std::string>& names, std::string_view what) {
  constexpr std::size_t most = 4;
  const std::size_t shown = std::min(names.size(), most);
  return fmt::format(
      "{} {} ({}{})", names.size(), what,
      fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
      names.size() > shown ? ", …" : "");
}

void check_names(const SafetensorsFile& file, const Shapes& expected,
                 const std::set<std::string>& buffers) {
  std::vector<std::string> missing;
  for (const auto& [name, shape] : expected) {
    if (!file.tensors().contains(name)) missing.push_back(name);
  }
  std::vector<std::string> unexpected;
  for (const auto& [name, view] : file.tensors()) {
    if (!expected.contains(name) && !buffers.contains(name)) unexpected.push_back(name);
  }
  if (missing.empty() && unexpected.empty()) return;
  std::vector<std::string> got;
  if (!missing.empty()) got.push_back(listed(missing, "missing"));
  if (!unexpected.empty()) got.push_back(listed(unexpected, "unexpected"));
  throw BadInput(where, file.path(),
                 fmt::format("the {} parameters that config.json calls for", expected.size()),
                 fmt::format("{}", fmt::join(got, " and ")));
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
      return true;
  }
  return true;
}

void check_parameter(const SafetensorsFile& file, const std::string& name, const TensorView& view,
                     const std::vector<std::int64_t>& shape) {
  if (view.dtype == TensorDtype::i32 || view.dtype == TensorDtype::i64) {
    throw BadInput(where, file.path(), fmt::format("{} to be F16, BF16, F32 or F64", name),
                   name_of(view.dtype));
  }
  if (view.shape != shape) {
    throw BadInput(where, file.path(), fmt::format("{} of shape {}", name, shape),
                   fmt::format("{}", view.shape));
  }
  if (!all_finite(view)) {
    throw BadInput(where, file.path(), fmt::format("{} to be finite", name), "NaN or infinity");
  }
}

/// A count in the config far beyond the file's tensors is refused before names are made of it.
void check_counts(const SafetensorsFile& file, const ModelConfig& config) {
  const std::size_t tensors = file.tensors().size();
  for (const auto& [key, count] : {std::pair{"depth", config.depth},
                                   std::pair{"vae_num_res_blocks", config.vae_num_res_blocks}}) {
    if (std::cmp_greater(count, tensors)) {
      throw BadInput(where, file.path(), fmt::format("parameters for {} = {}", key, count),
                     fmt::format("{} tensors", tensors));
    }
  }
}

}  // namespace

LoadedModel load_model_folder(const std::string& folder) {
  const std::filesystem::path root(folder);
  LoadedModel model;
  model.config = load_model_config((root / "config.json").string());
  const SafetensorsFile file((root / "weights.safetensors").string());
  check_counts(file, model.config);
  const Shapes expected = expected_parameters(model.config);
  check_names(file, expected, buffer_names(model.config));
  for (const auto& [name, shape] : expected) {
    const TensorView& view = file.tensors().find(name)->second;
    check_parameter(file, name, view, shape);
    model.weights.emplace(name, tensor_of(file, view));
  }
  model.weights_sha256 = sha256_hex(file.mapping()->bytes());
  return model;
}

}  // namespace kvscope
