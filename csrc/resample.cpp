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

// Between the pixels of such a row, as bytes again.
MASKWRIGHT_CLONES void between_columns(const Wide* row, const std::int32_t* before, const std::uint8_t* weight, std::int64_t count,
                                       std::uint32_t* output) {
  constexpr Wide kHalves = 0x0001000100010001 * (kWhole / 2), kBytes = 0x00ff00ff00ff00ff;
  for (std::int64_t x = 0; x < count; ++x) {
    const Wide* one = row + before[x];
    const Wide sum = one[0] * static_cast<Wide>(kWhole - weight[x]) + one[1] * static_cast<Wide>(weight[x]) + kHalves;
    Wide bytes = (sum / kWhole) & kBytes;
    bytes |= bytes >> 8;
    output[x] = static_cast<std::uint32_t>((bytes & 0xffff) | ((bytes >> 16) & 0xffff0000));
  }
}

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
        between_columns(between.data(), columns.before.data(), columns.weight.data(), output.width, target);
      }
      if (onto) lay_over(target, output.row(y), output.width);
    }
  });
}

}  // namespace maskwright
