// Products of small matrices that other kernels are made of: packed panels and a register tile (Goto and van de Geijn 2008, "Anatomy of high-performance matrix
// multiplication"), on one thread; who calls it cuts the work into pieces.
#pragma once

#include <cstdint>
#include <vector>

namespace tessera {

// A row-major matrix, or its transpose when the step from row to row is 1.
struct Matrix {
  const float* data;
  // Distance of rows and of columns in numbers; one of them is 1.
  int64_t row, column;

  Matrix transposed() const { return {data, column, row}; }
  Matrix from(int64_t i, int64_t j) const { return {data + i * row + j * column, row, column}; }
};

// What is done to a row of a product while it is in the first cache: a bias for each column, if any, and max(x, 0).
struct Finish {
  const float* bias;
  bool relu;
};

class Run;

// Takes the bias of `count` columns from an input that is empty where there is none.
bool read_bias(Run& run, int input, int64_t count, Finish* finish);

// Columns [from, from + count) of a row.
void finish_row(Finish finish, float* row, int64_t from, int64_t count);

// Memory for packed panels, kept by a thread from call to call.
struct GemmScratch {
  std::vector<float> a, b;
};

// C [m, n] = A [m, k] B [k, n], or C += A B; rows of C are `stride` numbers apart.
void gemm(int64_t m, int64_t n, int64_t k, Matrix a, Matrix b, float* c, int64_t stride, bool accumulate, GemmScratch& scratch);

// A right side [k, n] in panels, for products with many left sides.
struct PackedRight {
  int64_t n, k;
  std::vector<float> panels;
};

void pack_right(int64_t n, int64_t k, Matrix b, PackedRight* packed);

// C [m, n] = A [m, k] B.
void gemm(int64_t m, Matrix a, const PackedRight& b, float* c, int64_t stride, GemmScratch& scratch);

// C = A B on all threads of a run, and what follows a product.
void parallel_gemm(const Run& run, int64_t m, int64_t n, int64_t k, Matrix a, Matrix b, float* c, int64_t stride, Finish finish);

// What the processor at hand computes with: "x86-64-v4" (AVX-512), "x86-64-v3" (AVX2) or "plain".
const char* vector_level();

}  // namespace tessera
