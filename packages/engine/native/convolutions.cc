// Two-dimensional convolutions and their gradients for few channels, where making columns of patches or reordering filters would take as long as the products. A patch is
// read where it lies, in a copy of the image with its padding around it: for each row of the kernel, one run of numbers. (Georganas et al. 2018, arXiv 1808.05567,
// is the same idea for images in blocks of channels.)
#include <algorithm>
#include <cstring>
#include <memory>

#include "gemm.h"
#include "kernels.h"
#include "op.h"
#include "tile.h"

namespace tessera {
namespace {

// An index of pixels [count, height, width] and how far apart they are in memory.
struct Pixels {
  int64_t image, row, column;

  int64_t at(int64_t n, int64_t i, int64_t j) const { return n * image + i * row + j * column; }
};

// What a product reads at each pixel: `runs` runs of `length` numbers, `step` apart.
struct Patch {
  int64_t runs, step, length;

  int64_t depth() const { return runs * length; }
};

// Pixels of a result, each the product of a patch of the source and a matrix [patch.depth(), features].
struct PatchProduct {
  int64_t height, width, features;
  const float* source;
  Pixels from;
  Patch patch;
  // The matrix in panels of as many columns as a tile has, filled up with zeros.
  const float* matrix;
  float* result;
  Pixels to;
  Finish finish;
};

// Pixels whose patches are used for all panels while they are in the first cache.
constexpr int64_t pixel_block = 96;

// Rows of a panel that stay in the first cache.
constexpr int64_t panel_depth = 384;

// Rows [begin, end) of all images.
template <typename T>
TESSERA_INLINE void multiply_patches(const PatchProduct& product, int64_t begin, int64_t end) {
  using Vector = typename T::Vector;
  const auto& [height, width, features, source, from, patch, matrix, result, to, finish] = product;
  const float* sources[pixel_block];
  float* results[pixel_block];
  const int64_t pixels = (end - begin) * width;
  for (int64_t p0 = 0; p0 < pixels; p0 += pixel_block) {
    const int64_t count = std::min(pixel_block, pixels - p0);
    for (int64_t p = 0; p < count; p++) {
      const int64_t row = begin + (p0 + p) / width, j = (p0 + p) % width;
      sources[p] = source + from.at(row / height, row % height, j);
      results[p] = result + to.at(row / height, row % height, j);
    }
    for (int64_t column = 0; column < features; column += T::columns) {
      const int64_t columns = std::min(T::columns, features - column);
      const float* panel = matrix + column * patch.depth();
      // A piece of a panel stays in the first cache while all pixels use it.
      const bool at_once = patch.depth() <= panel_depth;
      const int64_t runs = at_once ? patch.runs : 1, length = at_once ? patch.length : std::min(patch.length, panel_depth);
      // An empty patch has one piece too: its products are zeros.
      for (int64_t run0 = 0; run0 == 0 || run0 < patch.runs; run0 += std::max<int64_t>(1, runs)) {
        for (int64_t q0 = 0; q0 == 0 || q0 < patch.length; q0 += std::max<int64_t>(1, length)) {
          const int64_t numbers = std::min(length, patch.length - q0);
          const bool add = run0 > 0 || q0 > 0;
          for (int64_t p = 0; p < count; p += T::rows) {
            const int rows = static_cast<int>(std::min<int64_t>(T::rows, count - p));
            const float* left[T::rows];
            // The last tile computes its last pixel several times.
#pragma GCC unroll 16
            for (int i = 0; i < T::rows; i++) left[i] = sources[p + std::min(i, rows - 1)] + run0 * patch.step + q0;
            Vector sums[T::rows][T::vectors] = {};
            const float* right = panel;
            for (int64_t run = 0; run < runs; run++) {
#pragma GCC unroll 4
              for (int64_t q = 0; q < numbers; q++) {
                Vector weights[T::vectors];
#pragma GCC unroll 4
                for (int v = 0; v < T::vectors; v++) weights[v] = load<Vector>(right + v * T::width);
                right += T::columns;
#pragma GCC unroll 16
                for (int i = 0; i < T::rows; i++) {
                  const Vector value = left[i][q] - Vector{};
#pragma GCC unroll 4
                  for (int v = 0; v < T::vectors; v++) sums[i][v] += value * weights[v];
                }
              }
#pragma GCC unroll 16
              for (int i = 0; i < T::rows; i++) left[i] += patch.step;
            }
            float edge[T::rows * T::columns];
            const bool whole = columns == T::columns && rows == T::rows;
#pragma GCC unroll 16
            for (int i = 0; i < T::rows; i++) {
              float* target = whole ? results[p + i] + column : edge + i * T::columns;
#pragma GCC unroll 4
              for (int v = 0; v < T::vectors; v++) {
                float* place = target + v * T::width;
                store(place, whole && add ? load<Vector>(place) + sums[i][v] : sums[i][v]);
              }
            }
            for (int i = 0; !whole && i < rows; i++) {
              float* target = results[p + i] + column;
              for (int64_t j = 0; j < columns; j++) target[j] = edge[i * T::columns + j] + (add ? target[j] : 0.f);
            }
          }
          panel += runs * numbers * T::columns;
        }
      }
    }
    for (int64_t p = 0; finish.bias != nullptr && p < count; p++) finish_row(finish, results[p], 0, features);
  }
}

// The gradient of the filter: for each of `height` x `width` pixels of every image the outer product of a patch and the slopes there.
struct OuterProducts {
  int64_t images, height, width, features;
  const float* source;
  Pixels from;
  Patch patch;
  // In panels of as many columns as a tile has, filled up with zeros: [panel][pixel][columns].
  const float* slopes;
  // [patch.depth(), features]
  float* result;
};

// Numbers of a patch for which a tile sums at once: none crosses the end of a run.
template <typename T>
TESSERA_INLINE int64_t tiles_of_run(const Patch& patch) {
  return (patch.length + T::rows - 1) / T::rows;
}

// Tiles [begin, end) of the result's rows.
template <typename T>
TESSERA_INLINE void sum_outer_products(const OuterProducts& sums_of, int64_t begin, int64_t end) {
  using Vector = typename T::Vector;
  const auto& [images, height, width, features, source, from, patch, slopes, result] = sums_of;
  const int64_t rows_of_pixels = images * height, per_run = tiles_of_run<T>(patch);
  // About 96 kB of patches and slopes stay in the second cache while all tiles use them.
  const int64_t row_block = std::max<int64_t>(1, 24576 / (width * (features + std::min(from.column, patch.length)) + 1));
  float edge[T::rows * T::columns];
  for (int64_t r0 = 0; r0 < rows_of_pixels; r0 += row_block) {
    const int64_t r1 = std::min(rows_of_pixels, r0 + row_block);
    for (int64_t tile = begin; tile < end; tile++) {
      const int64_t run = tile / per_run, start = tile % per_run * T::rows;
      const int64_t rows = std::min<int64_t>(T::rows, patch.length - start);
      float* to = result + (run * patch.length + start) * features;
      for (int64_t column = 0; column < features; column += T::columns) {
        const int64_t columns = std::min(T::columns, features - column);
        const bool whole = rows == T::rows && columns == T::columns;
        Vector sums[T::rows][T::vectors] = {};
        for (int64_t row = r0; row < r1; row++) {
          const float* left = source + from.at(row / height, row % height, 0) + run * patch.step + start;
          const float* right = slopes + column * rows_of_pixels * width + row * width * T::columns;
          for (int64_t j = 0; j < width; j++) {
            Vector slope[T::vectors];
#pragma GCC unroll 4
            for (int v = 0; v < T::vectors; v++) slope[v] = load<Vector>(right + v * T::width);
#pragma GCC unroll 16
            for (int i = 0; i < T::rows; i++) {
              const Vector value = left[i] - Vector{};
#pragma GCC unroll 4
              for (int v = 0; v < T::vectors; v++) sums[i][v] += value * slope[v];
            }
            left += from.column;
            right += T::columns;
          }
        }
        float* target = whole ? to + column : edge;
        const int64_t stride = whole ? features : T::columns;
        const bool add = whole && r0 > 0;
#pragma GCC unroll 16
        for (int i = 0; i < T::rows; i++) {
#pragma GCC unroll 4
          for (int v = 0; v < T::vectors; v++) {
            float* place = target + i * stride + v * T::width;
            store(place, add ? load<Vector>(place) + sums[i][v] : sums[i][v]);
          }
        }
        for (int64_t i = 0; !whole && i < rows; i++) {
          float* row = to + i * features + column;
          for (int64_t f = 0; f < columns; f++) row[f] = edge[i * T::columns + f] + (r0 > 0 ? row[f] : 0.f);
        }
      }
    }
  }
}

// What one level of a processor computes with; `narrow` where all features fit into one vector.
struct Level {
  int64_t columns, narrow_columns;
  void (*patches)(const PatchProduct& product, int64_t begin, int64_t end);
  void (*narrow_patches)(const PatchProduct& product, int64_t begin, int64_t end);
  int64_t (*tiles)(const Patch& patch);
  void (*outer)(const OuterProducts& product, int64_t begin, int64_t end);
};

#define TESSERA_CONVOLUTIONS(suffix, tile_type, attribute)                                                                                  \
  using Narrow_##suffix = Tile<tile_type::Vector, 2 * tile_type::rows, 1>;                                                                  \
  attribute void patches_##suffix(const PatchProduct& product, int64_t begin, int64_t end) {                                                \
    multiply_patches<tile_type>(product, begin, end);                                                                                       \
  }                                                                                                                                         \
  attribute void narrow_##suffix(const PatchProduct& product, int64_t begin, int64_t end) {                                                 \
    multiply_patches<Narrow_##suffix>(product, begin, end);                                                                                 \
  }                                                                                                                                         \
  attribute void outer_##suffix(const OuterProducts& product, int64_t begin, int64_t end) {                                                 \
    sum_outer_products<tile_type>(product, begin, end);                                                                                     \
  }                                                                                                                                         \
  int64_t tiles_##suffix(const Patch& patch) { return patch.runs * tiles_of_run<tile_type>(patch); }                                        \
  constexpr Level level_##suffix = {tile_type::columns, Narrow_##suffix::columns, patches_##suffix, narrow_##suffix, tiles_##suffix, outer_##suffix};

