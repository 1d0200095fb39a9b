#include "core/budget/rule_list.h"

#include <array>

#include "core/budget/policies/keep_all.h"
#include "core/budget/policies/keep_capacity.h"
#include "core/budget/policies/keep_local.h"

namespace kvscope {

std::span<const RuleForm> rule_forms() {
  static constexpr std::array forms = {
      rule_form<KeepAll>(),
      rule_form<KeepLocal>(),
      rule_form<KeepCapacity>(),
  };
  return forms;
}

}  // namespace kvscope
