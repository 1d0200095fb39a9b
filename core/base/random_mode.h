#pragma once

#include <cstdint>
#include <string_view>

namespace kvscope {

/// Where the randomness of a run comes from.
enum class RandomMode {
  official,    ///< one torch generator per batch: batch 0 as the official g_seed
  per_sample,  ///< keyed by (seed, sample, scale, token): independent of the batch size
};

/// "official" or "per-sample".
std::string_view name_of(RandomMode mode);

/// Throws UsageError for an unknown name.
RandomMode parse_random_mode(std::string_view name);

/// A well-mixed function of (seed, index): the finaliser of SplitMix64 (Steele, Lea, Flood, "Fast
/// splittable pseudorandom number generators", OOPSLA 2014) at position `index` of stream `seed`.
std::uint64_t splitmix64(std::uint64_t seed, std::uint64_t index);

/// Seed of batch `batch` under RandomMode::official: the seed itself for batch 0.
std::uint64_t batch_seed(std::uint64_t seed, std::int64_t batch);

}  // namespace kvscope
