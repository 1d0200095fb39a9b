#pragma once

namespace kvscope {

/// From now on SIGINT and SIGTERM only set a flag, so that the program can stop between two steps
/// and leave its partial file readable. A second signal ends the process at once.
void install_interrupt_handler();

/// Whether a signal has arrived.
bool interrupt_requested();

/// Throws Interrupted when a signal has arrived. Called between scales and between batches.
void throw_if_interrupted();

}  // namespace kvscope