#if defined(TESSERA_X86_CLONES)
TESSERA_CONVOLUTIONS(v4, TileV4, TESSERA_V4)
TESSERA_CONVOLUTIONS(v3, TileV3, TESSERA_V3)
#endif
TESSERA_CONVOLUTIONS(plain, TilePlain, )

const Level& level() {
#if defined(TESSERA_X86_CLONES)
  static const Level& chosen = __builtin_cpu_supports("x86-64-v4")   ? level_v4
                               : __builtin_cpu_supports("x86-64-v3") ? level_v3
                                                                     : level_plain;
  return chosen;
#else
  return level_plain;
#endif
}

// Sizes of a convolution, as the third input of its ops has them, and 1 for ReLU after the bias.
struct Geometry {
  int64_t images, height, width, channels, kernel_height, kernel_width, features, stride, pad_top, pad_left, out_height, out_width, relu;
};

bool read_geometry(Run& run, Geometry* geometry) {
  const Shape shape = run.shape(2);
  if (!run.expect(shape == Shape{13}, "convolution: expected thirteen numbers")) return false;
  const int32_t* sizes = run.ints(2);
  int64_t all[13];
  std::copy(sizes, sizes + 13, all);
  std::memcpy(geometry, all, sizeof *geometry);
  return true;
}

