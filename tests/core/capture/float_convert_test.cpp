#include "core/capture/float_convert.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace kvscope {
namespace {

std::vector<std::byte> every_pattern() {
  std::vector<std::byte> bytes(2 * 65536);
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto narrow = static_cast<std::uint16_t>(bits);
    std::memcpy(&bytes[2 * bits], &narrow, 2);
  }
  return bytes;
}

// IEEE 754 by its definition, in double.
double half_value(std::uint32_t bits) {
  const double sign = (bits & 0x8000U) != 0 ? -1 : 1;
  const int exponent = static_cast<int>((bits >> 10) & 0x1FU);
  const double mantissa = bits & 0x3FFU;
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  if (exponent == 31) {
    return mantissa == 0 ? sign * std::numeric_limits<double>::infinity()
                         : std::numeric_limits<double>::quiet_NaN();
  }
  return sign * std::ldexp(1024 + mantissa, exponent - 25);
}

using Convert = void (*)(const std::byte*, std::size_t, float*);

class HalfToFloat : public ::testing::TestWithParam<Convert> {};

// A wrong bit pattern would silently spoil every similarity computed from a capture.
TEST_P(HalfToFloat, IsRightForEveryHalf) {
  std::vector<float> out(65536);
  GetParam()(every_pattern().data(), out.size(), out.data());
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const double expected = half_value(bits);
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(out[bits])) << bits;
    } else {
      ASSERT_EQ(out[bits], expected) << bits;
      ASSERT_EQ(std::signbit(out[bits]), std::signbit(expected)) << bits;
    }
  }
}

TEST_P(HalfToFloat, ConvertsCountsThatAreNoMultipleOfEight) {
  const std::vector<std::byte> bytes = every_pattern();
  for (std::size_t count = 0; count < 20; ++count) {
    std::vector<float> out(count + 1, -1.0F);
    GetParam()(bytes.data() + 2 * 15360, count, out.data());
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_EQ(out[i], half_value(15360 + static_cast<std::uint32_t>(i)));
    }
    EXPECT_EQ(out[count], -1.0F);
  }
}

// Named by hand: an address would be another one in every process, and ctest would find no case.
INSTANTIATE_TEST_SUITE_P(Both, HalfToFloat,
                         ::testing::Values(&half_to_float, &half_to_float_portable),
                         [](const auto& info) { return info.index == 0 ? "Picked" : "Portable"; });

TEST(BfloatToFloat, IsTheUpperHalfOfAFloat) {
  const std::vector<float> values = {1.0F, -2.5F, 0.0F, 0x1p-130F,
                                     std::numeric_limits<float>::infinity()};
  std::vector<std::byte> bytes(2 * values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::memcpy(&bytes[2 * i], reinterpret_cast<const char*>(&values[i]) + 2, 2);
  }
  std::vector<float> out(values.size());
  bfloat_to_float(bytes.data(), out.size(), out.data());
  EXPECT_EQ(out, values);
}

}  // namespace
}  // namespace kvscope
