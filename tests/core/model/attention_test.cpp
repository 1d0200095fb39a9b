#include "core/model/attention.h"

#include <cmath>
#include <limits>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

struct AttendCase {
  std::int64_t rows;
  std::int64_t queries;
  at::ScalarType dtype;
  double tolerance;  // float32 sums in another order, or the output's rounding to a half type
};

class AttendTest : public ::testing::TestWithParam<AttendCase> {};

// Lost without it: statistics of the attention would differ from what the model attends to.
TEST_P(AttendTest, MassIsTheSumOfTheSoftmaxWeightsAndChangesNoBit) {
  const auto& [rows, queries, dtype, tolerance] = GetParam();
  // Laid out as in the model: heads of a projection side by side, keys in a larger buffer.
  const at::Tensor query = at::randn({rows, queries, 3, 32}).to(dtype).transpose(1, 2);
  const auto cached = [&] { return at::randn({rows, 3, 800, 32}).to(dtype).narrow(2, 0, 700); };
  const KvView read = {{.heads = HeadSet::all(3), .key = cached(), .value = cached()}};
  const Attention plain = attend(query, read, 0);
  const Attention weighed = attend(query, read, rows / 2);
  EXPECT_TRUE(plain.mass.empty());
  ASSERT_EQ(weighed.mass.size(), 1U);
  EXPECT_EQ(plain.output.scalar_type(), dtype);
  EXPECT_TRUE(at::equal(plain.output, weighed.output));
  const at::Tensor scores =
      at::matmul(query.to(at::kFloat), read[0].key.to(at::kFloat).transpose(2, 3));
  const at::Tensor weights = at::softmax(scores, -1);
  // Float32 sums over the queries, in another order.
  EXPECT_TRUE(at::allclose(weighed.mass[0], weights.sum(2).narrow(0, 0, rows / 2), 1e-4, 1e-6));
  const at::Tensor output =
      at::matmul(weights, read[0].value.to(at::kFloat)).transpose(1, 2).flatten(2);
  EXPECT_TRUE(at::allclose(plain.output.to(at::kFloat), output, tolerance, tolerance / 10));
}

INSTANTIATE_TEST_SUITE_P(
    Blocks, AttendTest,
    ::testing::Values(AttendCase{4, 300, at::kFloat, 1e-4},   // several heads, and mass of some
                      AttendCase{2, 2000, at::kFloat, 1e-4},  // a part of the queries of one head
                      AttendCase{2, 300, at::kBFloat16, 1e-2},
                      AttendCase{2, 300, at::kHalf, 2e-3}));

constexpr int rows = 4;
constexpr int heads = 5;
constexpr int queries = 9;
constexpr int keys = 30;
constexpr int head_dim = 16;

// Sums of float32 in another order.
void expect_close(const at::Tensor& a, const at::Tensor& b) {
  EXPECT_TRUE(at::allclose(a, b, 1e-5, 1e-6)) << (a - b).abs().max().item<float>();
}

struct Tokens {
  at::Tensor query = at::randn({rows, queries, heads, head_dim}).transpose(1, 2);
  at::Tensor key = at::randn({rows, heads, keys, head_dim});
  at::Tensor value = at::randn({rows, heads, keys, head_dim});

  // The entries `positions` of `indices`.
  KvGroup group(std::vector<int> indices, const std::vector<std::int64_t>& positions) const {
    const at::Tensor of_heads =
        at::tensor(std::vector<std::int64_t>(indices.begin(), indices.end()));
    const at::Tensor of_tokens = at::tensor(positions);
    const auto pick = [&](const at::Tensor& all) {
      return all.index_select(1, of_heads).index_select(2, of_tokens);
    };
    return {.heads = HeadSet(std::move(indices), heads), .key = pick(key), .value = pick(value)};
  }

  // Full attention under an additive mask [heads, keys].
  Attention masked(const at::Tensor& mask) const {
    const at::Tensor scores = at::matmul(query, key.transpose(2, 3)) + mask.unsqueeze(1);
    const at::Tensor weights = at::softmax(scores, -1);
    return {at::matmul(weights, value).transpose(1, 2).flatten(2), {weights.sum(2)}};
  }
};

