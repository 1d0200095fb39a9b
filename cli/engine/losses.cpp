#include "cli/engine/losses.h"

#include <vector>

#include "core/base/log.h"
#include "core/base/losses.h"
#include "core/capture/capture_reader.h"

namespace kvscope::cli {

bool warn_of_losses(const std::string& path) {
  const std::vector<Loss> losses = CaptureReader(path).all_losses();
  for (const Loss& loss : losses) {
    if (loss.count == 0 || loss.severity < LossSeverity::warning) continue;
    log().warn("{}: {} {}: {}", path, loss.count, loss.name, loss.advice);
  }
  return any_loss(losses, LossSeverity::data_loss);
}

}  // namespace kvscope::cli
