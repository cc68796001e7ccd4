// Elementary functions as straight-line code that compilers turn into vector instructions, in loops marked TESSERA_CLONES: those are compiled for several
// generations of a processor, and the right one is chosen when the addon is loaded, so that a binary runs anywhere and is fast where it can be.
// exp follows S. Moshier's Cephes library, as in the wasm kernels (../assembly/vec.ts).
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
#define TESSERA_X86_CLONES
#define TESSERA_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define TESSERA_CLONES
#endif

#define TESSERA_INLINE static inline __attribute__((always_inline))

namespace tessera {

TESSERA_INLINE float bits_to_float(int32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

TESSERA_INLINE int32_t float_to_bits(float value) {
  int32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

// These keep a NaN in x, as `std::min` and `std::max` would not.
TESSERA_INLINE float at_most(float x, float bound) { return x > bound ? bound : x; }
TESSERA_INLINE float at_least(float x, float bound) { return x < bound ? bound : x; }

// exp(x); results below 2^-126 are 0.
TESSERA_INLINE float exp_of(float x) {
  const float clamped = at_least(at_most(x, 88.7f), -87.3f);
  // Adding 1.5 * 2^23 rounds to a whole number and leaves it in the low bits.
  const float magic = 12582912.f;
  const float shifted = clamped * 1.44269504088896341f + magic;
  const float n = shifted - magic;
  float r = clamped - n * 0.693359375f;
  r = r + n * 2.1219444e-4f;
  const float r2 = r * r;
  float p = 1.98756915e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  const float value = p * r2 + r + 1.f;
  const float scale = bits_to_float((float_to_bits(shifted) - 0x4b400000 + 127) * (1 << 23));
  const float result = value * scale;
  return x < -87.3f ? 0.f : result;
}

// y = exp(x - top) for a row of n numbers, where `top` is the largest of them; returns the sum. y may be x.
TESSERA_INLINE float exp_row(const float* x, float* y, int64_t n, float* top) {
  float largest = x[0];
#pragma omp simd reduction(max : largest)
  for (int64_t i = 0; i < n; i++) largest = x[i] > largest ? x[i] : largest;
  float total = 0;
#pragma omp simd reduction(+ : total)
  for (int64_t i = 0; i < n; i++) {
    y[i] = exp_of(x[i] - largest);
    total += y[i];
  }
  *top = largest;
  return total;
}

// The normal distribution function: (1 + erf(t)) / 2 with t = x / sqrt(2), erf(t) = t P(t^2) / Q(t^2) for |t| < 4, where it is 1 to float precision. A least-squares fit
// at 4000 Chebyshev points, reweighted to the smallest largest error (5e-8; 3e-7 as computed here).
TESSERA_INLINE float normal_cdf(float x) {
  const float t = x * 0.70710678118654752f;
  const float bounded = at_least(at_most(t, 4.f), -4.f);
  const float s = bounded * bounded;
  float p = 1.9217285540662488e-08f;
  p = p * s + -1.990344799196464e-06f;
  p = p * s + 0.0001555406051920727f;
  p = p * s + 0.004293191246688366f;
  p = p * s + 0.05243389308452606f;
  p = p * s + 0.21394778788089752f;
  p = p * s + 1.1283786296844482f;
  float q = 0.001098073204047978f;
  q = q * s + 0.015551364980638027f;
  q = q * s + 0.1208009123802185f;
  q = q * s + 0.5229339599609375f;
  q = q * s + 1.f;
  const float inside = 0.5f + 0.5f * (bounded * p / q);
  const float above = t >= 4.f ? 1.f : inside;
  return t <= -4.f ? 0.f : above;
}

// x Phi(x) (Hendrycks and Gimpel 2016, arXiv 1606.08415).
TESSERA_INLINE float gelu(float x) { return at_least(x, -3e38f) * normal_cdf(x); }

// Phi(x) + x phi(x).
TESSERA_INLINE float gelu_slope(float x) {
  const float bounded = at_least(at_most(x, 20.f), -20.f);
  return normal_cdf(x) + bounded * exp_of(-0.5f * bounded * bounded) * 0.39894228040143268f;
}

}  // namespace tessera
