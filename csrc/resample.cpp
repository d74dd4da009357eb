#include "resample.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "simd.hpp"
#include "thread_pool.hpp"

namespace maskwright {
namespace {

constexpr std::int64_t kBand = 32;  // output rows that a thread takes at once

// A pixel's four bytes as four numbers of 16 bits, so that one multiplication is four: 255 * kWhole fits into 16 bits.
using Wide = std::uint64_t;

// Between the bytes of two rows, as numbers of 16 bits.
MASKWRIGHT_CLONES void between_rows(const std::uint8_t* above, const std::uint8_t* below, int weight, std::int64_t count,
                                    std::uint16_t* output) {
  const auto down = static_cast<std::uint16_t>(weight), up = static_cast<std::uint16_t>(kWhole - weight);
  for (std::int64_t i = 0; i < count; ++i) {
    output[i] = static_cast<std::uint16_t>(static_cast<std::uint16_t>(above[i] * up + below[i] * down + kWhole / 2) / kWhole);
  }
}

// Between the pixels of such a row at `x`, as bytes again.
MASKWRIGHT_INLINE std::uint32_t between_pixels(const Wide* row, const std::int32_t* before, const std::uint8_t* weight, std::int64_t x) {
  constexpr Wide kHalves = 0x0001000100010001 * (kWhole / 2), kBytes = 0x00ff00ff00ff00ff;
  const Wide* one = row + before[x];
  const Wide sum = one[0] * static_cast<Wide>(kWhole - weight[x]) + one[1] * static_cast<Wide>(weight[x]) + kHalves;
  Wide bytes = (sum / kWhole) & kBytes;
  bytes |= bytes >> 8;
  return static_cast<std::uint32_t>((bytes & 0xffff) | ((bytes >> 16) & 0xffff0000));
}

#ifdef MASKWRIGHT_HAS_SHUFFLES

// Two adjoining pixels, and two of those, as numbers of 16 bits; the others are the same bits, named by what is shuffled.
typedef std::uint16_t Pair __attribute__((vector_size(16), aligned(8), may_alias));
typedef std::uint16_t Pairs __attribute__((vector_size(32), aligned(32), may_alias));
typedef std::uint64_t Pixels __attribute__((vector_size(32)));
typedef std::uint8_t Bytes __attribute__((vector_size(32), aligned(4), may_alias));

constexpr std::int64_t kGroup = 8;  // output pixels made at once

// The weights of the pixels that output pixels lie between, in the order in which a group needs them.
class Weights {
 public:
  explicit Weights(std::span<const std::uint8_t> weights) : groups_(weights.size() / kGroup) {
    for (std::size_t i = 0; i < groups_.size(); ++i) {
      for (std::size_t k = 0; k < kGroup; ++k) {
        const int after = weights[i * kGroup + k];
        Pairs& pairs = groups_[i].of[k % 4];
        for (std::size_t channel = 0; channel < 4; ++channel) {
          pairs[k / 4 * 8 + channel] = static_cast<std::uint16_t>(kWhole - after);
          pairs[k / 4 * 8 + 4 + channel] = static_cast<std::uint16_t>(after);
        }
      }
    }
  }

  const Pairs* group(std::int64_t i) const { return groups_[static_cast<std::size_t>(i)].of; }

