#include <unistd.h>

#include "cli/common/command.h"
#include "cli/common/thread_waiting.h"
#include "cli/engine/commands.h"
#include "core/base/interrupt.h"

int main(int argc, char** argv) {
  using namespace kvscope::cli;
  // Started by hand, with libgomp loaded already: start again. Should that fail, waiting costs
  // time, nothing else.
  if (let_waiting_threads_sleep()) execv("/proc/self/exe", argv);
  kvscope::install_interrupt_handler();
  const Program program = {
      .name = "kvscope",
      .description = "The part of kvscope that runs the model; start it through kvscope.",
      .commands = engine_commands(),
      .others = {},
      .delegate = {}};
  return run_program(program, argc, argv);
}
