#pragma once

#include <string>
#include <vector>

#include <c10/core/Device.h>

namespace kvscope {

/// "cpu", "cuda" or "cuda:N" → device. Throws UsageError for anything else and for a CUDA device
/// that is not there, saying what is.
at::Device parse_device(const std::string& name);

/// Name of the processor behind a device, e.g. "NVIDIA H200" or the CPU's model name.
std::string device_name(const at::Device& device);

/// Model name of the CPU, or "unknown".
std::string cpu_name();

/// Version of LibTorch, e.g. "2.11.0".
std::string torch_version();

/// Names of all CUDA devices LibTorch sees, in order; empty without a driver.
std::vector<std::string> cuda_device_names();

}  // namespace kvscope