// Lost without it: a budget that gives heads scales of their own would compute something else than
// the cache it describes.
TEST(Attend, GroupsOfUnequalLengthEqualMasksOverAllKeys) {
  const Tokens tokens;
  const std::vector<std::int64_t> few = {0, 3, 4, 29};
  std::vector<std::int64_t> many;
  for (std::int64_t token = 0; token < keys; token += 2) many.push_back(token);
  const KvView read = {tokens.group({1, 2, 4}, few), tokens.group({0, 3}, many)};
  const Attention attention = attend(tokens.query, read, 2);

  at::Tensor mask = at::full({heads, keys}, -std::numeric_limits<float>::infinity());
  for (const int head : {1, 2, 4}) mask[head].index_fill_(0, at::tensor(few), 0.0F);
  for (const int head : {0, 3}) mask[head].index_fill_(0, at::tensor(many), 0.0F);
  const Attention expected = tokens.masked(mask);
  expect_close(attention.output, expected.output);

  ASSERT_EQ(attention.mass.size(), 2U);
  const at::Tensor mass = expected.mass[0].narrow(0, 0, 2);
  const at::Tensor of_few = mass.index_select(1, at::tensor({1, 2, 4}, at::kLong));
  const at::Tensor of_many = mass.index_select(1, at::tensor({0, 3}, at::kLong));
  expect_close(attention.mass[0], of_few.index_select(2, at::tensor(few)));
  expect_close(attention.mass[1], of_many.index_select(2, at::tensor(many)));
}

// Lost without it: a token that stands for a pooled cell would weigh as little as any other.
TEST(Attend, ABiasOfLogFourIsFourCopies) {
  const Tokens tokens;
  const KvGroup once = tokens.group({0, 1, 2, 3, 4}, {0, 1, 2, 3, 7});
  const KvGroup copies = tokens.group({0, 1, 2, 3, 4}, {0, 1, 2, 3, 7, 7, 7, 7});
  KvGroup pooled = once;
  pooled.bias = at::zeros({1, 1, 5});
  pooled.bias.select(2, 4).fill_(std::log(4.0F));
  const Attention expected = attend(tokens.query, {copies}, rows);
  const Attention got = attend(tokens.query, {pooled}, rows);
  expect_close(got.output, expected.output);
  const at::Tensor of_four = expected.mass[0].narrow(2, 4, 4).sum(2, /*keepdim=*/true);
  expect_close(got.mass[0], at::cat({expected.mass[0].narrow(2, 0, 4), of_four}, 2));
  EXPECT_FALSE(at::allclose(attend(tokens.query, {once}, 0).output, got.output, 1e-2, 1e-2));
}

// A bias of every row, head and entry is taken where it belongs.
TEST(Attend, ABiasMayDifferByRowAndHead) {
  const Tokens tokens;
  KvGroup few = tokens.group({0, 1, 4}, {2, 5, 8});
  KvGroup many = tokens.group({2, 3}, {1, 2, 3, 4, 5});
  few.bias = at::randn({rows, 3, 3});
  many.bias = at::randn({1, 2, 5});
  const Attention got = attend(tokens.query, {few, many}, 0);
  const at::Tensor scores =
      at::matmul(tokens.query.index_select(1, at::tensor({0, 1, 4}, at::kLong)),
                 few.key.transpose(2, 3)) +
      few.bias.unsqueeze(2);
  const at::Tensor output = at::matmul(at::softmax(scores, -1), few.value);
  const at::Tensor by_head = got.output.view({rows, queries, heads, head_dim}).transpose(1, 2);
  expect_close(by_head.index_select(1, at::tensor({0, 1, 4}, at::kLong)), output);
}

// A cache may place tokens where there is room.
TEST(Attend, TheOrderOfTheEntriesChangesNoMoreThanRounding) {
  const Tokens tokens;
  std::vector<std::int64_t> ascending = {0, 1, 4, 9, 16, 25, 26, 27};
  std::vector<std::int64_t> shuffled = {27, 4, 0, 26, 25, 9, 1, 16};
  const Attention a = attend(tokens.query, {tokens.group({0, 1, 2, 3, 4}, ascending)}, 0);
  const Attention b = attend(tokens.query, {tokens.group({0, 1, 2, 3, 4}, shuffled)}, 0);
  expect_close(a.output, b.output);
}

TEST(Attend, RefusesGroupsThatLackAHead) {
  const Tokens tokens;
  EXPECT_THROW((void)attend(tokens.query, {tokens.group({0, 1, 2, 4}, {0})}, 0), Error);
}

}  // namespace
}  // namespace kvscope
