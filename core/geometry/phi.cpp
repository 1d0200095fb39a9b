#include "core/geometry/phi.h"

#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace kvscope {
namespace {

// The published code leaves out a residual this small.
constexpr double smallest_residual = 1e-6;

/// numpy.linspace(first, 1 − first, phis)[phi], where four ticks begin at a third of their share
/// and any other number at half of it. The build keeps the compiler from fusing the multiply and
/// the add: rounded otherwise, a tie could break the other way.
double tick(int phi, int phis) {
  const double first = 1.0 / (phis == 4 ? 3 : 2) / phis;
  const double last = 1.0 - first;
  if (phi == 0) return first;
  if (phi == phis - 1) return last;
  return phi * ((last - first) / (phis - 1)) + first;
}

}  // namespace

int phi_count(const ModelConfig& config) {
  if (std::abs(config.quant_resi) <= smallest_residual) return 0;
  if (config.share_quant_resi > 0) return config.share_quant_resi;
  if (config.default_qresi_counts > 0) return config.default_qresi_counts;
  return config.schedule().scales();
}

std::string phi_name(const ModelConfig& config, int phi) {
  if (config.share_quant_resi == 0) return fmt::format("quant_resi.{}", phi);
  if (config.share_quant_resi == 1) return "quant_resi.qresi";
  return fmt::format("quant_resi.qresi_ls.{}", phi);
}

int phi_index(int scale, int scales, int phis) {
  const double position = static_cast<double>(scale) / (scales - 1);
  int nearest = 0;
  double smallest = std::numeric_limits<double>::infinity();
  for (int phi = 0; phi < phis; ++phi) {
    const double distance = std::abs(tick(phi, phis) - position);
    if (distance < smallest) {
      smallest = distance;
      nearest = phi;
    }
  }
  return nearest;
}

}  // namespace kvscope
