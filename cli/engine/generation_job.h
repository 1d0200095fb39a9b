#pragma once

#include <string>

#include "cli/engine/generation_options.h"
#include "core/capture/run_record.h"

namespace kvscope::cli {

/// Loads the model, generates every batch through a CaptureSession into options.output and prints a
/// summary. `settings` adds the command's own choices (store, K/V dtype, subset, compression).
/// Returns the exit code: 5 when the file is complete but data was lost.
int run_generation_job(const GenerationOptions& options, FileKind kind, const RunSettings& settings,
                       bool as_json);

}  // namespace kvscope::cli
