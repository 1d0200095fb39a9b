#pragma once

#include "core/capture/open_capture.h"
#include "core/capture/parts/part_row.h"
#include "core/capture/schema.h"
#include "core/record/batch_record.h"

namespace kvscope {

namespace schema {

inline constexpr Dataset committed_samples{"/committed_samples",
                                           "",
                                           Type::int64,
                                           0,
                                           "samples",
                                           "samples that are whole in this file; written last"};

inline constexpr Dataset batch_samples{"/batches/samples",    "batch", Type::int64, 0, "samples",
                                       "samples of the batch"};

inline constexpr Dataset losses{
    "/quality", "counter", Type::int64,
    0,          "1",       "what was lost or spoiled on the way; all zero is good"};

inline constexpr Dataset token_ids{"/samples/token_ids",
                                   "sample token",
                                   Type::int32,
                                   1,
                                   "1",
                                   "codebook index drawn for every token"};

inline constexpr Dataset label{"/samples/label", "sample", Type::int32, 0, "1", "class asked for"};

inline constexpr Dataset seed{
    "/samples/seed", "sample", Type::uint64, 0, "1", "seed of the generator that drew the sample"};

inline constexpr Dataset logical_bytes{
    "/ledger/logical_bytes",
    "layer scale",
    Type::int64,
    0,
    "bytes",
    "K and V held after the scale because a later target reads them, for the largest batch"};

inline constexpr Dataset resident_bytes{"/ledger/resident_bytes",
                                        "layer scale",
                                        Type::int64,
                                        0,
                                        "bytes",
                                        "the layer's own K and V buffers, current scale included"};

inline constexpr Dataset transient_bytes{
    "/ledger/transient_bytes", "layer scale", Type::int64, 0, "bytes", "resident minus logical"};

inline constexpr Dataset shared_bytes{"/ledger/shared_bytes",
                                      "scale",
                                      Type::int64,
                                      0,
                                      "bytes",
                                      "K and V buffers that all layers share"};

inline constexpr Dataset process_peak_rss_bytes{
    "/memory/process_peak_rss_bytes",
    "batch",
    Type::int64,
    0,
    "bytes",
    "peak resident set of the process after the batch; not the cache alone"};

inline constexpr Dataset allocator_peak_bytes{
    "/memory/allocator_peak_bytes",
    "batch",
    Type::int64,
    0,
    "bytes",
    "peak of the CUDA caching allocator after the batch, weights included; 0 on a CPU"};

}  // namespace schema

/// What every file holds: samples, the ledger, memory and the counts of what is whole and lost. The
/// counts themselves are not written here but by CommitCounts, last of all.
extern const PartRow basics_part;

LedgerRecord read_ledger(const OpenCapture& file);

/// The largest over the batches.
MemoryRecord read_memory(const OpenCapture& file);

}  // namespace kvscope