using Floats = std::unique_ptr<float[]>;

Floats floats(int64_t count) { return Floats(new float[count]); }

int64_t ceiling(int64_t a, int64_t b) { return (a + b - 1) / b; }

// A copy of images with zeros around them.
struct Padded {
  Floats data;
  Pixels pixels;
};

// Tiles read past the end of the last run.
constexpr int64_t slack = 32;

Padded padded(Run& run, const float* x, int64_t images, int64_t height, int64_t width, int64_t channels, int64_t top, int64_t left, int64_t padded_height,
              int64_t padded_width) {
  const int64_t row = padded_width * channels;
  Padded copy = {floats(images * padded_height * row + slack), {padded_height * row, row, channels}};
  std::fill_n(copy.data.get() + images * padded_height * row, slack, 0.f);
  const int64_t copied = std::min(width, padded_width - left);
  float* data = copy.data.get();
  run.parallel_for(images * padded_height, std::max<int64_t>(1, 8192 / row), [=](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
      float* to = data + r * row;
      const int64_t i = r % padded_height - top;
      if (i < 0 || i >= height) {
        std::fill_n(to, row, 0.f);
        continue;
      }
      std::fill_n(to, left * channels, 0.f);
      std::memcpy(to + left * channels, x + (r / padded_height * height + i) * width * channels, copied * channels * sizeof(float));
      std::fill_n(to + (left + copied) * channels, row - (left + copied) * channels, 0.f);
    }
  });
  return copy;
}

