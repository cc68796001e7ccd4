// Attention of a few new tokens over a cache of earlier ones (Pope et al. 2022, arXiv 2211.05102): one pass over the keys and one over the values that are
// there, where a graph would copy them or look at the whole cache. And causal attention of whole sequences with its gradient, a block of queries at a time, so that
// neither the scores of all pairs nor those of later tokens are ever made (the idea of Rabe and Staats 2021, arXiv 2112.05682, and of Dao et al. 2022, arXiv 2205.14135).
#include <algorithm>
#include <cmath>
#include <vector>

#include "gemm.h"
#include "kernels.h"
#include "op.h"
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
      float top;
      const float inverse = 1.f / exp_row(scores, scores, seen, &top);
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
  run.parallel_for(query[0], 1, [&](int64_t begin, int64_t end) {
    std::vector<float> scores(filled + decode.added);
    decode_groups(decode, scores.data(), begin, end);
  });
}

// Sequences of [batch, tokens, 3, heads, depth]: queries, keys and values of every token side by side.
struct Sequences {
  int64_t batch, tokens, heads, depth;

  int64_t width() const { return heads * depth; }
  // Of a row of qkv and of a row of the result.
  int64_t step() const { return 3 * width(); }
  Matrix part(const float* qkv, int64_t b, int64_t h, int which) const {
    return {qkv + b * tokens * step() + which * width() + h * depth, step(), 1};
  }
  float* part(float* qkv, int64_t b, int64_t h, int which) const { return qkv + b * tokens * step() + which * width() + h * depth; }
  int64_t row_of(int64_t b, int64_t h) const { return b * tokens * width() + h * depth; }
  float scale() const { return 1.f / std::sqrt(static_cast<float>(depth)); }
};

// Queries that are looked at together: their scores stay in the second cache.
constexpr int64_t query_block = 64;

struct AttentionScratch {
  GemmScratch gemm;
  std::vector<float> scores, slopes;
};

AttentionScratch& attention_scratch(int64_t tokens) {
  static thread_local AttentionScratch scratch;
  scratch.scores.resize(query_block * tokens);
  scratch.slopes.resize(query_block * tokens);
  return scratch;
}

// Rows of scores [count, end] to softmax(scale scores + bias) over the first `seen(row)` of each, 0 after them; and the logarithm of each row's sum. Causal rows see
// those up to their own place, the others all. `bias` has a row of `end` numbers for each, or is null; `log_sums` may be null.
TESSERA_CLONES void softmax_scores(float* scores, int64_t count, int64_t end, bool causal, int64_t first, float scale, const float* bias,
                                   float* log_sums) {
  for (int64_t row = 0; row < count; row++) {
    float* s = scores + row * end;
    const int64_t seen = causal ? first + row + 1 : end;
    if (bias != nullptr) {
      for (int64_t j = 0; j < seen; j++) s[j] = s[j] * scale + bias[row * end + j];
    } else {
      for (int64_t j = 0; j < seen; j++) s[j] *= scale;
    }
    float top;
    const float total = exp_row(s, s, seen, &top), inverse = 1.f / total;
    for (int64_t j = 0; j < seen; j++) s[j] *= inverse;
    std::fill(s + seen, s + end, 0.f);
    if (log_sums != nullptr) log_sums[row] = top + std::log(total);
  }
}

// Scores to probabilities, and slopes of probabilities to those of scores: p (dp - sum of dy y) scale.
TESSERA_CLONES void causal_softmax_grad(float* scores, float* slopes, int64_t count, int64_t end, int64_t first, float scale, const float* log_sums,
                                        const float* dy, const float* y, int64_t stride, int64_t depth) {
  for (int64_t row = 0; row < count; row++) {
    float *s = scores + row * end, *d = slopes + row * end;
    const int64_t seen = first + row + 1;
    float inner = 0;
#pragma omp simd reduction(+ : inner)
    for (int64_t i = 0; i < depth; i++) inner += dy[row * stride + i] * y[row * stride + i];
    const float shift = log_sums[row];
    for (int64_t j = 0; j < seen; j++) {
      s[j] = exp_of(s[j] * scale - shift);
      d[j] = s[j] * (d[j] - inner) * scale;
    }
    std::fill(s + seen, s + end, 0.f);
    std::fill(d + seen, d + end, 0.f);
  }
}

bool read_sequences(Run& run, const Shape& qkv, const Shape& mixed, Sequences* sequences) {
  const int64_t heads = run.ints(1)[0];
  const bool fits = qkv.size() == 3 && mixed.size() == 3 && heads > 0 && qkv[2] == 3 * mixed[2] && mixed[2] % heads == 0;
  *sequences = {mixed[0], mixed[1], heads, fits ? mixed[2] / heads : 0};
  return run.expect(fits, "TesseraCausalAttention: shapes do not fit");
}

// Of all queries of the groups from `begin` to before `end`. `bias` [heads, tokens, tokens] and `log_sums` [groups, tokens] may be null.
void attend(const Sequences& s, const float* qkv, bool causal, const float* bias, float* mixed, float* log_sums, int64_t begin, int64_t end) {
  AttentionScratch& scratch = attention_scratch(s.tokens);
  float* scores = scratch.scores.data();
  for (int64_t group = begin; group < end; group++) {
    const int64_t b = group / s.heads, h = group % s.heads;
    const Matrix query = s.part(qkv, b, h, 0), key = s.part(qkv, b, h, 1), value = s.part(qkv, b, h, 2);
    for (int64_t first = 0; first < s.tokens; first += query_block) {
      const int64_t count = std::min(query_block, s.tokens - first), seen = causal ? first + count : s.tokens;
      gemm(count, seen, s.depth, query.from(first, 0), key.transposed(), scores, seen, false, scratch.gemm);
      softmax_scores(scores, count, seen, causal, first, s.scale(), bias == nullptr ? nullptr : bias + (h * s.tokens + first) * s.tokens,
                     log_sums == nullptr ? nullptr : log_sums + group * s.tokens + first);
      gemm(count, s.depth, seen, {scores, seen, 1}, value, mixed + s.row_of(b, h) + first * s.width(), s.width(), false, scratch.gemm);
    }
  }
}

