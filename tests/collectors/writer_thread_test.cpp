#include "collectors/writer_thread.h"

#include <atomic>
#include <chrono>
#include <stdexcept>

#include <gmock/gmock.h>

namespace kvscope {
namespace {

using ::testing::ElementsAre;

PendingBatch batch_of(std::int64_t first_sample) {
  PendingBatch batch;
  batch.first_sample = first_sample;
  return batch;
}

TEST(WriterThread, WritesInOrder) {
  std::vector<std::int64_t> written;
  WriterThread thread([&](PendingBatch& batch) { written.push_back(batch.first_sample); });
  for (const int first : {0, 2, 4}) thread.push(batch_of(first));
  thread.wait();
  EXPECT_THAT(written, ElementsAre(0, 2, 4));
}

// Memory: a slow disk must not let batches pile up.
TEST(WriterThread, HoldsOneBatchAtATime) {
  std::atomic<int> written = 0;
  WriterThread thread([&](PendingBatch&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    ++written;
  });
  for (int batch = 0; batch < 10; ++batch) {
    thread.push(batch_of(batch));
    EXPECT_GE(written, batch);
  }
  thread.wait();
  EXPECT_EQ(written, 10);
}

// A full disk must stop the run, not only the file.
TEST(WriterThread, GivesItsFailureToWhoeverPushesNext) {
  int written = 0;
  WriterThread thread([&](PendingBatch&) {
    ++written;
    throw std::runtime_error("disk full");
  });
  thread.push(batch_of(0));
  EXPECT_THROW(thread.push(batch_of(1)), std::runtime_error);
  EXPECT_THROW(thread.push(batch_of(2)), std::runtime_error);
  EXPECT_THROW(thread.wait(), std::runtime_error);
  EXPECT_EQ(written, 1);
}

TEST(WriterThread, FinishesTheLastBatchBeforeItGoesAway) {
  std::atomic<int> written = 0;
  {
    WriterThread thread([&](PendingBatch&) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      ++written;
    });
    thread.push(batch_of(0));
  }
  EXPECT_EQ(written, 1);
}

}  // namespace
}  // namespace kvscope
