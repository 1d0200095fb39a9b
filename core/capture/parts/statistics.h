#pragma once

#include <optional>

#include "core/capture/open_capture.h"
#include "core/capture/parts/part_row.h"
#include "core/capture/schema.h"
#include "core/record/statistics.h"

namespace kvscope {

namespace schema {

inline constexpr Dataset similarity{"/analysis/similarity/{metric}/{tensor}",
                                    "layer head target source",
                                    Type::float64,
                                    0,
                                    "1",
                                    "mean inter-scale similarity; NaN where source ≥ target"};

inline constexpr Dataset norm{"/analysis/norm/{tensor}", "layer head scale", Type::float64, 0, "1",
                              "mean l2 norm of a token"};

inline constexpr Dataset layer_statistic{
    "/analysis/layer_statistic/{metric}/{tensor}",
    "sample layer",
    Type::float64,
    0,
    "1",
    "mean over heads and targets ≥ 1 of the similarity of source target−1"};

inline constexpr Dataset similarity_sum{"/analysis/batch_sums/similarity/{metric}/{tensor}",
                                        "batch layer head target source",
                                        Type::float64,
                                        1,
                                        "1",
                                        "similarity summed over the samples of a batch"};

inline constexpr Dataset norm_sum{
    "/analysis/batch_sums/norm/{tensor}",          "batch layer head scale", Type::float64, 1, "1",
    "mean norm summed over the samples of a batch"};

inline constexpr Dataset mass{"/analysis/attention/mass",
                              "layer head target source",
                              Type::float64,
                              0,
                              "tokens",
                              "mean attention mass; a target's row sums to its tokens"};

inline constexpr Dataset density{"/analysis/attention/density",
                                 "layer head target source",
                                 Type::float64,
                                 0,
                                 "1",
                                 "mass divided by the tokens of the source"};

inline constexpr Dataset mass_sum{"/analysis/batch_sums/mass",
                                  "batch layer head target source",
                                  Type::float64,
                                  1,
                                  "tokens",
                                  "attention mass summed over the samples of a batch"};

}  // namespace schema

/// Inter-scale similarity with norms, and attention mass: sums of every batch and means of all.
extern const PartRow similarity_part;
extern const PartRow mass_part;

/// Means over the committed samples; nothing when the file has no statistics. Those in a partial
/// file may belong to the batch that was under way, so they are made anew from its sums.
std::optional<Statistics> read_statistics(const OpenCapture& file);

}  // namespace kvscope
