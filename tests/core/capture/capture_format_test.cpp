#include <fstream>
#include <iterator>
#include <set>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "core/capture/parts/basics.h"
#include "core/capture/parts/part_row.h"
#include "core/capture/parts/raw.h"
#include "core/capture/parts/statistics.h"
#include "core/capture/schema.h"

namespace kvscope {
namespace {

std::string format_page() {
  std::ifstream file(KVSCOPE_SOURCE_DIR "/data/FORMAT.md");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<schema::Dimension> all_dimensions() {
  std::vector<schema::Dimension> all(schema::dimensions.begin(), schema::dimensions.end());
  for (const PartRow* part : part_rows()) {
    for (const PartDimension& own : part->dimensions) all.push_back(own.dimension);
  }
  return all;
}

// Scripts outside the tree are written from that page: it must say what the writer does.
TEST(FormatPage, NamesEveryDataset) {
  const std::string page = format_page();
  for (const PartRow* part : part_rows()) {
    for (const schema::Dataset& entry : part->datasets) {
      const std::string row =
          fmt::format("| `{}` | {} | {} | {} | {} | {} | {} |", entry.path,
                      fmt::join(schema::dims_of(entry), ", "), schema::name_of(entry.type),
                      entry.unit, part->name, schema::version_name(entry.since), entry.meaning);
      EXPECT_NE(page.find(row), std::string::npos) << "missing: " << row;
    }
  }
}

TEST(FormatPage, NamesEveryAttribute) {
  const std::string page = format_page();
  for (const schema::Attribute& entry : schema::attributes) {
    const std::string row =
        fmt::format("| `{}` | `{}` | {} | {} | {} |", entry.owner, entry.name,
                    schema::name_of(entry.type), schema::version_name(entry.since), entry.meaning);
    EXPECT_NE(page.find(row), std::string::npos) << "missing: " << row;
  }
}

TEST(FormatPage, NamesEveryDimension) {
  const std::string page = format_page();
  for (const schema::Dimension& entry : all_dimensions()) {
    const std::string row =
        fmt::format("| `{}` | {} | {} |", entry.name, schema::name_of(entry.type), entry.meaning);
    EXPECT_NE(page.find(row), std::string::npos) << "missing: " << row;
  }
}

TEST(Catalogue, HasNoPathTwiceAndKnowsItsDimensions) {
  std::set<std::string_view> paths;
  std::set<std::string_view> names;
  for (const schema::Dimension& dimension : all_dimensions()) {
    EXPECT_TRUE(names.insert(dimension.name).second) << dimension.name;
  }
  for (const PartRow* part : part_rows()) {
    for (const schema::Dataset& entry : part->datasets) {
      EXPECT_TRUE(paths.insert(entry.path).second) << entry.path;
      for (const std::string_view name : schema::dims_of(entry)) EXPECT_TRUE(names.contains(name));
      EXPECT_LE(entry.chunked_dims, static_cast<int>(schema::dims_of(entry).size()));
      EXPECT_GE(entry.since, part->since) << entry.path;
      EXPECT_LE(entry.since, schema::minor_version) << entry.path;
    }
  }
}

TEST(Catalogue, HasARowForEveryPart) {
  for (std::size_t i = 0; i < part_rows().size(); ++i) {
    const PartRow& row = row_of(static_cast<Part>(i));
    EXPECT_EQ(row.part, static_cast<Part>(i)) << row.name;
    EXPECT_FALSE(row.datasets.empty()) << row.name;
    EXPECT_NE(row.write, nullptr) << row.name;
    if (row.optional) {
      EXPECT_GT(row.since, 0) << row.name << ": readers of 1.0 know no optional parts";
    }
  }
}

TEST(Catalogue, FillsInPaths) {
  EXPECT_EQ(schema::path_of(schema::kv, 7, KvTensor::value), "/kv/layer_07/value");
  EXPECT_EQ(schema::path_of(schema::similarity, Metric::neg_l2, KvTensor::key),
            "/analysis/similarity/neg_l2/key");
  EXPECT_EQ(schema::paths_of(schema::kv, {0, 12}),
            (std::vector<std::string>{"/kv/layer_00/key", "/kv/layer_00/value", "/kv/layer_12/key",
                                      "/kv/layer_12/value"}));
  EXPECT_EQ(schema::paths_of(schema::similarity, {0}).size(), 4U);
  EXPECT_EQ(schema::paths_of(schema::losses, {0}).size(), 1U);
}

}  // namespace
}  // namespace kvscope
