// From the mask head's low resolution to pixels.
//
// Pixel convention: boxes are x1 y1 x2 y2 in image coordinates, continuous; a mask's m x m cells tile its box, and a pixel takes the
// bilinear value between cell centres at its own centre (+0.5), zero beyond the outermost cells. That is grid_sample with
// align_corners=False, and detectron2's exact paste.
#pragma once

#include <cstdint>
#include <span>

namespace maskwright {

// The pixels [x, x + width) x [y, y + height) of the image, and where their bitmap starts in the output.
struct Window {
  std::int64_t x, y, width, height, offset;
};

// probabilities (n, side, side), boxes (n, 4) with x1 < x2 and y1 < y2 wherever the window is not empty. Writes 1 where the
// interpolated probability is at least `threshold`, else 0. Threads share out the masks.
void paste_masks(std::span<const float> probabilities, int side, std::span<const float> boxes, std::span<const Window> windows,
                 float threshold, std::span<std::uint8_t> output, int threads);

}  // namespace maskwright
