#include "gemm.h"

#include <algorithm>
#include <cstring>

#include "op.h"
#include "tile.h"

namespace tessera {
namespace {

// Depth and rows of a block of A, which stays in the second cache; columns of a block of B.
constexpr int64_t depth_block = 256, row_block = 144, column_block = 2048;

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
  // Unrolled, it is as fast wherever the linker puts it: alone it lost up to a tenth where it crossed a line of the cache more than it had to.
#pragma GCC unroll 4
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

// C [m, n] = or += A [m, k] times packed panels of B, for k of at most depth_block.
template <typename T>
TESSERA_INLINE void multiply(int64_t m, int64_t n, int64_t k, Matrix a, const float* packed_b, float* c, int64_t stride, bool accumulate,
                             float* packed_a) {
  constexpr int64_t rows = T::rows, columns = T::columns;
  float edge[rows * columns];
  for (int64_t i0 = 0; i0 < m; i0 += row_block) {
    const int64_t mb = std::min(row_block, m - i0);
    const Matrix left = a.from(i0, 0);
    pack<rows>(mb, k, left.data, left.column, left.row, packed_a);
    for (int64_t j = 0; j < n; j += columns) {
      const int64_t width = std::min(columns, n - j);
      for (int64_t i = 0; i < mb; i += rows) {
        const int64_t height = std::min(rows, mb - i);
        float* to = c + (i0 + i) * stride + j;
        const float *panel_a = packed_a + i * k, *panel_b = packed_b + j * k;
        if (width == columns && height == rows) {
          tile<T>(k, panel_a, panel_b, to, stride, accumulate);
          continue;
        }
        tile<T>(k, panel_a, panel_b, edge, columns, false);
        for (int64_t r = 0; r < height; r++) {
          for (int64_t s = 0; s < width; s++) to[r * stride + s] = edge[r * columns + s] + (accumulate ? to[r * stride + s] : 0.f);
        }
      }
    }
  }
}

// One of these is chosen by what the processor has.
struct Level {
  const char* name;
  int64_t columns;
  void (*pack_right)(int64_t n, int64_t k, Matrix b, float* to);
  void (*multiply)(int64_t m, int64_t n, int64_t k, Matrix a, const float* packed_b, float* c, int64_t stride, bool accumulate, float* packed_a);
};

#define TESSERA_LEVEL(suffix, tile_type, attribute)                                                                                        \
  attribute void pack_##suffix(int64_t n, int64_t k, Matrix b, float* to) { pack<tile_type::columns>(n, k, b.data, b.row, b.column, to); } \
  attribute void multiply_##suffix(int64_t m, int64_t n, int64_t k, Matrix a, const float* packed_b, float* c, int64_t stride,             \
                                   bool accumulate, float* packed_a) {                                                                     \
    multiply<tile_type>(m, n, k, a, packed_b, c, stride, accumulate, packed_a);                                                            \
  }

#if defined(TESSERA_X86_CLONES)
TESSERA_LEVEL(v4, TileV4, TESSERA_V4)
TESSERA_LEVEL(v3, TileV3, TESSERA_V3)
#endif
TESSERA_LEVEL(plain, TilePlain, )

Level choose() {
#if defined(TESSERA_X86_CLONES)
  if (__builtin_cpu_supports("x86-64-v4")) return {"x86-64-v4", TileV4::columns, pack_v4, multiply_v4};
  if (__builtin_cpu_supports("x86-64-v3")) return {"x86-64-v3", TileV3::columns, pack_v3, multiply_v3};
#endif
  return {"plain", TilePlain::columns, pack_plain, multiply_plain};
}

const Level& level() {
  static const Level chosen = choose();
  return chosen;
}

// Room for panels that are filled up to whole tiles; no tile has more than 12 rows and 32 columns.
float* room(std::vector<float>& memory, int64_t count, int64_t depth) {
  memory.resize((count + 32) * depth);
  return memory.data();
}

void clear(int64_t m, int64_t n, float* c, int64_t stride) {
  for (int64_t i = 0; i < m; i++) std::memset(c + i * stride, 0, n * sizeof(float));
}

}  // namespace

const char* vector_level() { return level().name; }

void gemm(int64_t m, int64_t n, int64_t k, Matrix a, Matrix b, float* c, int64_t stride, bool accumulate, GemmScratch& scratch) {
  if (k == 0 && !accumulate) clear(m, n, c, stride);
  const int64_t depth = std::min(k, depth_block);
  float* packed_a = room(scratch.a, std::min(m, row_block), depth);
  float* packed_b = room(scratch.b, std::min(n, column_block), depth);
  for (int64_t j = 0; j < n; j += column_block) {
    const int64_t nb = std::min(column_block, n - j);
    for (int64_t p = 0; p < k; p += depth_block) {
      const int64_t kb = std::min(depth_block, k - p);
      level().pack_right(nb, kb, b.from(p, j), packed_b);
      level().multiply(m, nb, kb, a.from(0, p), packed_b, c + j, stride, accumulate || p > 0, packed_a);
    }
  }
}

