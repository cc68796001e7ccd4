#include "gemm.h"

#include <algorithm>
#include <cstring>

#include "vector-math.h"

namespace tessera {
namespace {

// The tile of C that stays in registers: `rows` rows of `vectors` vectors.
template <typename VectorType, int rows_, int vectors_>
struct Tile {
  using Vector = VectorType;
  static constexpr int rows = rows_, vectors = vectors_;
  static constexpr int64_t width = sizeof(Vector) / sizeof(float), columns = vectors * width;
};
typedef float Vector4 __attribute__((vector_size(16)));
typedef float Vector8 __attribute__((vector_size(32)));
typedef float Vector16 __attribute__((vector_size(64)));

// Depth and rows of a block of A, which stays in the second cache; columns of a block of B.
constexpr int64_t depth_block = 256, row_block = 144, column_block = 2048;

template <typename Vector>
TESSERA_INLINE Vector load(const float* from) {
  Vector vector;
  std::memcpy(&vector, from, sizeof vector);
  return vector;
}

template <typename Vector>
TESSERA_INLINE void store(float* to, Vector vector) {
  std::memcpy(to, &vector, sizeof vector);
}

// C tile [rows, columns] = or += a panel of A [k, rows] times a panel of B [k, columns].
template <typename T>
TESSERA_INLINE void tile(int64_t k, const float* a, const float* b, float* c, int64_t stride, bool accumulate) {
  using Vector = typename T::Vector;
  Vector sums[T::rows][T::vectors];
#pragma GCC unroll 16
  for (int i = 0; i < T::rows; i++) {
#pragma GCC unroll 4
    for (int j = 0; j < T::vectors; j++) {
      sums[i][j] = accumulate ? load<Vector>(c + i * stride + j * T::width) : Vector{};
    }
  }
  for (int64_t p = 0; p < k; p++) {
    Vector right[T::vectors];
#pragma GCC unroll 4
    for (int j = 0; j < T::vectors; j++) right[j] = load<Vector>(b + p * T::columns + j * T::width);
#pragma GCC unroll 16
    for (int i = 0; i < T::rows; i++) {
      const Vector left = a[p * T::rows + i] - Vector{};
#pragma GCC unroll 4
      for (int j = 0; j < T::vectors; j++) sums[i][j] += left * right[j];
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < T::rows; i++) {
#pragma GCC unroll 4
    for (int j = 0; j < T::vectors; j++) store(c + i * stride + j * T::width, sums[i][j]);
  }
}

// Panels of `width` rows of A (or columns of B): [panel][k][width], the last one filled up with zeros.
template <int width>
TESSERA_INLINE void pack(int64_t count, int64_t k, const float* from, int64_t along, int64_t across, float* to) {
  for (int64_t start = 0; start < count; start += width) {
    const int64_t here = std::min<int64_t>(width, count - start);
    const float* panel = from + start * across;
    if (here == width && across == 1) {
      for (int64_t p = 0; p < k; p++) {
        for (int i = 0; i < width; i++) to[p * width + i] = panel[p * along + i];
      }
    } else {
      for (int64_t i = 0; i < here; i++) {
        for (int64_t p = 0; p < k; p++) to[p * width + i] = panel[i * across + p * along];
      }
      for (int64_t i = here; i < width; i++) {
        for (int64_t p = 0; p < k; p++) to[p * width + i] = 0.f;
      }
    }
    to += k * width;
  }
}

template <typename T>
TESSERA_INLINE void multiply(int64_t m, int64_t n, int64_t k, Matrix a, Matrix b, float* c, int64_t stride, bool accumulate, float* pa,
                             float* pb) {
  constexpr int64_t rows = T::rows, lanes = T::columns;
  float edge[rows * lanes];
  for (int64_t j0 = 0; j0 < n; j0 += column_block) {
    const int64_t nb = std::min(column_block, n - j0);
    for (int64_t p0 = 0; p0 < k; p0 += depth_block) {
      const int64_t kb = std::min(depth_block, k - p0);
      const bool add = accumulate || p0 > 0;
      const Matrix right = b.from(p0, j0);
      pack<lanes>(nb, kb, right.data, right.row, right.column, pb);
      for (int64_t i0 = 0; i0 < m; i0 += row_block) {
        const int64_t mb = std::min(row_block, m - i0);
        const Matrix left = a.from(i0, p0);
        pack<rows>(mb, kb, left.data, left.column, left.row, pa);
        for (int64_t j = 0; j < nb; j += lanes) {
          const int64_t width = std::min(lanes, nb - j);
          for (int64_t i = 0; i < mb; i += rows) {
            const int64_t height = std::min(rows, mb - i);
            float* to = c + (i0 + i) * stride + j0 + j;
            const float *panel_a = pa + i * kb, *panel_b = pb + j * kb;
            if (width == lanes && height == rows) {
              tile<T>(kb, panel_a, panel_b, to, stride, add);
              continue;
            }
            tile<T>(kb, panel_a, panel_b, edge, lanes, false);
            for (int64_t r = 0; r < height; r++) {
              for (int64_t s = 0; s < width; s++) to[r * stride + s] = edge[r * lanes + s] + (add ? to[r * stride + s] : 0.f);
            }
          }
        }
      }
    }
  }
}

// As many rows as keep all sums in registers: sixteen of AVX and SSE, 32 of AVX-512 and NEON.
#if defined(TESSERA_X86_CLONES)
__attribute__((target("arch=x86-64-v4"))) void multiply_v4(int64_t m, int64_t n, int64_t k, Matrix a, Matrix b, float* c, int64_t stride,
                                                           bool accumulate, float* pa, float* pb) {
  multiply<Tile<Vector16, 12, 2>>(m, n, k, a, b, c, stride, accumulate, pa, pb);
}
__attribute__((target("arch=x86-64-v3"))) void multiply_v3(int64_t m, int64_t n, int64_t k, Matrix a, Matrix b, float* c, int64_t stride,
                                                           bool accumulate, float* pa, float* pb) {
  multiply<Tile<Vector8, 6, 2>>(m, n, k, a, b, c, stride, accumulate, pa, pb);
}
#endif
#if defined(__aarch64__)
using PlainTile = Tile<Vector4, 6, 4>;
#else
using PlainTile = Tile<Vector4, 4, 2>;
#endif
void multiply_plain(int64_t m, int64_t n, int64_t k, Matrix a, Matrix b, float* c, int64_t stride, bool accumulate, float* pa, float* pb) {
  multiply<PlainTile>(m, n, k, a, b, c, stride, accumulate, pa, pb);
}

using Multiply = decltype(&multiply_plain);

Multiply choose() {
#if defined(TESSERA_X86_CLONES)
  if (__builtin_cpu_supports("x86-64-v4")) return multiply_v4;
  if (__builtin_cpu_supports("x86-64-v3")) return multiply_v3;
#endif
  return multiply_plain;
}

}  // namespace

void gemm(int64_t m, int64_t n, int64_t k, Matrix a, Matrix b, float* c, int64_t stride, bool accumulate, GemmScratch& scratch) {
  static const Multiply chosen = choose();
  if (k == 0 && !accumulate) {
    for (int64_t i = 0; i < m; i++) std::memset(c + i * stride, 0, n * sizeof(float));
  }
  // No tile has more than 12 rows and 32 columns.
  scratch.a.resize((std::min(m, row_block) + 12) * std::min(k, depth_block));
  scratch.b.resize((std::min(n, column_block) + 32) * std::min(k, depth_block));
  chosen(m, n, k, a, b, c, stride, accumulate, scratch.a.data(), scratch.b.data());
}

}  // namespace tessera
