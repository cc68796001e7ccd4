// Elementary functions as straight-line code that compilers turn into vector instructions, in loops marked TESSERA_CLONES: those are compiled for several
// generations of a processor, and the right one is chosen when the addon is loaded, so that a binary runs anywhere and is fast where it can be.
// The polynomials are those of the wasm kernels (../assembly/vec.ts): exp of S. Moshier's Cephes library, the error function fitted there.
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

// exp(x + dx) for |dx| < 0.02; -inf gives 0, results below 2^-126 are 0.
TESSERA_INLINE float exp_sum(float x, float dx) {
  const float clamped = at_least(at_most(x, 88.7f), -87.3f);
  // Adding 1.5 * 2^23 rounds to a whole number and leaves it in the low bits.
  const float magic = 12582912.f;
  const float shifted = clamped * 1.44269504088896341f + magic;
  const float n = shifted - magic;
  float r = clamped - n * 0.693359375f;
  r = r + n * 2.1219444e-4f + dx;
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

TESSERA_INLINE float exp_of(float x) { return exp_sum(x, 0.f); }

// exp(t^2) erfc(t) for t >= 1, as u P(u) with u = 1 / (t + 2).
TESSERA_INLINE float erfcx_far(float t) {
  const float u = 1.f / (t + 2.f);
  float p = 23.840408325195312f;
  p = p * u + -28.817325592041016f;
  p = p * u + 5.184760570526123f;
  p = p * u + 1.9840874671936035f;
  p = p * u + 2.8541080951690674f;
  p = p * u + 1.976444125175476f;
  p = p * u + 1.1281133890151978f;
  p = p * u + 0.5641979575157166f;
  return p * u;
}

// erf(t) for |t| <= 1.
TESSERA_INLINE float erf_near(float t) {
  const float s = t * t;
  float p = 7.853892020648345e-5f;
  p = p * s + -8.010203600861132e-4f;
  p = p * s + 5.188329145312309e-3f;
  p = p * s + -2.6853812858462334e-2f;
  p = p * s + 0.1128358542919159f;
  p = p * s + -0.3761262595653534f;
  p = p * s + 0.12837916612625122f;
  return p * t + t;
}

// exp(-x^2 / 2); x is split so that the square of its upper half is exact.
TESSERA_INLINE float exp_minus_half_square(float x) {
  const float t = at_most(std::fabs(x), 20.f);
  const float high = bits_to_float(float_to_bits(t) & static_cast<int32_t>(0xfffff000));
  const float rest = (t - high) * (t + high);
  return exp_sum(-0.5f * high * high, -0.5f * rest);
}

// The normal distribution function at x, where e = exp(-x^2 / 2).
TESSERA_INLINE float normal_cdf(float x, float e) {
  const float t = x * 0.70710678118654752f;
  const float magnitude = std::fabs(t);
  const float near = 0.5f + 0.5f * erf_near(at_least(at_most(t, 1.f), -1.f));
  const float tail = 0.5f * e * erfcx_far(at_least(at_most(magnitude, 14.2f), 1.f));
  const float far = x < 0.f ? tail : 1.f - tail;
  return magnitude < 1.f ? near : far;
}

// x Phi(x) (Hendrycks and Gimpel 2016, arXiv 1606.08415).
TESSERA_INLINE float gelu(float x) { return at_least(x, -3e38f) * normal_cdf(x, exp_minus_half_square(x)); }

// Phi(x) + x phi(x).
TESSERA_INLINE float gelu_slope(float x) {
  const float e = exp_minus_half_square(x);
  const float bounded = at_least(at_most(x, 20.f), -20.f);
  return normal_cdf(x, e) + bounded * e * 0.39894228040143268f;
}

}  // namespace tessera
