#include "core/capture/capture_images.h"

#include <filesystem>
#include <set>

#include <gmock/gmock.h>
#include <hdf5.h>

#include "core/capture/capture_writer.h"
#include "core/capture/image_files.h"
#include "core/image/png.h"
#include "tests/support/example_capture.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

TEST(ImageFolder, IsNoOtherFiles) {
  EXPECT_EQ(image_path("out/base.h5", 3), "out/base.images/000003.png");
  EXPECT_EQ(image_path("base.h5.partial", 1234567), "base.images.partial/1234567.png");
  EXPECT_EQ(image_folder("ams0.2"), "ams0.2-images");
  const std::vector<std::string> names = {
      "run",       "run.h5", "run.hdf5",   "run.images",    "run.",   "run.h5.h5", "ams0.2",
      "ams0.2.h5", "ams0.9", "run-images", "run-images.h5", "run.H5", ".h5",       "run.images.h5"};
  std::set<std::string> folders;
  for (const std::string& name : names) {
    EXPECT_TRUE(folders.insert(image_folder(name)).second) << name;
    EXPECT_TRUE(folders.insert(image_folder(name + ".partial")).second) << name;
  }
}

/// A file of two samples, 4 and 5 of its run, with grey images that show the sample's index.
class CaptureImagesTest : public ::testing::Test {
 protected:
  CaptureImagesTest() : record_(testing::example_record(2)) {
    record_.settings.first_sample = 4;
    fs::create_directory(folder_ / "far");
    CaptureWriter writer(path_, record_, testing::example_layout(record_), false);
    writer.commit(testing::example_batch(record_, 0, 2));
    writer.finish();
  }

  void write_image(const std::string& folder, std::int64_t sample, const std::string& id) const {
    fs::create_directories(folder);
    write_png(folder + "/" + image_name(sample), grey(sample),
              {{capture_id_text, id}, {sample_text, std::to_string(sample)}});
  }
  void write_images(const std::string& folder) const {
    for (const std::int64_t sample : {4, 5}) write_image(folder, sample, record_.capture_id);
  }
  static Image grey(std::int64_t sample) { return {2, 2, static_cast<std::uint8_t>(sample)}; }

  static std::string refusal(const std::string& path) {
    try {
      (void)CaptureImages(CaptureReader(path)).read(1);
    } catch (const BadInput& error) {
      return error.what();
    }
    return "no refusal";
  }

  testing::TempDir folder_;
  std::string path_ = folder_ / "far/a.h5";
  RunRecord record_;
};

TEST_F(CaptureImagesTest, AreNamedByTheIndexInTheRun) {
  write_images(folder_ / "far/a.images");
  EXPECT_EQ(CaptureImages(CaptureReader(path_)).read(1), grey(5));
}

// Links are how people keep "latest.h5": the pictures lie beside what it leads to, or beside it.
TEST_F(CaptureImagesTest, AreFoundThroughLinks) {
  fs::create_symlink("far/a.h5", folder_ / "link.h5");
  fs::create_symlink(folder_ / "link.h5", folder_ / "latest.h5");
  const std::string wanted = refusal(folder_ / "latest.h5");
  for (const char* place : {"latest.images/000005.png", "link.images", "far/a.images"}) {
    EXPECT_THAT(wanted, HasSubstr(place));
  }
  write_images(folder_ / "far/a.images");
  EXPECT_EQ(CaptureImages(CaptureReader(folder_ / "latest.h5")).read(1), grey(5));
  fs::rename(folder_ / "far/a.images", folder_ / "latest.images");
  EXPECT_EQ(CaptureImages(CaptureReader(folder_ / "latest.h5")).read(1), grey(5));
  const fs::path before = fs::current_path();
  fs::current_path(std::string(folder_ / ""));
  EXPECT_EQ(CaptureImages(CaptureReader("latest.h5")).read(1), grey(5));
  fs::current_path(before);
}

TEST_F(CaptureImagesTest, OfAnotherCaptureOrSampleAreRefused) {
  write_image(folder_ / "far/a.images", 5, "another");
  EXPECT_THAT(refusal(path_), HasSubstr("a.images/000005.png: expected the image of sample 5"));
  EXPECT_THAT(refusal(path_), HasSubstr("got that of capture another"));
  const MissingImages missing = CaptureImages(CaptureReader(path_)).missing();
  EXPECT_EQ(missing.absent, 1);
  EXPECT_EQ(missing.foreign, 1);
  write_images(folder_ / "far/a.images");
  fs::rename(folder_ / "far/a.images/000004.png", folder_ / "far/a.images/000005.png");
  EXPECT_THAT(refusal(path_), HasSubstr("got that of sample 4"));
}

// A picture that went through another program has lost its texts.
TEST_F(CaptureImagesTest, WithoutTextsAreTaken) {
  fs::create_directory(folder_ / "far/a.images");
  write_png(folder_ / "far/a.images/000005.png", grey(5));
  EXPECT_EQ(CaptureImages(CaptureReader(path_)).read(1), grey(5));
}

// Files written before: numbered from their own first sample, in a folder without the extension.
TEST_F(CaptureImagesTest, OfOlderFilesKeepTheirNames) {
  const hid_t file = H5Fopen(path_.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  for (const char* newer : {"schema_minor", "optional_contents", "sample_numbering"}) {
    ASSERT_GE(H5Adelete(file, newer), 0);
  }
  H5Fclose(file);
  fs::rename(path_, folder_ / "far/a0.2");
  fs::create_directory(folder_ / "far/a0.images");
  write_png(folder_ / "far/a0.images/000001.png", grey(5));
  EXPECT_EQ(CaptureImages(CaptureReader(folder_ / "far/a0.2")).read(1), grey(5));
}

}  // namespace
}  // namespace kvscope
