// Tiles of a product that stay in registers, by what the processor has, and the vectors they are made of. A function of each level is compiled by itself, with the
// instructions of that level, and one is chosen at run time.
#pragma once

#include <cstdint>
#include <cstring>

#include "vector-math.h"

namespace tessera {

// `rows` rows of `vectors` vectors.
template <typename VectorType, int rows_, int vectors_>
struct Tile {
  using Vector = VectorType;
  static constexpr int rows = rows_, vectors = vectors_;
  static constexpr int64_t width = sizeof(Vector) / sizeof(float), columns = vectors * width;
};
typedef float Vector4 __attribute__((vector_size(16)));
typedef float Vector8 __attribute__((vector_size(32)));
typedef float Vector16 __attribute__((vector_size(64)));

// As many rows as keep all sums in registers: sixteen of AVX and SSE, 32 of AVX-512 and NEON.
#if defined(TESSERA_X86_CLONES)
#define TESSERA_V4 __attribute__((target("arch=x86-64-v4")))
#define TESSERA_V3 __attribute__((target("arch=x86-64-v3")))
using TileV4 = Tile<Vector16, 12, 2>;
using TileV3 = Tile<Vector8, 6, 2>;
#endif
#if defined(__aarch64__)
using TilePlain = Tile<Vector4, 6, 4>;
#else
using TilePlain = Tile<Vector4, 4, 2>;
#endif

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

}  // namespace tessera
