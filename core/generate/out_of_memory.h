#pragma once

#include <functional>

#include <c10/core/Device.h>

namespace kvscope {

/// Runs `work` and turns a full device or host into Error(out_of_memory) with one line of cause:
/// what `doing` names, and on which device.
void with_out_of_memory_error(at::Device device, const char* doing,
                              const std::function<void()>& work);

}  // namespace kvscope
