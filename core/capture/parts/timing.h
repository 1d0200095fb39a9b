#pragma once

#include "core/capture/open_capture.h"
#include "core/capture/parts/part_row.h"
#include "core/capture/schema.h"
#include "core/record/timings.h"

namespace kvscope {

namespace schema {

inline constexpr Dataset layer_ns{"/timing/layer_ns",
                                  "batch repeat layer scale module",
                                  Type::int64,
                                  1,
                                  "ns",
                                  "time of a module in a layer; 0 where nothing ran"};

inline constexpr Dataset model_ns{"/timing/model_ns",
                                  "batch repeat scale module",
                                  Type::int64,
                                  1,
                                  "ns",
                                  "time of a module that belongs to no layer"};

inline constexpr Dataset batch_ns{"/timing/batch_ns",
                                  "batch repeat",
                                  Type::int64,
                                  0,
                                  "ns",
                                  "wall time of the whole batch, from the labels to the image"};

}  // namespace schema

/// Times of every module, repeat and batch.
extern const PartRow timing_part;

/// Of the committed batches of a file with the part.
Timings read_timings(const OpenCapture& file);

}  // namespace kvscope
