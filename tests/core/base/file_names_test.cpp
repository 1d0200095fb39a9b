// What a user would lose: the images and scores of a file that is reached through links.

#include "core/base/file_names.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/output_file.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;

std::string notes_of(const std::string& path) { return path + ".notes"; }

class FileNames : public ::testing::Test {
 protected:
  /// runs → data/runs, and in that folder latest.h5 → ../archive/a.h5, which is data/archive/a.h5.
  FileNames() {
    fs::create_directories(folder_ / "data/runs");
    fs::create_directory(folder_ / "data/archive");
    fs::create_symlink("data/runs", folder_ / "runs");
    fs::create_symlink("../archive/a.h5", folder_ / "data/runs/latest.h5");
    std::ofstream(file_) << "a";
  }

  testing::TempDir folder_;
  std::string file_ = folder_ / "data/archive/a.h5";
  std::string path_ = folder_ / "runs/latest.h5";
};

TEST_F(FileNames, LeadToTheFileThatTheSystemOpens) {
  const std::vector<std::string> names = names_through_links(path_);
  ASSERT_EQ(names.size(), 2U);
  EXPECT_EQ(names[0], path_);
  EXPECT_EQ(fs::canonical(names[1]), fs::canonical(file_));
  EXPECT_EQ(link_target(path_), names[1]) << "where outputs go";
}

TEST_F(FileNames, OfAFileThatIsNoLinkAreItsOwn) {
  EXPECT_THAT(names_through_links(file_), ElementsAre(file_));
}

TEST_F(FileNames, FindWhatLiesBesideTheFile) {
  EXPECT_EQ(file_beside(path_, notes_of), "");
  std::ofstream(notes_of(file_)) << "beside the file";
  EXPECT_EQ(fs::canonical(file_beside(path_, notes_of)), fs::canonical(notes_of(file_)));
  std::ofstream(notes_of(path_)) << "beside the link";
  EXPECT_EQ(file_beside(path_, notes_of), notes_of(path_));
}

}  // namespace
}  // namespace kvscope
