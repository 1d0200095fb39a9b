#include "analysis/metrics/similarity_kernel.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>

namespace kvscope {
namespace {

// The bodies below are inlined into one function per instruction set; `lanes` is its register width
// in floats. Vector types make the order of every sum explicit, which -ffast-math would not.
#define KVSCOPE_INLINE [[gnu::always_inline]] inline

template <int lanes>
struct Vector {
  typedef float type __attribute__((vector_size(lanes * sizeof(float))));
};
template <int lanes>
using VectorOf = typename Vector<lanes>::type;
using Vector4 = VectorOf<4>;

template <int lanes>
KVSCOPE_INLINE VectorOf<lanes> load(const float* from) {
  VectorOf<lanes> vector;
  std::memcpy(&vector, from, sizeof vector);
  return vector;
}

template <int lanes>
KVSCOPE_INLINE Vector4 fold(VectorOf<lanes> vector) {
  if constexpr (lanes == 4) {
    return vector;
  } else {
    VectorOf<lanes / 2> low;
    VectorOf<lanes / 2> high;
    std::memcpy(&low, &vector, sizeof low);
    std::memcpy(&high, reinterpret_cast<const char*>(&vector) + sizeof low, sizeof high);
    return fold<lanes / 2>(low + high);
  }
}

KVSCOPE_INLINE float sum(Vector4 v) { return (v[0] + v[2]) + (v[1] + v[3]); }

/// Sums of three vectors in lanes 0, 1 and 2: half the shuffles of three single sums.
KVSCOPE_INLINE Vector4 sums(Vector4 a, Vector4 b, Vector4 c) {
  const Vector4 ab = __builtin_shufflevector(a, b, 0, 4, 1, 5) +
                     __builtin_shufflevector(a, b, 2, 6, 3, 7);  // a02 b02 a13 b13
  const Vector4 cc = __builtin_shufflevector(c, c, 0, 0, 1, 1) +
                     __builtin_shufflevector(c, c, 2, 2, 3, 3);  // c02 c02 c13 c13
  return __builtin_shufflevector(ab, cc, 0, 1, 4, 5) + __builtin_shufflevector(ab, cc, 2, 3, 6, 7);
}

template <int lanes>
KVSCOPE_INLINE void norms_body(const float* rows, std::int64_t tokens, int channels, float* norms) {
  const int vector_end = channels - channels % lanes;
  for (std::int64_t token = 0; token < tokens; ++token, rows += channels) {
    VectorOf<lanes> squares{};
    for (int c = 0; c < vector_end; c += lanes) {
      const auto x = load<lanes>(rows + c);
      squares += x * x;
    }
    float total = sum(fold<lanes>(squares));
    for (int c = vector_end; c < channels; ++c) total += rows[c] * rows[c];
    norms[token] = std::sqrt(total);
  }
}

/// Sums of one resized token against its target.
struct TokenSums {
  float* dot;
  float* square;
  float* difference;
};

template <int lanes>
KVSCOPE_INLINE void blend(const float* row0, const float* row1, float weight0, float weight1,
                          std::int64_t count, float* out) {
  const std::int64_t vector_end = count - count % lanes;
  for (std::int64_t k = 0; k < vector_end; k += lanes) {
    const auto mixed = weight0 * load<lanes>(row0 + k) + weight1 * load<lanes>(row1 + k);
    std::memcpy(out + k, &mixed, sizeof mixed);
  }
  for (std::int64_t k = vector_end; k < count; ++k) out[k] = weight0 * row0[k] + weight1 * row1[k];
}

/// One row of the target map: resizes along x and sums over channels in the same pass.
template <int lanes>
KVSCOPE_INLINE void compare_row(const float* blended, const float* target, const ResizeAxis& axis,
                                int channels, TokenSums out) {
  const int side = static_cast<int>(axis.index0.size());
  const int vector_end = channels - channels % lanes;
  for (int x = 0; x < side; ++x, target += channels) {
    const float* left = blended + std::int64_t{axis.index0[x]} * channels;
    const float* right = blended + std::int64_t{axis.index1[x]} * channels;
    const float weight0 = axis.weight0[x];
    const float weight1 = axis.weight1[x];
    VectorOf<lanes> dot{};
    VectorOf<lanes> square{};
    VectorOf<lanes> difference{};
    for (int c = 0; c < vector_end; c += lanes) {
      const auto r = weight0 * load<lanes>(left + c) + weight1 * load<lanes>(right + c);
      const auto t = load<lanes>(target + c);
      const auto d = r - t;
      dot += r * t;
      square += r * r;
      difference += d * d;
    }
    Vector4 total = sums(fold<lanes>(dot), fold<lanes>(square), fold<lanes>(difference));
    for (int c = vector_end; c < channels; ++c) {
      const float r = weight0 * left[c] + weight1 * right[c];
      const float d = r - target[c];
      total[0] += r * target[c];
      total[1] += r * r;
      total[2] += d * d;
    }
    out.dot[x] = total[0];
    out.square[x] = total[1];
    out.difference[x] = total[2];
  }
}

template <int lanes>
KVSCOPE_INLINE PairSums compare_body(const float* source, const float* target,
                                     const float* target_norms, const ResizeAxis& axis,
                                     int channels, float* scratch) {
  const int side = static_cast<int>(axis.index0.size());
  const std::int64_t source_row = std::int64_t{axis.input_side} * channels;
  const TokenSums sums{scratch, scratch + side, scratch + std::ptrdiff_t{2} * side};
  float* blended = scratch + std::ptrdiff_t{3} * side;
  PairSums total;
  for (int y = 0; y < side; ++y) {
    blend<lanes>(source + axis.index0[y] * source_row, source + axis.index1[y] * source_row,
                 axis.weight0[y], axis.weight1[y], source_row, blended);
    const std::int64_t first = std::int64_t{y} * side;
    // VAR's head size: with a constant the loop over channels unrolls.
    if (channels == 64) {
      compare_row<lanes>(blended, target + first * channels, axis, 64, sums);
    } else {
      compare_row<lanes>(blended, target + first * channels, axis, channels, sums);
    }
    for (int x = 0; x < side; ++x) {
      const float norm = std::max(std::sqrt(sums.square[x]), cosine_eps);
      const float target_norm = std::max(target_norms[first + x], cosine_eps);
      sums.dot[x] /= norm * target_norm;
      sums.difference[x] = std::sqrt(sums.difference[x]);
    }
    for (int x = 0; x < side; ++x) {
      total.cosine += static_cast<double>(sums.dot[x]);
      total.neg_l2 -= static_cast<double>(sums.difference[x]);
    }
  }
  return total;
}

using NormsFunction = void (*)(const float*, std::int64_t, int, float*);
using CompareFunction = PairSums (*)(const float*, const float*, const float*, const ResizeAxis&,
                                     int, float*);
struct Kernels {
  NormsFunction norms;
  CompareFunction compare;
};

#define KVSCOPE_KERNELS(name, lanes, attributes)                                                   \
  attributes void norms_##name(const float* rows, std::int64_t tokens, int channels,               \
                               float* norms) {                                                     \
    norms_body<lanes>(rows, tokens, channels, norms);                                              \
  }                                                                                                \
  attributes PairSums compare_##name(const float* source, const float* target, const float* norms, \
                                     const ResizeAxis& axis, int channels, float* scratch) {       \
    return compare_body<lanes>(source, target, norms, axis, channels, scratch);                    \
  }

