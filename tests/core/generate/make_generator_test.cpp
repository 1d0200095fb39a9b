#include "core/generate/make_generator.h"

#include <ATen/ops/equal.h>
#include <gmock/gmock.h>

#include "core/base/error.h"
#include "tests/support/small_model.h"

namespace kvscope::testing {
namespace {

class MakeGeneratorTest : public ::testing::Test {
 protected:
  BatchOutput draw(const GeneratorSettings& settings) const {
    BatchRequest request;
    request.labels = {1, 2};
    return make_generator(model_, settings, budget_)->generate(request);
  }

  LoadedModel model_ = random_model(small_model({1, 2, 3, 4}), 1);
  Budget budget_ = vanilla_budget(budget_model_of(model_.config));
};

// Whoever changes the runtime wants other times, not other images.
TEST_F(MakeGeneratorTest, EveryRuntimeDrawsTheTokensOfTheEagerOne) {
  const at::Tensor eager = draw({.runtime = Runtime::eager}).token_ids;
  for (const Runtime runtime : all_runtimes) {
    EXPECT_TRUE(at::equal(draw({.runtime = runtime}).token_ids, eager)) << name_of(runtime);
  }
}

// A wrong element size makes every figure of the cache's memory wrong.
TEST_F(MakeGeneratorTest, KeysAndValuesAreCountedInTheComputeType) {
  const auto shape_in = [&](const char* dtype) {
    return make_generator(model_, {.dtype = dtype}, budget_)->kv_shape(3);
  };
  EXPECT_EQ(shape_in("fp32"), (KvShape{2, 16, 6, 4, 4}));
  EXPECT_EQ(shape_in("fp16"), (KvShape{2, 16, 6, 2, 2}));
  EXPECT_EQ(shape_in("bf16"), (KvShape{2, 16, 6, 2, 2}));
}

TEST_F(MakeGeneratorTest, RefusesAnUnknownDtype) {
  EXPECT_THAT([&] { make_generator(model_, {.dtype = "int8"}, budget_); },
              ::testing::ThrowsMessage<Error>(::testing::HasSubstr("got 'int8'")));
}

}  // namespace
}  // namespace kvscope::testing
