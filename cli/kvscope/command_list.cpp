#include "cli/kvscope/commands.h"

namespace kvscope::cli {

std::vector<Command> kvscope_commands() {
  return {plan_command(), compare_command(), report_command(),
          info_command(), export_command(),  doctor_command()};
}

}  // namespace kvscope::cli
