#pragma once

#include "core/base/module.h"

namespace kvscope {

/// Told when a module begins and ends. Scopes never nest.
class ModuleClock {
 public:
  virtual ~ModuleClock() = default;
  virtual void begin(Module module, int layer) = 0;
  virtual void end() = 0;
};

/// Marks a module for the length of a block. Without a clock it costs one branch.
class ModuleScope {
 public:
  explicit ModuleScope(ModuleClock* clock, Module module, int layer = no_layer) : clock_(clock) {
    if (clock_ != nullptr) clock_->begin(module, layer);
  }
  ~ModuleScope() {
    if (clock_ != nullptr) clock_->end();
  }
  ModuleScope(const ModuleScope&) = delete;
  ModuleScope& operator=(const ModuleScope&) = delete;

 private:
  ModuleClock* clock_;
};

}  // namespace kvscope
