#pragma once

#include <functional>

#include "core/capture/capture_reader.h"
#include "core/generate/generator.h"
#include "core/record/forced_agreement.h"

namespace kvscope {

/// How many samples of a vanilla run are forced, and how many at a time.
struct ForcedOptions {
  std::int64_t samples = 0;  ///< the first ones
  int batch = 1;
  BootstrapOptions bootstrap = {};
};

/// Throws BadInput unless `vanilla` is a run of the vanilla cache without more_smooth, with at
/// least `samples` committed samples.
void check_forced_run(const CaptureReader& vanilla, std::int64_t samples);

/// Throws BadInput unless `vanilla` is of `model` and its weights.
void check_forced_model(const CaptureReader& vanilla, const ModelConfig& model,
                        const std::string& weights_sha256);

/// Makes the model follow the tokens of `vanilla`, once with the vanilla cache and once under
/// `budget`. `on_samples` hears of every batch. The vanilla logits of a whole batch are kept
/// between the two: tokens × vocab × 4 B a sample.
///
/// `generator` must sample with the guidance of `vanilla`. It runs under `budget` afterwards. Fills
/// in all but capture_id, dtype and device. Throws Interrupted between scales.
ForcedAgreement teacher_forced_agreement(Generator& generator, const CaptureReader& vanilla,
                                         const Budget& budget, const ForcedOptions& options,
                                         const std::function<void(std::int64_t)>& on_samples);

}  // namespace kvscope
