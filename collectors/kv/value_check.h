#pragma once

#include <ATen/core/Tensor.h>

#include "core/base/losses.h"
#include "core/record/run_record.h"

namespace kvscope {

/// Adds the values of `tensor` that are not finite, and the finite ones that become infinite as
/// `stored`. One pass over the data when there are none.
void count_bad_values(const at::Tensor& tensor, KvDtype stored, LossCounts& counts);

/// The torch type of a stored type.
at::ScalarType scalar_type_of(KvDtype dtype);

}  // namespace kvscope
