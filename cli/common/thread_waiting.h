#pragma once

namespace kvscope::cli {

/// Makes the threads of LibTorch sleep where they would spin while they wait for each other,
/// unless the user chose otherwise (OMP_WAIT_POLICY, GOMP_SPINCOUNT). A spinning thread takes the
/// processor from the one it waits for as soon as other programs run beside (docs/results.md).
///
/// libgomp reads the environment when it is loaded, so this has to be called before the program
/// that links it starts. Returns whether it changed the environment.
bool let_waiting_threads_sleep();

}  // namespace kvscope::cli
