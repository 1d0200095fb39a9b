#include "cli/engine/losses.h"

#include "core/base/log.h"
#include "core/capture/capture_reader.h"

namespace kvscope::cli {

bool warn_of_losses(const std::string& path) {
  const LossCounts losses = CaptureReader(path).losses();
  for (std::size_t i = 0; i < loss_counter_count; ++i) {
    const auto counter = static_cast<LossCounter>(i);
    if (losses[counter] != 0) {
      log().warn("{}: {} {}: {}", path, losses[counter], name_of(counter), advice_of(counter));
    }
  }
  return losses.any();
}

}  // namespace kvscope::cli
