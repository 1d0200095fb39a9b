#include "core/generate/device.h"

#include <array>
#include <fstream>
#include <optional>
#include <string_view>

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>
#include <fmt/format.h>
#include <torch/headeronly/version.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

// LibTorch names no device without the CUDA headers, so the driver is asked.
std::string cuda_name(int index) {
  void* driver = dlopen("libcuda.so.1", RTLD_LAZY);
  if (driver == nullptr) return "CUDA device";
  using Init = int (*)(unsigned int);
  using DeviceGet = int (*)(int*, int);
  using DeviceGetName = int (*)(char*, int, int);
  const auto init = reinterpret_cast<Init>(dlsym(driver, "cuInit"));
  const auto get = reinterpret_cast<DeviceGet>(dlsym(driver, "cuDeviceGet"));
  const auto get_name = reinterpret_cast<DeviceGetName>(dlsym(driver, "cuDeviceGetName"));
  std::array<char, 256> name{};
  int device = 0;
  const bool known = init != nullptr && get != nullptr && get_name != nullptr && init(0) == 0 &&
                     get(&device, index) == 0 &&
                     get_name(name.data(), static_cast<int>(name.size()), device) == 0;
  dlclose(driver);
  return known ? name.data() : "CUDA device";
}

int cuda_device_count() {
  return at::globalContext().hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0;
}

// None when `name` is not written like a device.
std::optional<at::Device> device_written(const std::string& name) {
  try {
    return at::Device(name);
  } catch (const c10::Error&) {
    return std::nullopt;
  }
}

}  // namespace

at::Device parse_device(const std::string& name) {
  const std::optional<at::Device> device = device_written(name == "cuda" ? "cuda:0" : name);
  if (device && device->is_cpu()) return at::Device(at::kCPU);
  if (device && device->is_cuda()) {
    const int count = cuda_device_count();
    if (device->index() >= count) {
      throw UsageError(fmt::format("--device {}: expected a device that is there, got {} CUDA {}",
                                   name, count, count == 1 ? "device" : "devices"));
    }
    return *device;
  }
  throw UsageError(fmt::format("--device: expected cpu, cuda or cuda:N, got '{}'", name));
}

std::string device_name(const at::Device& device) {
  return device.is_cuda() ? cuda_name(device.index()) : cpu_name();
}

std::string cpu_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    constexpr std::string_view key = "model name";
    const std::size_t colon = line.find(':');
    if (line.starts_with(key) && colon + 2 < line.size()) return line.substr(colon + 2);
  }
  return "unknown";
}

std::string torch_version() { return TORCH_VERSION; }

std::vector<std::string> cuda_device_names() {
  const int count = cuda_device_count();
  std::vector<std::string> names;
  names.reserve(static_cast<std::size_t>(count));
  for (int index = 0; index < count; ++index) names.push_back(cuda_name(index));
  return names;
}

}  // namespace kvscope
