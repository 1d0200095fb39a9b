#pragma once

#include <array>
#include <string_view>

namespace kvscope {

/// Parts of a generation that are timed apart.
enum class Module {
  adaln,           ///< adaLN modulation: conditioning, LayerNorm, scale and shift, gated residual
  qkv,             ///< the fused Q, K, V projection
  qk_norm_cache,   ///< l2 normalisation of Q and K, and the cache update
  attention_core,  ///< softmax(QKᵀ)V
  projection,      ///< the output projection of the attention
  ffn,
  head,       ///< the last norm, guidance, the logits
  sampling,   ///< top-k, top-p, the draw
  quantizer,  ///< codes → f_hat → next input, word embedding
  decoder,    ///< f_hat → image
  other,
};

inline constexpr std::size_t module_count = 11;

inline constexpr std::array<std::string_view, module_count> module_names = {
    "adaln", "qkv",      "qk_norm_cache", "attention_core", "projection", "ffn",
    "head",  "sampling", "quantizer",     "decoder",        "other"};

constexpr std::string_view name_of(Module module) {
  return module_names[static_cast<std::size_t>(module)];
}

/// Whether a budget changes what the module has to do: it reads, or keeps, other K and V. The time
/// of all other modules tells how fast the machine was.
constexpr bool budget_changes(Module module) {
  return module == Module::qk_norm_cache || module == Module::attention_core;
}

/// The modules that a layer's self-attention consists of, and the name of their sum.
inline constexpr std::array<Module, 4> self_attention_modules = {
    Module::qkv, Module::qk_norm_cache, Module::attention_core, Module::projection};
inline constexpr std::string_view self_attention = "self-attention";

/// Layer of what belongs to no layer: head, sampling, quantizer, decoder, other, and the adaLN that
/// is computed once for all layers.
inline constexpr int no_layer = -1;

}  // namespace kvscope
