// The outline of a mask along pixel edges, as bars on whole pixels of a picture.
#pragma once

#include <cstdint>

#include "plane.hpp"

namespace maskwright {

// Along one axis, image coordinate c lies at origin + c * zoom in device pixels; the picture begins at `first`.
struct Axis {
  double origin;
  std::int64_t first;
};

// Fills with `color` a bar `width` device pixels wide along every edge between set and unset pixels of the window, whose first pixel is
// (x, y) in the image. The window's own border is no edge. Bars end where their middle lines do and half a width further.
void draw_edges(Plane<const std::uint8_t> window, std::int64_t x, std::int64_t y, double zoom, Axis across, Axis down, double width,
                std::uint32_t color, Plane<std::uint32_t> output);

}  // namespace maskwright
