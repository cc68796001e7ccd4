// The product A^T B of two tall matrices, gradients of weights: long sums for few results, which TensorFlow's product makes at half of its usual rate.
#include <algorithm>

#include "gemm.h"
#include "kernels.h"
#include "op.h"
#include "parallel.h"

namespace tessera {
namespace {

// Results along the longer side of C that a thread makes at once.
constexpr int64_t piece = 128;

void compute_transposed_product(Run& run) {
  const Shape a = run.shape(0), b = run.shape(1);
  if (!run.expect(a.size() == 2 && b.size() == 2 && a[0] == b[0], "TesseraTransposedProduct: shapes do not fit")) return;
  const int64_t k = a[0], m = a[1], n = b[1];
  const Matrix left = {run.floats(0), 1, m}, right = {run.floats(1), n, 1};
  float* c = run.output_floats(0, {m, n});
  if (c == nullptr) return;
  const bool by_rows = m >= n;
  const int64_t length = by_rows ? m : n;
  parallel_for((length + piece - 1) / piece, 1, [=](int64_t begin, int64_t end) {
    static thread_local GemmScratch scratch;
    const int64_t from = begin * piece, count = std::min(end * piece, length) - from;
    if (by_rows) gemm(count, n, k, left.from(from, 0), right, c + from * n, n, false, scratch);
    else gemm(m, count, k, left, right.from(0, from), c + from, n, false, scratch);
  });
}

}  // namespace

std::string register_products() {
  return register_op<compute_transposed_product>({"TesseraTransposedProduct", {"a: float", "b: float"}, {"c: float"}});
}

}  // namespace tessera
