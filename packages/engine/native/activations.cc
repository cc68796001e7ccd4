// GELU and its gradient in one pass each; as TensorFlow ops they are chains of ten.
#include "kernels.h"
#include "op.h"
#include "vector-math.h"

namespace tessera {
namespace {

constexpr int64_t grain = 8192;

TESSERA_CLONES void gelu_loop(const float* x, float* y, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; i++) y[i] = gelu(x[i]);
}

TESSERA_CLONES void gelu_grad_loop(const float* dy, const float* x, float* dx, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; i++) dx[i] = dy[i] * gelu_slope(x[i]);
}

void compute_gelu(Run& run) {
  const Shape shape = run.shape(0);
  const float* x = run.floats(0);
  float* y = run.output_floats(0, shape);
  if (y == nullptr) return;
  run.parallel_for(product(shape, 0, shape.size()), grain, [=](int64_t begin, int64_t end) { gelu_loop(x, y, begin, end); });
}

void compute_gelu_grad(Run& run) {
  const Shape shape = run.shape(0);
  if (!run.expect(run.shape(1) == shape, "TesseraGeluGrad: dy and x differ in shape")) return;
  const float* dy = run.floats(0);
  const float* x = run.floats(1);
  float* dx = run.output_floats(0, shape);
  if (dx == nullptr) return;
  run.parallel_for(product(shape, 0, shape.size()), grain, [=](int64_t begin, int64_t end) { gelu_grad_loop(dy, x, dx, begin, end); });
}

}  // namespace

std::string register_activations() {
  return first_problem({
      register_op<compute_gelu>({"TesseraGelu", {"x: float"}, {"y: float"}}),
      register_op<compute_gelu_grad>({"TesseraGeluGrad", {"dy: float", "x: float"}, {"dx: float"}}),
  });
}

}  // namespace tessera
