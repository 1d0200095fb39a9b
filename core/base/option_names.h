#pragma once

/// Names of the options that kvscope both takes and prints: commands that reproduce a file are made
/// of them. A name changes here, for both.
namespace kvscope::option {

// Of capture and run: the model, the samples and how they are drawn.
inline constexpr const char* model = "--model";
inline constexpr const char* random_weights = "--random-weights";
inline constexpr const char* labels = "--labels";
inline constexpr const char* samples = "--samples";
inline constexpr const char* first_sample = "--first-sample";
inline constexpr const char* batch = "--batch";
inline constexpr const char* seed = "--seed";
inline constexpr const char* rng = "--rng";
inline constexpr const char* cfg = "--cfg";
inline constexpr const char* top_k = "--top-k";
inline constexpr const char* top_p = "--top-p";
inline constexpr const char* more_smooth = "--more-smooth";
inline constexpr const char* device = "--device";
inline constexpr const char* dtype = "--dtype";
inline constexpr const char* threads = "--threads";
inline constexpr const char* budget = "--budget";
inline constexpr const char* warmup = "--warmup";
inline constexpr const char* repeat = "--repeat";
inline constexpr const char* score = "--score";

// Of capture: what is stored.
inline constexpr const char* store = "--store";
inline constexpr const char* compression = "--compression";
inline constexpr const char* kv_dtype = "--kv-dtype";
inline constexpr const char* keep_layers = "--keep-layers";
inline constexpr const char* keep_heads = "--keep-heads";
inline constexpr const char* keep_scales = "--keep-scales";
inline constexpr const char* keep_samples = "--keep-samples";
inline constexpr const char* keep_queries = "--keep-queries";

// Of plan, which has --batch too.
inline constexpr const char* statistic = "--statistic";
inline constexpr const char* damage = "--damage";
inline constexpr const char* threshold = "--threshold";
inline constexpr const char* demanding_layers = "--demanding-layers";
inline constexpr const char* ratio = "--ratio";
inline constexpr const char* of = "--of";
inline constexpr const char* kv_memory = "--kv-memory";
inline constexpr const char* efficient = "--efficient";
inline constexpr const char* demanding = "--demanding";
inline constexpr const char* fill = "--fill";
inline constexpr const char* element_bytes = "--element-bytes";

// Of all that write a file; -o for short.
inline constexpr const char* output = "-o";

}  // namespace kvscope::option
