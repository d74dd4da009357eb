// Pictures enlarged or made smaller for the screen.
//
// Pixels are 0xAARRGGBB. Pixel convention: the caller says for each output column and row between which input pixels' centres it
// lies, so what an output pixel becomes hangs on its place alone, not on how much is drawn at once.
#pragma once

#include <cstdint>
#include <span>

#include "plane.hpp"

namespace maskwright {

inline constexpr int kWhole = 128;  // the weight of a whole pixel

// For each output pixel along one side: the input pixel before it, and the weight (0 to kWhole - 1) of the one after that.
struct Steps {
  std::span<const std::int32_t> before;
  std::span<const std::uint8_t> weight;
};

// Output pixels interpolated linearly along both sides; where `onto` is set, laid over what the output holds, the picture's colours being
// premultiplied. The last input pixel goes on beyond the border.
void resample(Plane<const std::uint32_t> picture, Steps columns, Steps rows, bool onto, Plane<std::uint32_t> output, int threads);

// `over`, of premultiplied colours, laid over as many pixels that are opaque.
void lay_over(const std::uint32_t* over, std::uint32_t* onto, std::int64_t count);

}  // namespace maskwright
