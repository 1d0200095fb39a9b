#include "cli/common/thread_waiting.h"

#include <cstdlib>

namespace kvscope::cli {

bool let_waiting_threads_sleep() {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr) {
    return false;
  }
  return setenv("OMP_WAIT_POLICY", "passive", /*overwrite=*/0) == 0;
}

}  // namespace kvscope::cli