// Images as the windows of a convolution see them.
Padded windows(Run& run, const float* x, const Geometry& g) {
  return padded(run, x, g.images, g.height, g.width, g.channels, g.pad_top, g.pad_left, (g.out_height - 1) * g.stride + g.kernel_height,
                (g.out_width - 1) * g.stride + g.kernel_width);
}

void multiply(Run& run, int64_t images, const PatchProduct& product, bool narrow) {
  const auto body = narrow ? level().narrow_patches : level().patches;
  const int64_t grain = std::max<int64_t>(1, pixel_block / product.width);
  run.parallel_for(images * product.height, grain, [=](int64_t begin, int64_t end) { body(product, begin, end); });
}

void compute_forward(Run& run) {
  Geometry g;
  if (!read_geometry(run, &g)) return;
  Finish finish = {nullptr, g.relu != 0};
  if (!read_bias(run, 3, g.features, &finish)) return;
  const float *x = run.floats(0), *filter = run.floats(1);
  float* y = run.output_floats(0, {g.images, g.out_height, g.out_width, g.features});
  if (y == nullptr) return;
  const Padded source = windows(run, x, g);
  const int64_t depth = g.kernel_height * g.kernel_width * g.channels;
  const bool narrow = g.features <= level().narrow_columns;
  const int64_t columns = narrow ? level().narrow_columns : level().columns;
  const Floats matrix = floats(depth * (g.features + columns));
  for (int64_t j = 0; j < g.features; j += columns) {
    const int64_t count = std::min(columns, g.features - j);
    float* to = matrix.get() + j * depth;
    for (int64_t p = 0; p < depth; p++, to += columns) {
      std::memcpy(to, filter + p * g.features + j, count * sizeof(float));
      std::fill(to + count, to + columns, 0.f);
    }
  }
  PatchProduct product = {};
  product.height = g.out_height;
  product.width = g.out_width;
  product.features = g.features;
  product.source = source.data.get();
  product.from = {source.pixels.image, g.stride * source.pixels.row, g.stride * source.pixels.column};
  product.patch = {g.kernel_height, source.pixels.row, g.kernel_width * g.channels};
  product.matrix = matrix.get();
  product.result = y;
  product.to = {g.out_height * g.out_width * g.features, g.out_width * g.features, g.features};
  product.finish = finish;
  multiply(run, g.images, product, narrow);
}

// Pixels of one axis that a stride treats alike: those whose place, padding included, is `phase` modulo the stride.
struct Phase {
  // The first such pixel, how many there are, and the place of the last output whose window has it.
  int64_t first, count, last_output;
  // Rows of the kernel that meet them: phase, phase + stride, ...
  int64_t taps;
};

Phase phase_of(int64_t phase, int64_t size, int64_t pad, int64_t stride, int64_t kernel) {
  const int64_t first = ((phase - pad) % stride + stride) % stride;
  const int64_t count = first < size ? ceiling(size - first, stride) : 0;
  return {first, count, (first + pad - phase) / stride, phase < kernel ? ceiling(kernel - phase, stride) : 0};
}

