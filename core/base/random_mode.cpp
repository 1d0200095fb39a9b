#include "core/base/random_mode.h"

#include <fmt/format.h>

#include "core/base/error.h"

namespace kvscope {

std::string_view name_of(RandomMode mode) {
  return mode == RandomMode::official ? "official" : "per-sample";
}

RandomMode parse_random_mode(std::string_view name) {
  if (name == "official") return RandomMode::official;
  if (name == "per-sample") return RandomMode::per_sample;
  throw UsageError(fmt::format("--rng: expected official or per-sample, got '{}'", name));
}

std::uint64_t splitmix64(std::uint64_t seed, std::uint64_t index) {
  std::uint64_t z = seed + (index + 1) * 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

std::uint64_t batch_seed(std::uint64_t seed, std::int64_t batch) {
  return batch == 0 ? seed : splitmix64(seed, static_cast<std::uint64_t>(batch));
}

}  // namespace kvscope