void pack_right(int64_t n, int64_t k, Matrix b, PackedRight* packed) {
  const int64_t columns = level().columns, width = (n + columns - 1) / columns * columns;
  packed->n = n;
  packed->k = k;
  packed->panels.resize(width * k);
  for (int64_t p = 0; p < k; p += depth_block) {
    level().pack_right(n, std::min(k - p, depth_block), b.from(p, 0), packed->panels.data() + p * width);
  }
}

void gemm(int64_t m, Matrix a, const PackedRight& b, float* c, int64_t stride, GemmScratch& scratch) {
  if (b.k == 0) clear(m, b.n, c, stride);
  const int64_t columns = level().columns, width = (b.n + columns - 1) / columns * columns;
  float* packed_a = room(scratch.a, std::min(m, row_block), std::min(b.k, depth_block));
  for (int64_t p = 0; p < b.k; p += depth_block) {
    const int64_t kb = std::min(b.k - p, depth_block);
    level().multiply(m, b.n, kb, a.from(0, p), b.panels.data() + p * width, c, stride, p > 0, packed_a);
  }
}

namespace {

TESSERA_CLONES void add_bias(const float* bias, float* row, int64_t count) {
  for (int64_t i = 0; i < count; i++) row[i] += bias[i];
}

TESSERA_CLONES void add_bias_relu(const float* bias, float* row, int64_t count) {
  for (int64_t i = 0; i < count; i++) row[i] = at_least(row[i] + bias[i], 0.f);
}

}  // namespace

bool read_bias(Run& run, int input, int64_t count, Finish* finish) {
  const int64_t length = run.shape(input)[0];
  if (length == 0) return true;
  finish->bias = run.floats(input);
  return run.expect(length == count, "the bias does not fit the product");
}

void finish_row(Finish finish, float* row, int64_t from, int64_t count) {
  if (finish.bias != nullptr) (finish.relu ? add_bias_relu : add_bias)(finish.bias + from, row + from, count);
}

void parallel_gemm(const Run& run, int64_t m, int64_t n, int64_t k, Matrix a, Matrix b, float* c, int64_t stride, Finish finish) {
  // Few rows: pieces are columns, each thread packs its own part of B, and there is nothing to wait for in between.
  if (m <= 96) {
    run.parallel_for((n + 63) / 64, 1, [&](int64_t begin, int64_t end) {
      static thread_local GemmScratch scratch;
      const int64_t from = begin * 64, count = std::min(end * 64, n) - from;
      gemm(m, count, k, a, b.from(0, from), c + from, stride, false, scratch);
      for (int64_t i = 0; i < m; i++) finish_row(finish, c + i * stride, from, count);
    });
    return;
  }
  if (k == 0) {
    clear(m, n, c, stride);
    for (int64_t i = 0; i < m; i++) finish_row(finish, c + i * stride, 0, n);
  }
  std::vector<float> memory;
  float* packed_b = room(memory, std::min(n, column_block), std::min(k, depth_block));
  const int64_t columns = level().columns;
  // Rows that a thread takes at once: tiles of every level are whole in 12, and pieces are a few times as many as threads.
  const int64_t row_step = std::min<int64_t>(48, (m / (4 * run.thread_count()) / 12 + 1) * 12);
  for (int64_t j = 0; j < n; j += column_block) {
    const int64_t nb = std::min(column_block, n - j);
    for (int64_t p = 0; p < k; p += depth_block) {
      const int64_t kb = std::min(depth_block, k - p);
      // Panels of B are packed once for all threads.
      run.parallel_for((nb + columns - 1) / columns, 8, [&](int64_t begin, int64_t end) {
        const int64_t from = begin * columns;
        level().pack_right(std::min(end * columns, nb) - from, kb, b.from(p, j + from), packed_b + from * kb);
      });
      run.parallel_for((m + row_step - 1) / row_step, 1, [&, row_step](int64_t begin, int64_t end) {
        static thread_local std::vector<float> own;
        const int64_t from = begin * row_step, count = std::min(end * row_step, m) - from;
        float* packed_a = room(own, row_block, kb);
        level().multiply(count, nb, kb, a.from(from, p), packed_b, c + from * stride + j, stride, p > 0, packed_a);
        if (p + kb < k) return;
        for (int64_t i = from; i < from + count; i++) finish_row(finish, c + i * stride, j, nb);
      });
    }
  }
}

}  // namespace tessera
