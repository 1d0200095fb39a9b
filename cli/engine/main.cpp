#include "cli/common/command.h"
#include "cli/engine/commands.h"
#include "core/base/interrupt.h"

int main(int argc, char** argv) {
  using namespace kvscope::cli;
  kvscope::install_interrupt_handler();
  const Program program = {
      .name = "kvscope",
      .description = "The part of kvscope that runs the model; start it through kvscope.",
      .commands = {capture_command(), analyze_command(), run_command(), score_command(),
                   sweep_command(), devices_command()},
      .others = {},
      .delegate = {}};
  return run_program(program, argc, argv);
}