// dx of a convolution. Each phase of the stride is a convolution of the slopes, of stride 1, with the part of the filter that it meets, turned round.
void compute_input_gradient(Run& run) {
  Geometry g;
  if (!read_geometry(run, &g)) return;
  Finish finish = {nullptr, g.relu != 0};
  if (!read_bias(run, 3, g.channels, &finish)) return;
  const float *dy = run.floats(0), *filter = run.floats(1);
  float* dx = run.output_floats(0, {g.images, g.height, g.width, g.channels});
  if (dx == nullptr) return;
  const int64_t before_h = ceiling(g.kernel_height, g.stride) - 1, before_w = ceiling(g.kernel_width, g.stride) - 1;
  const int64_t last_h = std::max(g.out_height - 1, (g.height - 1 + g.pad_top) / g.stride);
  const int64_t last_w = std::max(g.out_width - 1, (g.width - 1 + g.pad_left) / g.stride);
  const Padded source = padded(run, dy, g.images, g.out_height, g.out_width, g.features, before_h, before_w, before_h + last_h + 1, before_w + last_w + 1);
  const bool narrow = g.channels <= level().narrow_columns;
  const int64_t columns = narrow ? level().narrow_columns : level().columns;
  const Floats matrix = floats(g.kernel_height * g.kernel_width * g.features * (g.channels + columns));
  for (int64_t a = 0; a < g.stride; a++) {
    for (int64_t b = 0; b < g.stride; b++) {
      const Phase rows = phase_of(a, g.height, g.pad_top, g.stride, g.kernel_height);
      const Phase cols = phase_of(b, g.width, g.pad_left, g.stride, g.kernel_width);
      if (rows.count == 0 || cols.count == 0) continue;
      float* to = matrix.get();
      for (int64_t j = 0; j < g.channels; j += columns) {
        const int64_t count = std::min(columns, g.channels - j);
        for (int64_t r = rows.taps - 1; r >= 0; r--) {
          for (int64_t u = cols.taps - 1; u >= 0; u--) {
            const float* tap = filter + (((a + g.stride * r) * g.kernel_width + b + g.stride * u) * g.channels + j) * g.features;
            for (int64_t f = 0; f < g.features; f++, to += columns) {
              for (int64_t c = 0; c < count; c++) to[c] = tap[c * g.features + f];
              std::fill(to + count, to + columns, 0.f);
            }
          }
        }
      }
      PatchProduct product = {};
      product.height = rows.count;
      product.width = cols.count;
      product.features = g.channels;
      product.source = source.data.get() + source.pixels.at(0, rows.last_output - (rows.taps - 1) + before_h, cols.last_output - (cols.taps - 1) + before_w);
      product.from = source.pixels;
      product.patch = {rows.taps, source.pixels.row, cols.taps * g.features};
      product.matrix = matrix.get();
      product.result = dx + (rows.first * g.width + cols.first) * g.channels;
      product.to = {g.height * g.width * g.channels, g.stride * g.width * g.channels, g.stride * g.channels};
      product.finish = finish;
      multiply(run, g.images, product, narrow);
    }
  }
}

void compute_filter_gradient(Run& run) {
  Geometry g;
  if (!read_geometry(run, &g)) return;
  const float *x = run.floats(0), *dy = run.floats(1);
  float* df = run.output_floats(0, {g.kernel_height, g.kernel_width, g.channels, g.features});
  if (df == nullptr) return;
  const Padded source = windows(run, x, g);
  const int64_t pixels = g.images * g.out_height * g.out_width, columns = level().columns;
  const int64_t panels = ceiling(g.features, columns);
  const Floats slopes = floats(pixels * panels * columns);
  run.parallel_for(pixels, std::max<int64_t>(1, 8192 / g.features), [&, to = slopes.get()](int64_t begin, int64_t end) {
    for (int64_t panel = 0; panel < panels; panel++) {
      const int64_t first = panel * columns, count = std::min(columns, g.features - first);
      for (int64_t p = begin; p < end; p++) {
        float* row = to + (panel * pixels + p) * columns;
        std::memcpy(row, dy + p * g.features + first, count * sizeof(float));
        std::fill(row + count, row + columns, 0.f);
      }
    }
  });
  OuterProducts product = {g.images, g.out_height, g.out_width, g.features, source.data.get(), {}, {}, slopes.get(), df};
  product.from = {source.pixels.image, g.stride * source.pixels.row, g.stride * source.pixels.column};
  product.patch = {g.kernel_height, source.pixels.row, g.kernel_width * g.channels};
  run.parallel_for(level().tiles(product.patch), 1, [&](int64_t begin, int64_t end) { level().outer(product, begin, end); });
}

}  // namespace

std::string register_convolutions() {
  return first_problem({
      register_op<compute_forward>({"TesseraConv2D", {"x: float", "filter: float", "sizes: int32", "bias: float"}, {"y: float"}}),
      register_op<compute_input_gradient>({"TesseraConv2DInputGrad", {"dy: float", "filter: float", "sizes: int32", "bias: float"}, {"dx: float"}}),
      register_op<compute_filter_gradient>({"TesseraConv2DFilterGrad", {"x: float", "dy: float", "sizes: int32"}, {"df: float"}}),
  });
}

}  // namespace tessera
