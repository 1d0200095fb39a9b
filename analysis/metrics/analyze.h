#pragma once

#include <string>
#include <vector>

namespace kvscope {

struct AnalyzeOptions {
  int threads = 1;
  bool force = false;  ///< replace an existing output
};

/// Turns captures into an analysis file: similarity, norms and layer statistics from raw K and V,
/// or as the run accumulated them; attention mass, samples, ledger and timings as captured. Sums
/// stay batch by batch, in the order of the inputs' first samples (as given where these are equal),
/// so that several captures give the bytes of one run over all their batches; every sample keeps
/// its index in the run. Partial captures count with what they committed. Throws BadInput: no
/// statistics in an input, raw K/V of some samples only, inputs of different models, budgets,
/// sampling or kept subsets, one capture or the same draws given twice. Throws UsageError when
/// `output` is an input.
void analyze(const std::vector<std::string>& inputs, const std::string& output,
             const AnalyzeOptions& options);

}  // namespace kvscope
