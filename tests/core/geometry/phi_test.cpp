#include "core/geometry/phi.h"

#include <vector>

#include <gmock/gmock.h>

namespace kvscope {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

std::vector<int> phi_indices(int scales, int phis) {
  std::vector<int> indices;
  for (int scale = 0; scale < scales; ++scale) indices.push_back(phi_index(scale, scales, phis));
  return indices;
}

// A wrong choice at a tie changes every image a little, and no other test of this folder sees it.
// Expected: numpy.argmin(numpy.abs(numpy.linspace(a, 1 - a, phis) - i/(K-1))), a = 1/12 for four
// convolutions and 1/(2*phis) for any other number.
TEST(PhiIndex, FollowsNumpyAtTies) {
  EXPECT_THAT(phi_indices(10, 4), ElementsAre(0, 0, 1, 1, 1, 2, 2, 3, 3, 3));
  EXPECT_THAT(phi_indices(3, 4), ElementsAre(0, 2, 3));
  EXPECT_THAT(phi_indices(5, 4), ElementsAre(0, 1, 2, 2, 3));
  EXPECT_THAT(phi_indices(7, 4), ElementsAre(0, 0, 1, 2, 2, 3, 3));
  EXPECT_THAT(phi_indices(9, 4), ElementsAre(0, 0, 1, 1, 2, 2, 2, 3, 3));
  EXPECT_THAT(phi_indices(11, 4), ElementsAre(0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 3));
  EXPECT_THAT(phi_indices(13, 4), ElementsAre(0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3));
  EXPECT_THAT(phi_indices(5, 2), ElementsAre(0, 0, 0, 1, 1));
  EXPECT_THAT(phi_indices(10, 3), ElementsAre(0, 0, 0, 0, 1, 1, 1, 2, 2, 2));
  EXPECT_THAT(phi_indices(6, 5), ElementsAre(0, 0, 1, 2, 3, 4));
  EXPECT_THAT(phi_indices(10, 7), ElementsAre(0, 0, 1, 2, 3, 3, 4, 5, 6, 6));
  EXPECT_THAT(phi_indices(3, 10), ElementsAre(0, 5, 9));
}

TEST(PhiIndex, SpreadsOverEvenNumbersOfScales) {
  EXPECT_THAT(phi_indices(2, 4), ElementsAre(0, 3));
  EXPECT_THAT(phi_indices(4, 4), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(phi_indices(6, 4), ElementsAre(0, 0, 1, 2, 3, 3));
}

TEST(PhiIndex, OneConvolutionServesEveryScale) { EXPECT_THAT(phi_indices(10, 1), Each(0)); }

TEST(PhiIndex, AsManyConvolutionsAsScalesServeOneEach) {
  for (int count = 2; count <= 32; ++count) {
    for (int scale = 0; scale < count; ++scale) {
      EXPECT_EQ(phi_index(scale, count, count), scale) << count;
    }
  }
}

std::vector<std::string> phi_names(const ModelConfig& config) {
  std::vector<std::string> names;
  for (int phi = 0; phi < phi_count(config); ++phi) names.push_back(phi_name(config, phi));
  return names;
}

// Lost without it: the weights of a published VAE would be refused by their names.
TEST(PhiNames, AreTheOfficialOnesOfEveryShare) {
  ModelConfig config;
  config.patch_nums = {1, 2, 4};
  EXPECT_THAT(phi_names(config), ElementsAre("quant_resi.qresi_ls.0", "quant_resi.qresi_ls.1",
                                             "quant_resi.qresi_ls.2", "quant_resi.qresi_ls.3"));
  config.share_quant_resi = 2;
  EXPECT_THAT(phi_names(config), ElementsAre("quant_resi.qresi_ls.0", "quant_resi.qresi_ls.1"));
  config.share_quant_resi = 1;
  EXPECT_THAT(phi_names(config), ElementsAre("quant_resi.qresi"));
  config.share_quant_resi = 0;
  EXPECT_THAT(phi_names(config), ElementsAre("quant_resi.0", "quant_resi.1", "quant_resi.2"));
  config.default_qresi_counts = 2;
  EXPECT_THAT(phi_names(config), ElementsAre("quant_resi.0", "quant_resi.1"));
  config.quant_resi = 0;
  EXPECT_THAT(phi_names(config), ElementsAre());
}

}  // namespace
}  // namespace kvscope
