#pragma once

#include <cstdint>

#include "core/capture/open_capture.h"
#include "core/capture/parts/part_row.h"
#include "core/capture/schema.h"
#include "core/capture/written_file.h"
#include "core/record/estimate.h"
#include "core/record/scores.h"

namespace kvscope {

namespace schema {

inline constexpr Dataset predicted_class{
    "/samples/predicted_class",
    "sample",
    Type::int32,
    0,
    "1",
    "class the scorer sees in the image; -1 where it is not judged"};

inline constexpr Dataset class_accuracy{
    "/scores/class_accuracy",
    "estimate",
    Type::float64,
    0,
    "1",
    "share of samples whose predicted class is their label; NaN until the run is over"};

inline constexpr Dataset demo_frechet_distance{
    "/scores/demo_frechet_distance",
    "estimate",
    Type::float64,
    0,
    "1",
    "Fréchet distance of the scorer's features to real pictures'; NaN until the run is over"};

}  // namespace schema

/// How a scorer judged the images: of every sample when it is committed, of all at the end.
extern const PartRow scores_part;

void write_estimates(WrittenFile& file, const Estimate& class_accuracy,
                     const Estimate& demo_frechet_distance);

/// Of a file with the part; `nonfinite_images` of its committed samples were not judged. Of a
/// partial file only the accuracy is known, without an interval.
Scores read_scores(const OpenCapture& file, std::int64_t nonfinite_images);

}  // namespace kvscope
