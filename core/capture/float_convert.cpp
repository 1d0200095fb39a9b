#include "core/capture/float_convert.h"

#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace kvscope {
namespace {

std::uint16_t bits_at(const std::byte* bytes, std::size_t index) {
  std::uint16_t bits = 0;
  std::memcpy(&bits, bytes + 2 * index, sizeof bits);
  return bits;
}

float widened(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000U) << 16;
  const std::uint32_t magnitude = half & 0x7FFFU;
  if (magnitude >= 0x7C00U) {  // infinity and NaN
    return std::bit_cast<float>(sign | 0x7F800000U | ((magnitude & 0x3FFU) << 13));
  }
  // Exponent and mantissa in their float places, then rescaled by the difference of the biases:
  // 2^(127 − 15). Exact for subnormals too.
  const float scaled = std::bit_cast<float>(magnitude << 13) * 0x1p112F;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(scaled) | sign);
}

#if defined(__x86_64__)
__attribute__((target("avx,f16c"))) void half_to_float_f16c(const std::byte* halves,
                                                            std::size_t count, float* out) {
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m128i packed = _mm_loadu_si128(reinterpret_cast<const __m128i*>(halves + 2 * i));
    _mm256_storeu_ps(out + i, _mm256_cvtph_ps(packed));
  }
  half_to_float_portable(halves + 2 * i, count - i, out + i);
}
#endif

}  // namespace

void half_to_float_portable(const std::byte* halves, std::size_t count, float* out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = widened(bits_at(halves, i));
}

void half_to_float(const std::byte* halves, std::size_t count, float* out) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("f16c") != 0) return half_to_float_f16c(halves, count, out);
#endif
  half_to_float_portable(halves, count, out);
}

void bfloat_to_float(const std::byte* bfloats, std::size_t count, float* out) {
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = std::bit_cast<float>(static_cast<std::uint32_t>(bits_at(bfloats, i)) << 16);
  }
}

}  // namespace kvscope
