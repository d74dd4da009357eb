// Several numbers at once, and one function compiled for several processors.
#pragma once

#include <cstddef>  // defines __GLIBC__ where there is glibc
#include <cstdint>

namespace maskwright {

#if defined(__GNUC__) || defined(__clang__)
// Loaded from and stored to any float address: `aligned(4)` and `may_alias` say so to the compiler. Name the type in full where a
// pointer is declared: `auto` deduces it without them.
typedef float Lanes __attribute__((vector_size(64), aligned(4), may_alias));
#define MASKWRIGHT_INLINE inline __attribute__((always_inline))
#else
struct Lanes {
  float lane[16];
  Lanes& operator+=(const Lanes& other) {
    for (int i = 0; i < 16; ++i) lane[i] += other.lane[i];
    return *this;
  }
  friend Lanes operator*(float weight, const Lanes& lanes) {
    Lanes scaled;
    for (int i = 0; i < 16; ++i) scaled.lane[i] = weight * lanes.lane[i];
    return scaled;
  }
};
#define MASKWRIGHT_INLINE inline
#endif

constexpr int kLanes = 16;

#if defined(__clang__) || (defined(__GNUC__) && __GNUC__ >= 12)
#define MASKWRIGHT_HAS_SHUFFLES 1  // vectors of other types, and __builtin_shufflevector
#endif

// The wheel must run on any x86-64, and the loops gain most from wide registers: so the hot functions are compiled three times and
// the loader picks by what the processor can do. (The levels x86-64-v3 and -v4, because a clone for a processor's name runs on
// that very model alone and one for "avx2" goes without fused multiply-add.) It takes GCC 12 and an ELF loader that knows
// ifunc; elsewhere the compiler's default target serves.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12 && defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__)
#define MASKWRIGHT_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define MASKWRIGHT_CLONES
#endif

}  // namespace maskwright