void compute_causal_attention(Run& run) {
  const Shape shape = run.shape(0);
  Sequences s;
  if (!read_sequences(run, shape, {shape[0], shape[1], shape[2] / 3}, &s)) return;
  const float* qkv = run.floats(0);
  float* mixed = run.output_floats(0, {s.batch, s.tokens, s.width()});
  float* log_sums = run.output_floats(1, {s.batch, s.heads, s.tokens});
  if (mixed == nullptr || log_sums == nullptr) return;
  run.parallel_for(s.batch * s.heads, 1,
                   [&](int64_t begin, int64_t end) { attend(s, qkv, true, nullptr, mixed, log_sums, begin, end); });
}

void compute_attention(Run& run) {
  const Shape shape = run.shape(0), bias = run.shape(2);
  Sequences s;
  if (!read_sequences(run, shape, {shape[0], shape[1], shape[2] / 3}, &s)) return;
  if (!run.expect(bias == Shape{s.heads, s.tokens, s.tokens}, "TesseraAttention: the bias does not fit")) return;
  const float *qkv = run.floats(0), *added = run.floats(2);
  float* mixed = run.output_floats(0, {s.batch, s.tokens, s.width()});
  if (mixed == nullptr) return;
  run.parallel_for(s.batch * s.heads, 1, [&](int64_t begin, int64_t end) { attend(s, qkv, false, added, mixed, nullptr, begin, end); });
}

void compute_causal_attention_grad(Run& run) {
  const Shape shape = run.shape(0);
  Sequences s;
  if (!read_sequences(run, shape, run.shape(2), &s)) return;
  const bool fits = run.shape(3) == run.shape(2) && run.shape(4) == Shape{s.batch, s.heads, s.tokens};
  if (!run.expect(fits, "TesseraCausalAttentionGrad: shapes do not fit")) return;
  const float *qkv = run.floats(0), *dy = run.floats(2), *y = run.floats(3), *log_sums = run.floats(4);
  float* dqkv = run.output_floats(0, shape);
  if (dqkv == nullptr) return;
  run.parallel_for(s.batch * s.heads, 1, [&](int64_t begin, int64_t end) {
    AttentionScratch& scratch = attention_scratch(s.tokens);
    float *scores = scratch.scores.data(), *slopes = scratch.slopes.data();
    for (int64_t group = begin; group < end; group++) {
      const int64_t b = group / s.heads, h = group % s.heads;
      const Matrix query = s.part(qkv, b, h, 0), key = s.part(qkv, b, h, 1), value = s.part(qkv, b, h, 2);
      float *dquery = s.part(dqkv, b, h, 0), *dkey = s.part(dqkv, b, h, 1), *dvalue = s.part(dqkv, b, h, 2);
      // From the last block on: it is the one that reaches all keys, so it sets what the others add to.
      for (int64_t first = (s.tokens - 1) / query_block * query_block; first >= 0; first -= query_block) {
        const int64_t count = std::min(query_block, s.tokens - first), seen = first + count;
        const bool more = seen < s.tokens;
        const int64_t row = s.row_of(b, h) + first * s.width();
        const Matrix slope = {dy + row, s.width(), 1}, p = {scores, seen, 1}, ds = {slopes, seen, 1}, queries = query.from(first, 0);
        gemm(count, seen, s.depth, queries, key.transposed(), scores, seen, false, scratch.gemm);
        gemm(count, seen, s.depth, slope, value.transposed(), slopes, seen, false, scratch.gemm);
        causal_softmax_grad(scores, slopes, count, seen, first, s.scale(), log_sums + group * s.tokens + first, dy + row, y + row, s.width(),
                            s.depth);
        gemm(seen, s.depth, count, p.transposed(), slope, dvalue, s.step(), more, scratch.gemm);
        gemm(seen, s.depth, count, ds.transposed(), queries, dkey, s.step(), more, scratch.gemm);
        gemm(count, s.depth, seen, ds, key, dquery + first * s.step(), s.step(), false, scratch.gemm);
      }
    }
  });
}

}  // namespace

std::string register_attention() {
  return first_problem({
      register_op<compute_decode_attention>({"TesseraDecodeAttention",
                                             {"query: float", "keys: float", "values: float", "new_keys: float", "new_values: float",
                                              "position: int32"},
                                             {"mixed: float"}}),
      register_op<compute_causal_attention>({"TesseraCausalAttention", {"qkv: float", "heads: int32"}, {"mixed: float", "log_sums: float"}}),
      register_op<compute_attention>({"TesseraAttention", {"qkv: float", "heads: int32", "bias: float"}, {"mixed: float"}}),
      register_op<compute_causal_attention_grad>({"TesseraCausalAttentionGrad",
                                                  {"qkv: float", "heads: int32", "dy: float", "y: float", "log_sums: float"},
                                                  {"dqkv: float"}}),
  });
}

}  // namespace tessera
