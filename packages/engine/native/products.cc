// Products of two matrices on processors on which this beats TensorFlow's own (src/tensorflow/executor.ts says which).
#include "gemm.h"
#include "kernels.h"
#include "op.h"

namespace tessera {
namespace {

// A row-major matrix [rows, columns], or its transpose.
Matrix matrix(const float* data, const Shape& shape, bool transposed) {
  const Matrix plain = {data, shape[1], 1};
  return transposed ? plain.transposed() : plain;
}

// The third input: 1 where A is transposed, plus 2 where B is, plus 4 for ReLU after the bias, which is empty where there is none.
void compute_product(Run& run) {
  const Shape a = run.shape(0), b = run.shape(1);
  const int32_t flags = run.ints(2)[0];
  const bool transpose_a = flags & 1, transpose_b = flags & 2;
  const int64_t m = a[transpose_a ? 1 : 0], k = a[transpose_a ? 0 : 1], n = b[transpose_b ? 0 : 1];
  if (!run.expect(a.size() == 2 && b.size() == 2 && b[transpose_b ? 1 : 0] == k, "TesseraMatMul: shapes do not fit")) return;
  Finish finish = {nullptr, (flags & 4) != 0};
  if (!read_bias(run, 3, n, &finish)) return;
  float* c = run.output_floats(0, {m, n});
  if (c != nullptr) parallel_gemm(run, m, n, k, matrix(run.floats(0), a, transpose_a), matrix(run.floats(1), b, transpose_b), c, n, finish);
}

}  // namespace

std::string register_products() {
  return register_op<compute_product>({"TesseraMatMul", {"a: float", "b: float", "flags: int32", "bias: float"}, {"c: float"}});
}

}  // namespace tessera