KVSCOPE_KERNELS(baseline, 4, )
#if defined(__x86_64__)
KVSCOPE_KERNELS(avx2, 8, __attribute__((target("avx2,fma"))))
KVSCOPE_KERNELS(avx512, 16, __attribute__((target("avx512f,avx2,fma"))))
#endif
#undef KVSCOPE_KERNELS

Kernels best_kernels() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return {norms_avx512, compare_avx512};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return {norms_avx2, compare_avx2};
#endif
  return {norms_baseline, compare_baseline};
}

const Kernels& kernels() {
  static const Kernels chosen = best_kernels();
  return chosen;
}

}  // namespace

ResizeAxis::ResizeAxis(int input, int output_side) : input_side(input) {
  // float32 as ATen's area_pixel_compute_source_index: the weights differ in double.
  const float scale = static_cast<float>(input_side) / static_cast<float>(output_side);
  for (int k = 0; k < output_side; ++k) {
    const float position = std::max(0.0F, scale * (static_cast<float>(k) + 0.5F) - 0.5F);
    const int low = std::min(static_cast<int>(position), input_side - 1);
    const float fraction = std::clamp(position - static_cast<float>(low), 0.0F, 1.0F);
    index0.push_back(low);
    index1.push_back(std::min(low + 1, input_side - 1));
    weight0.push_back(1.0F - fraction);
    weight1.push_back(fraction);
  }
}

void row_norms(const float* rows, std::int64_t tokens, int channels, float* norms) {
  kernels().norms(rows, tokens, channels, norms);
}

PairSums compare_scales(const float* source, const float* target, const float* target_norms,
                        const ResizeAxis& axis, int channels, std::vector<float>& scratch) {
  const std::size_t side = axis.index0.size();
  scratch.resize(3 * side +
                 static_cast<std::size_t>(axis.input_side) * static_cast<std::size_t>(channels));
  return kernels().compare(source, target, target_norms, axis, channels, scratch.data());
}

}  // namespace kvscope
