#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/record/statistics.h"

/// What the file format is made of, its attributes, and the dimensions that all files have. The
/// datasets stand with their parts (core/capture/parts): the writer creates what stands there, the
/// reader demands it, and data/FORMAT.md repeats it (a test compares them).
namespace kvscope::schema {

/// Name and major version. A reader takes every file of its own major version: what it does not
/// know is either optional, and skipped, or a part of `contents`, and refused by name.
inline constexpr std::string_view version = "kvscope.capture/1";
/// What every version's `schema` attribute starts with.
inline constexpr std::string_view family = "kvscope.capture/";
/// Minor version, the attribute `schema_minor`. It grows by one in a release that adds entries,
/// whose `since` it is. Apart from `schema`, which readers of 1.0 compare as a whole.
inline constexpr int minor_version = 1;

enum class Type {
  uint8,
  int32,
  int64,
  uint64,
  float64,
  text,    ///< fixed-length UTF-8
  stored,  ///< settings.kv_dtype: IEEE half, float, or bfloat16 bits in uint16
};

struct Dimension {
  std::string_view name;
  Type type;  ///< of the coordinate
  std::string_view meaning;
};

struct Dataset {
  std::string_view path;  ///< with {layer}, {metric}, {tensor} to fill in
  std::string_view dims;  ///< names, separated by one space; empty: a scalar
  Type type;
  /// 0: one contiguous block, also rewritten in place. Otherwise chunks that are written once,
  /// under settings.compression, of one index along so many leading dimensions.
  int chunked_dims;
  std::string_view unit;  ///< "1" for a pure number
  std::string_view meaning;
  int since = 0;  ///< minor version; a file of an older one may lack the dataset
};

struct Attribute {
  std::string_view owner;  ///< path of the object
  std::string_view name;
  Type type;
  std::string_view meaning;
  int since = 0;  ///< as of a dataset
};

inline constexpr std::array dimensions = {
    Dimension{"sample", Type::int64, "index of the sample in the run"},
    Dimension{"row", Type::int64, "0 conditional, 1 unconditional"},
    Dimension{"layer", Type::int64, "block of the transformer"},
    Dimension{"head", Type::int64, "attention head"},
    Dimension{"scale", Type::int64, "scale of the token pyramid, coarse to fine"},
    Dimension{"target", Type::int64, "scale whose queries read"},
    Dimension{"source", Type::int64, "scale whose K and V are read"},
    Dimension{"token", Type::int64, "position over all scales, coarse to fine, row by row"},
    Dimension{"channel", Type::int64, "channel of one head"},
    Dimension{"batch", Type::int64, "batch in the order it was committed"},
    Dimension{"repeat", Type::int64, "timed pass over the same batch"},
    Dimension{"module", Type::text, "part of the model that is timed apart"},
    Dimension{"counter", Type::text, "name of a loss counter"},
};

/// Dimensions that /kv declares itself, because it may hold a subset (settings.keep).
inline constexpr std::array<std::string_view, 5> kv_dimensions = {"sample", "row", "head", "token",
                                                                  "channel"};

// Names that code asks for besides the paths above.
inline constexpr const char* schema_minor = "schema_minor";
inline constexpr const char* contents = "contents";
inline constexpr const char* optional_contents = "optional_contents";
inline constexpr const char* complete = "complete";
inline constexpr const char* sample_numbering = "sample_numbering";
inline constexpr const char* rows = "rows";
inline constexpr const char* key_element_bytes = "key_element_bytes";
inline constexpr const char* value_element_bytes = "value_element_bytes";
inline constexpr const char* severity = "severity";
inline constexpr const char* source = "source";
inline constexpr const char* logical_dtype = "logical_dtype";
inline constexpr const char* sample_coordinate = "/sample";
inline constexpr const char* batch_coordinate = "/batch";
inline constexpr const char* module_coordinate = "/module";
inline constexpr const char* counter_coordinate = "/counter";

inline constexpr std::array attributes = {
    Attribute{"/", "schema", Type::text, "name and version of this format"},
    Attribute{"/", "kind", Type::text,
              "capture, run (images, tokens, timings and the ledger only) or analysis"},
    Attribute{"/", schema_minor, Type::int64, "minor version of the format; absent in 1.0", 1},
    Attribute{"/", contents, Type::text,
              "parts this file holds and a reader must know, separated by spaces"},
    Attribute{"/", optional_contents, Type::text,
              "further parts, which a reader that does not know them leaves out", 1},
    Attribute{"/", complete, Type::int64, "1 once the run is over, 0 in a partial file"},
    Attribute{"/", "capture_id", Type::text, "UUID of the run; an analysis repeats its capture's"},
    Attribute{"/", "source_ids", Type::text,
              "JSON list: captures an analysis was made from; the other attributes are the first "
              "one's, settings.samples the sum"},
    Attribute{"/", "tool_version", Type::text, "version of kvscope"},
    Attribute{"/", "git_commit", Type::text, "commit kvscope was built from"},
    Attribute{"/", "weights_sha256", Type::text, "SHA-256 of weights.safetensors"},
    Attribute{"/", "model_config", Type::text, "JSON: config.json of the model"},
    Attribute{"/", "settings", Type::text, "JSON: everything the user chose"},
    Attribute{"/", sample_numbering, Type::text,
              "run: PNGs and settings.keep.samples are named by the index in the run; absent in "
              "older files, which count from their first sample",
              1},
    Attribute{"/", "seed", Type::uint64, "settings.seed"},
    Attribute{"/", "rng", Type::text, "settings.rng: official or per-sample"},
    Attribute{"/", "policy", Type::text, "vanilla, or the policy of the budget"},
    Attribute{"/", "budget", Type::text, "JSON: the budget; the vanilla one when none was given"},
    Attribute{"/", "torch_version", Type::text, "LibTorch the run used"},
    Attribute{"/", "device_name", Type::text, "device the model ran on"},
    Attribute{"/", "cpu_name", Type::text, "processor of the host"},
    Attribute{"/", "start_time", Type::text, "start of the run, ISO 8601, UTC"},
    Attribute{"/ledger/logical_bytes", rows, Type::int64,
              "rows of the batch the ledger describes: 2 per sample"},
    Attribute{"/ledger/logical_bytes", key_element_bytes, Type::int64, "bytes of a K element"},
    Attribute{"/ledger/logical_bytes", value_element_bytes, Type::int64, "bytes of a V element"},
    Attribute{"/quality", severity, Type::text,
              "of every counter, separated by spaces: info, warning or data_loss", 1},
    Attribute{"/quality", source, Type::text,
              "what counts it, separated by spaces: a collector or another part of kvscope", 1},
    Attribute{"/kv/layer_{layer}/{tensor}", logical_dtype, Type::text,
              "float16, float32, or bfloat16 (stored as uint16)"},
    Attribute{"/kv/layer_{layer}/query", logical_dtype, Type::text, "as for K and V"},
};

/// "1.0", "1.1", … of a minor version.
std::string version_name(int minor);

/// "int32", "float64", … as data/FORMAT.md names them.
std::string_view name_of(Type type);

/// Names of the dimensions of a dataset, in order.
std::vector<std::string_view> dims_of(const Dataset& dataset);

/// Path of a dataset with its placeholders filled in.
std::string path_of(const Dataset& dataset);
std::string path_of(const Dataset& dataset, KvTensor tensor);
std::string path_of(const Dataset& dataset, Metric metric, KvTensor tensor);
std::string path_of(const Dataset& dataset, int layer, KvTensor tensor);
std::string path_of(const Dataset& dataset, int layer);

/// Every path that a dataset stands for; `layers` are the layers that /kv holds.
std::vector<std::string> paths_of(const Dataset& dataset, const std::vector<int>& layers);

}  // namespace kvscope::schema
