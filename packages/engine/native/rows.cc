// What works on rows: layer normalisation, the gradient of softmax, and the nearest code out of products.
#include <algorithm>
#include <cmath>

#include "kernels.h"
#include "op.h"
#include "vector-math.h"

namespace tessera {
namespace {

// As many rows as make about 16 thousand numbers.
int64_t row_grain(int64_t width) { return std::max<int64_t>(1, 16384 / std::max<int64_t>(width, 1)); }

Shape column_of(Shape shape) {
  shape.back() = 1;
  return shape;
}

TESSERA_CLONES void layer_norm_rows(const float* x, const float* scale, const float* bias, float epsilon, int64_t n, float* y, float* mean,
                                    float* reciprocal, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; row++) {
    const float* from = x + row * n;
    float* to = y + row * n;
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; i++) sum += from[i];
    const float center = sum / n;
    float squares = 0;
#pragma omp simd reduction(+ : squares)
    for (int64_t i = 0; i < n; i++) squares += (from[i] - center) * (from[i] - center);
    const float r = 1.f / std::sqrt(squares / n + epsilon);
    for (int64_t i = 0; i < n; i++) to[i] = (from[i] - center) * r * scale[i] + bias[i];
    mean[row] = center;
    reciprocal[row] = r;
  }
}

void compute_layer_norm(Run& run) {
  const Shape shape = run.shape(0);
  const int64_t n = shape.back();
  if (!run.expect(run.shape(1) == Shape{n} && run.shape(2) == Shape{n}, "TesseraLayerNorm: scale or bias do not fit")) return;
  const float *x = run.floats(0), *scale = run.floats(1), *bias = run.floats(2);
  const float epsilon = run.epsilon;
  float* y = run.output_floats(0, shape);
  float* mean = run.output_floats(1, column_of(shape));
  float* reciprocal = run.output_floats(2, column_of(shape));
  if (y == nullptr || mean == nullptr || reciprocal == nullptr) return;
  run.parallel_for(rows_of(shape), row_grain(n), [=](int64_t begin, int64_t end) {
    layer_norm_rows(x, scale, bias, epsilon, n, y, mean, reciprocal, begin, end);
  });
}

// With g = dy scale: dx = r (g - mean(g) - x^ mean(g x^)); adds dy x^ to dscale and dy to dbias.
TESSERA_CLONES void layer_norm_grad_rows(const float* dy, const float* x, const float* mean, const float* reciprocal, const float* scale,
                                         int64_t n, float* dx, float* dscale, float* dbias, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; row++) {
    const float *slope = dy + row * n, *from = x + row * n;
    float* to = dx + row * n;
    const float center = mean[row], r = reciprocal[row];
    float sum = 0, weighted = 0;
#pragma omp simd reduction(+ : sum, weighted)
    for (int64_t i = 0; i < n; i++) {
      const float normalised = (from[i] - center) * r;
      const float g = slope[i] * scale[i];
      sum += g;
      weighted += g * normalised;
      dscale[i] += slope[i] * normalised;
      dbias[i] += slope[i];
    }
    const float a = sum / n, b = weighted / n;
    for (int64_t i = 0; i < n; i++) to[i] = r * (slope[i] * scale[i] - a - (from[i] - center) * r * b);
  }
}

void compute_layer_norm_grad(Run& run) {
  const Shape shape = run.shape(0);
  const int64_t n = shape.back(), rows = rows_of(shape);
  const bool fits = run.shape(1) == shape && run.shape(2) == column_of(shape) && run.shape(3) == column_of(shape) && run.shape(4) == Shape{n};
  if (!run.expect(fits, "TesseraLayerNormGrad: shapes do not fit")) return;
  const float *dy = run.floats(0), *x = run.floats(1), *mean = run.floats(2), *reciprocal = run.floats(3), *scale = run.floats(4);
  float *dx = run.output_floats(0, shape), *dscale = run.output_floats(1, {n}), *dbias = run.output_floats(2, {n});
  if (dx == nullptr || dscale == nullptr || dbias == nullptr) return;
  // Sums in blocks of rows whose number does not depend on threads, so that neither does the result.
  const int64_t blocks = std::min<int64_t>(16, std::max<int64_t>(1, rows / row_grain(n)));
  std::vector<float> sums(2 * blocks * n, 0.f);
  float* partial = sums.data();
  run.parallel_for(blocks, 1, [=](int64_t first, int64_t last) {
    for (int64_t block = first; block < last; block++) {
      float* own = partial + 2 * block * n;
      layer_norm_grad_rows(dy, x, mean, reciprocal, scale, n, dx, own, own + n, block * rows / blocks, (block + 1) * rows / blocks);
    }
  });
  std::fill(dscale, dscale + n, 0.f);
  std::fill(dbias, dbias + n, 0.f);
  for (int64_t block = 0; block < blocks; block++) {
    for (int64_t i = 0; i < n; i++) dscale[i] += partial[2 * block * n + i];
    for (int64_t i = 0; i < n; i++) dbias[i] += partial[(2 * block + 1) * n + i];
  }
}

