#include "cli/engine/commands.h"

namespace kvscope::cli {

std::vector<Command> engine_commands() {
  return {capture_command(), analyze_command(), run_command(),
          score_command(),   sweep_command(),   devices_command()};
}

}  // namespace kvscope::cli
