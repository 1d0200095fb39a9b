#include "core/generate/out_of_memory.h"

#include <new>
#include <string_view>

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

[[noreturn]] void throw_out_of_memory(at::Device device, const char* doing) {
  throw Error(fmt::format("[generate] {}: expected enough memory for {}, got none left",
                          device.str(), doing),
              ErrorKind::out_of_memory);
}

}  // namespace

void with_out_of_memory_error(at::Device device, const char* doing,
                              const std::function<void()>& work) {
  try {
    work();
  } catch (const c10::OutOfMemoryError&) {
    throw_out_of_memory(device, doing);
  } catch (const std::bad_alloc&) {
    throw_out_of_memory(at::kCPU, doing);
  } catch (const c10::Error& error) {
    // The host's allocator has no exception type of its own.
    const std::string_view cause = error.what_without_backtrace();
    if (cause.find("DefaultCPUAllocator") == std::string_view::npos) throw;
    throw_out_of_memory(at::kCPU, doing);
  }
}

}  // namespace kvscope