 private:
  struct Group {
    Pairs of[4];
  };
  std::vector<Group> groups_;
};

// The pixels before and after output pixels `x` and x + 4, by their weights.
MASKWRIGHT_INLINE Pairs weighted(const Wide* row, const std::int32_t* before, std::int64_t x, Pairs weights) {
  const Pair one = *reinterpret_cast<const Pair*>(row + before[x]), other = *reinterpret_cast<const Pair*>(row + before[x + 4]);
  return weights * __builtin_shufflevector(one, other, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

// Four pixels of what `weighted` made of two output pixels each.
MASKWRIGHT_INLINE Bytes rounded(Pairs one, Pairs other) {
  const auto first = reinterpret_cast<Pixels>(one), second = reinterpret_cast<Pixels>(other);
  const auto before = reinterpret_cast<Pairs>(__builtin_shufflevector(first, second, 0, 4, 2, 6));
  const auto after = reinterpret_cast<Pairs>(__builtin_shufflevector(first, second, 1, 5, 3, 7));
  return reinterpret_cast<Bytes>((before + after + kWhole / 2) / kWhole);
}

MASKWRIGHT_CLONES void between_columns(const Wide* row, const std::int32_t* before, const std::uint8_t* weight, const Weights& weights,
                                       std::int64_t count, std::uint32_t* output) {
  std::int64_t x = 0;
  for (; x + kGroup <= count; x += kGroup) {
    const Pairs* group = weights.group(x / kGroup);
    const Bytes even = rounded(weighted(row, before, x, group[0]), weighted(row, before, x + 1, group[1]));
    const Bytes odd = rounded(weighted(row, before, x + 2, group[2]), weighted(row, before, x + 3, group[3]));
    *reinterpret_cast<Bytes*>(output + x) = __builtin_shufflevector(even, odd, 0, 2, 4, 6, 8, 10, 12, 14, 32, 34, 36, 38, 40, 42, 44, 46,
                                                                    16, 18, 20, 22, 24, 26, 28, 30, 48, 50, 52, 54, 56, 58, 60, 62);
  }
  for (; x < count; ++x) output[x] = between_pixels(row, before, weight, x);
}

#else

struct Weights {
  explicit Weights(std::span<const std::uint8_t>) {}
};

void between_columns(const Wide* row, const std::int32_t* before, const std::uint8_t* weight, const Weights&, std::int64_t count,
                     std::uint32_t* output) {
  for (std::int64_t x = 0; x < count; ++x) output[x] = between_pixels(row, before, weight, x);
}

#endif

bool all_whole(std::span<const std::uint8_t> weights) {
  return std::all_of(weights.begin(), weights.end(), [](std::uint8_t weight) { return weight == 0; });
}

}  // namespace

MASKWRIGHT_CLONES void lay_over(const std::uint32_t* over, std::uint32_t* onto, std::int64_t count) {
  constexpr std::uint32_t kPair = 0x00ff00ff, kRound = 0x00800080;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint32_t clear = 255 - (over[i] >> 24);
    // Two channels at once, divided by 255 exactly: (t + t / 256) / 256 of a t that is rounded.
    std::uint32_t even = (onto[i] & kPair) * clear + kRound;
    even = ((even + ((even >> 8) & kPair)) >> 8) & kPair;
    std::uint32_t odd = ((onto[i] >> 8) & kPair) * clear + kRound;
    odd = (odd + ((odd >> 8) & kPair)) & ~kPair;
    onto[i] = over[i] + (even | odd);
  }
}

void resample(Plane<const std::uint32_t> picture, Steps columns, Steps rows, bool onto, Plane<std::uint32_t> output, int threads) {
  const bool exact = all_whole(columns.weight) && all_whole(rows.weight);
  const bool as_it_is = exact && columns.before.back() - columns.before.front() + 1 == output.width;
  const Weights weights(columns.weight);
  const std::size_t bands = static_cast<std::size_t>((output.height + kBand - 1) / kBand);
  parallel_for(bands, threads, [&](std::size_t band) {
    const std::int64_t top = static_cast<std::int64_t>(band) * kBand, bottom = std::min(top + kBand, output.height);
    std::vector<Wide> between(static_cast<std::size_t>(picture.width + 1));
    std::vector<std::uint32_t> made(onto ? static_cast<std::size_t>(output.width) : 0);
    for (std::int64_t y = top; y < bottom; ++y) {
      const std::uint32_t* above = picture.row(rows.before[y]);
      if (as_it_is && onto) {
        lay_over(above + columns.before.front(), output.row(y), output.width);
        continue;
      }
      std::uint32_t* target = onto ? made.data() : output.row(y);
      if (as_it_is) {
        std::memcpy(target, above + columns.before.front(), columns.before.size() * sizeof(std::uint32_t));
      } else if (exact) {
        for (std::int64_t x = 0; x < output.width; ++x) target[x] = above[columns.before[x]];
      } else {
        const std::uint32_t* below = picture.row(std::min<std::int64_t>(rows.before[y] + 1, picture.height - 1));
        between_rows(reinterpret_cast<const std::uint8_t*>(above), reinterpret_cast<const std::uint8_t*>(below), rows.weight[y],
                     4 * picture.width, reinterpret_cast<std::uint16_t*>(between.data()));
        between[static_cast<std::size_t>(picture.width)] = between[static_cast<std::size_t>(picture.width - 1)];
        between_columns(between.data(), columns.before.data(), columns.weight.data(), weights, output.width, target);
      }
      if (onto) lay_over(target, output.row(y), output.width);
    }
  });
}

}  // namespace maskwright
