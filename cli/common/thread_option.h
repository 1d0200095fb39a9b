#pragma once

namespace CLI {
class App;
}

namespace kvscope::cli {

/// Adds --threads; 0, the default, means all processors. More than a few for each processor of the
/// machine are refused: they only take memory and wait for each other.
void add_threads_option(CLI::App& app, int& threads);

}  // namespace kvscope::cli
