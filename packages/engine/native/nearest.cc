// The nearest codebook row of each vector, block by block, so that the distances never leave the cache; as TensorFlow ops they are a matrix as large as all pairs,
// which is written and read twice. The numerics are those of src/ops/nearest-code.ts: both sides centred, |e|^2 / 2 - z.e, ties to the lowest index.
#include <algorithm>
#include <vector>

#include "gemm.h"
#include "kernels.h"
#include "op.h"
#include "vector-math.h"

namespace tessera {
namespace {

// Vectors whose distances are made together.
constexpr int64_t block = 192;

TESSERA_CLONES void centre_rows(const float* x, const float* mean, int64_t rows, int64_t width, float* out) {
  for (int64_t row = 0; row < rows; row++) {
    for (int64_t i = 0; i < width; i++) out[row * width + i] = x[row * width + i] - mean[i];
  }
}

TESSERA_CLONES void half_squares(const float* x, int64_t rows, int64_t width, float* out) {
  for (int64_t row = 0; row < rows; row++) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < width; i++) sum += x[row * width + i] * x[row * width + i];
    out[row] = 0.5f * sum;
  }
}

// The first index at which half - product is least, in each row.
TESSERA_CLONES void least_of_rows(const float* products, const float* half, int64_t rows, int32_t count, int32_t* out) {
  for (int64_t row = 0; row < rows; row++) {
    const float* p = products + row * count;
    float least = half[0] - p[0];
#pragma omp simd reduction(min : least)
    for (int32_t j = 0; j < count; j++) least = half[j] - p[j] < least ? half[j] - p[j] : least;
    int32_t first = count;
#pragma omp simd reduction(min : first)
    for (int32_t j = 0; j < count; j++) {
      const int32_t here = half[j] - p[j] == least ? j : count;
      first = here < first ? here : first;
    }
    // Distances that are no numbers are equal to nothing.
    out[row] = first < count ? first : 0;
  }
}

void compute_nearest_code(Run& run) {
  const Shape z = run.shape(0), codebook = run.shape(1);
  if (!run.expect(z.size() == 2 && codebook.size() == 2 && z[1] == codebook[1] && codebook[0] > 0, "TesseraNearestCode: shapes do not fit")) return;
  const int64_t rows = z[0], width = z[1], count = codebook[0];
  const float *vectors = run.floats(0), *codes = run.floats(1);
  int32_t* nearest = run.output_ints(0, {rows});
  if (nearest == nullptr) return;
  std::vector<float> mean(width, 0.f), centred(count * width), half(count);
  for (int64_t i = 0; i < width; i++) {
    double sum = 0;
    for (int64_t row = 0; row < count; row++) sum += codes[row * width + i];
    mean[i] = static_cast<float>(sum / count);
  }
  centre_rows(codes, mean.data(), count, width, centred.data());
  half_squares(centred.data(), count, width, half.data());
  PackedRight packed;
  pack_right(count, width, Matrix{centred.data(), width, 1}.transposed(), &packed);
  run.parallel_for((rows + block - 1) / block, 1, [&](int64_t begin, int64_t end) {
    static thread_local GemmScratch scratch;
    static thread_local std::vector<float> own, products;
    own.resize(block * width);
    products.resize(block * count);
    for (int64_t first = begin * block; first < std::min(end * block, rows); first += block) {
      const int64_t here = std::min(block, rows - first);
      centre_rows(vectors + first * width, mean.data(), here, width, own.data());
      gemm(here, {own.data(), width, 1}, packed, products.data(), count, scratch);
      least_of_rows(products.data(), half.data(), here, count, nearest + first);
    }
  });
}

}  // namespace

std::string register_nearest() {
  return register_op<compute_nearest_code>({"TesseraNearestCode", {"z: float", "codebook: float"}, {"nearest: int32"}});
}

}  // namespace tessera
