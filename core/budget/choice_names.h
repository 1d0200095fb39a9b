#pragma once

#include <array>
#include <string_view>

/// How `plan` can choose the demanding layers: the names in a budget, and behind two dashes, all
/// but the first, the options of `plan`.
namespace kvscope::choice_names {

inline constexpr std::string_view widest_gap = "widest-gap";
inline constexpr std::string_view threshold = "threshold";
inline constexpr std::string_view demanding_layers = "demanding-layers";
inline constexpr std::string_view ratio = "ratio";
inline constexpr std::string_view kv_memory = "kv-memory";

inline constexpr std::array all = {threshold, demanding_layers, ratio, kv_memory, widest_gap};

}  // namespace kvscope::choice_names
