#pragma once

#include <cstddef>

namespace kvscope {

/// Widens `count` IEEE half-precision numbers (little endian, `halves` need not be aligned).
void half_to_float(const std::byte* halves, std::size_t count, float* out);

/// The same without the processor's own instruction; half_to_float picks.
void half_to_float_portable(const std::byte* halves, std::size_t count, float* out);

/// Widens `count` bfloat16 numbers: the upper halves of floats.
void bfloat_to_float(const std::byte* bfloats, std::size_t count, float* out);

}  // namespace kvscope