TESSERA_CLONES void softmax_grad_rows(const float* dy, const float* y, int64_t n, float* dx, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; row++) {
    const float *slope = dy + row * n, *from = y + row * n;
    float* to = dx + row * n;
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; i++) sum += slope[i] * from[i];
    for (int64_t i = 0; i < n; i++) to[i] = from[i] * (slope[i] - sum);
  }
}

// dx = y (dy - sum(dy y))
void compute_softmax_grad(Run& run) {
  const Shape shape = run.shape(0);
  if (!run.expect(run.shape(1) == shape, "TesseraSoftmaxGrad: dy and y differ in shape")) return;
  const int64_t n = shape.back();
  const float *dy = run.floats(0), *y = run.floats(1);
  float* dx = run.output_floats(0, shape);
  if (dx == nullptr) return;
  run.parallel_for(rows_of(shape), row_grain(n), [=](int64_t begin, int64_t end) { softmax_grad_rows(dy, y, n, dx, begin, end); });
}

// The loss of each row, and its slope: softmax(x) minus 1 at the label.
TESSERA_CLONES void cross_entropy_rows(const float* x, const int32_t* labels, int64_t n, float* losses, float* slopes, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; row++) {
    const float* from = x + row * n;
    float* to = slopes + row * n;
    float top;
    const float total = exp_row(from, to, n, &top), inverse = 1.f / total;
    for (int64_t i = 0; i < n; i++) to[i] *= inverse;
    losses[row] = std::log(total) - (from[labels[row]] - top);
    to[labels[row]] -= 1.f;
  }
}

void compute_cross_entropy(Run& run) {
  const Shape shape = run.shape(0);
  if (!run.expect(shape.size() == 2 && run.shape(1) == Shape{shape[0]}, "TesseraSoftmaxCrossEntropy: shapes do not fit")) return;
  const int64_t rows = shape[0], n = shape[1];
  const float* x = run.floats(0);
  const int32_t* labels = run.ints(1);
  for (int64_t row = 0; row < rows; row++) {
    if (labels[row] >= 0 && labels[row] < n) continue;
    // As TensorFlow's own op has it.
    run.expect(false, "Received a label value of " + std::to_string(labels[row]) + " which is outside the valid range of [0, " +
                          std::to_string(n) + ")");
    return;
  }
  float *losses = run.output_floats(0, {rows}), *slopes = run.output_floats(1, shape);
  if (losses == nullptr || slopes == nullptr) return;
  run.parallel_for(rows, row_grain(n), [=](int64_t begin, int64_t end) { cross_entropy_rows(x, labels, n, losses, slopes, begin, end); });
}

}  // namespace

std::string register_rows() {
  return first_problem({
      register_op<compute_layer_norm>(
          {"TesseraLayerNorm", {"x: float", "scale: float", "bias: float"}, {"y: float", "mean: float", "reciprocal: float"}, true}),
      register_op<compute_layer_norm_grad>({"TesseraLayerNormGrad",
                                            {"dy: float", "x: float", "mean: float", "reciprocal: float", "scale: float"},
                                            {"dx: float", "dscale: float", "dbias: float"}}),
      register_op<compute_cross_entropy>(
          {"TesseraSoftmaxCrossEntropy", {"logits: float", "labels: int32"}, {"losses: float", "slopes: float"}}),
      register_op<compute_softmax_grad>({"TesseraSoftmaxGrad", {"dy: float", "y: float"}, {"dx: float"}}),
  });
}

}  // namespace tessera
