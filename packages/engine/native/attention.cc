// Attention of a few new tokens over a cache of earlier ones (Pope et al. 2022, arXiv 2211.05102): one pass over the keys and one over the values that are
// there, where a graph would copy them or look at the whole cache.
#include <algorithm>
#include <vector>

#include "kernels.h"
#include "op.h"
#include "parallel.h"
#include "vector-math.h"

namespace tessera {
namespace {

struct Decode {
  const float *query, *keys, *values, *new_keys, *new_values;
  float* out;
  // New queries, new keys, rows of the cache that are filled, rows it has, channels.
  int64_t queries, added, filled, length, depth;
};

TESSERA_INLINE float dot(const float* a, const float* b, int64_t n) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

TESSERA_INLINE void add_scaled(float* sum, const float* x, float weight, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; i++) sum[i] += weight * x[i];
}

// `scores` has room for one number a key.
TESSERA_CLONES void decode_groups(const Decode& d, float* scores, int64_t begin, int64_t end) {
  for (int64_t group = begin; group < end; group++) {
    const float *keys = d.keys + group * d.length * d.depth, *values = d.values + group * d.length * d.depth;
    const float *new_keys = d.new_keys + group * d.added * d.depth, *new_values = d.new_values + group * d.added * d.depth;
    for (int64_t i = 0; i < d.queries; i++) {
      const float* query = d.query + (group * d.queries + i) * d.depth;
      float* out = d.out + (group * d.queries + i) * d.depth;
      // The last query sees every new token, the one before it all but the last.
      const int64_t own = d.added - d.queries + i + 1, seen = d.filled + own;
      for (int64_t row = 0; row < d.filled; row++) scores[row] = dot(query, keys + row * d.depth, d.depth);
      for (int64_t row = 0; row < own; row++) scores[d.filled + row] = dot(query, new_keys + row * d.depth, d.depth);
      float top = scores[0];
#pragma omp simd reduction(max : top)
      for (int64_t row = 0; row < seen; row++) top = scores[row] > top ? scores[row] : top;
      float total = 0;
#pragma omp simd reduction(+ : total)
      for (int64_t row = 0; row < seen; row++) {
        scores[row] = exp_of(scores[row] - top);
        total += scores[row];
      }
      const float inverse = 1.f / total;
      std::fill(out, out + d.depth, 0.f);
      for (int64_t row = 0; row < d.filled; row++) add_scaled(out, values + row * d.depth, scores[row] * inverse, d.depth);
      for (int64_t row = 0; row < own; row++) add_scaled(out, new_values + row * d.depth, scores[d.filled + row] * inverse, d.depth);
    }
  }
}

void compute_decode_attention(Run& run) {
  const Shape query = run.shape(0), keys = run.shape(1), added = run.shape(3);
  bool fits = query.size() == 3 && keys.size() == 3 && added.size() == 3 && run.shape(2) == keys && run.shape(4) == added && run.shape(5).empty();
  fits = fits && keys[0] == query[0] && added[0] == query[0] && keys[2] == query[2] && added[2] == query[2] && query[1] >= 1 && query[1] <= added[1];
  if (!run.expect(fits, "TesseraDecodeAttention: shapes do not fit")) return;
  const int64_t filled = run.ints(5)[0];
  if (!run.expect(filled >= 0 && filled <= keys[1], "TesseraDecodeAttention: the position is outside of the cache")) return;
  float* out = run.output_floats(0, query);
  if (out == nullptr) return;
  const Decode decode = {run.floats(0), run.floats(1), run.floats(2), run.floats(3), run.floats(4), out,
                         query[1],      added[1],      filled,        keys[1],       query[2]};
  parallel_for(query[0], 1, [&](int64_t begin, int64_t end) {
    std::vector<float> scores(filled + decode.added);
    decode_groups(decode, scores.data(), begin, end);
  });
}

}  // namespace

std::string register_attention() {
  return register_op<compute_decode_attention>({"TesseraDecodeAttention",
                                                {"query: float", "keys: float", "values: float", "new_keys: float", "new_values: float",
                                                 "position: int32"},
                                                {"mixed: float"}});
}

}  // namespace tessera
