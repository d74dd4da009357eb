#include "mask_edges.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace maskwright {
namespace {

struct Bars {
  double zoom, width;
  Axis across, down;
  std::uint32_t color;
  Plane<std::uint32_t> output;

  // From half a width before one image coordinate to half a width behind another, in pixels of the output.
  static std::int64_t place(std::int64_t coordinate, double zoom, Axis axis, double shift, std::int64_t limit) {
    const double device = std::floor(axis.origin + static_cast<double>(coordinate) * zoom + shift + 0.5);
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(device) - axis.first, 0, limit);
  }

  void fill(std::int64_t x1, std::int64_t y1, std::int64_t x2, std::int64_t y2) const {
    const double half = width / 2;
    const std::int64_t left = place(x1, zoom, across, -half, output.width), right = place(x2, zoom, across, half, output.width);
    const std::int64_t top = place(y1, zoom, down, -half, output.height), bottom = place(y2, zoom, down, half, output.height);
    if (left >= right) return;
    for (std::int64_t row = top; row < bottom; ++row) std::fill(output.row(row) + left, output.row(row) + right, color);
  }
};

}  // namespace

void draw_edges(Plane<const std::uint8_t> window, std::int64_t x, std::int64_t y, double zoom, Axis across, Axis down, double width,
                std::uint32_t color, Plane<std::uint32_t> output) {
  const Bars bars{zoom, width, across, down, color, output};
  constexpr std::int64_t kNone = -1;
  std::vector<std::int64_t> begun(static_cast<std::size_t>(window.width), kNone);  // the row where an edge left of a column began
  for (std::int64_t row = 0; row < window.height; ++row) {
    const std::uint8_t* line = window.row(row);
    const std::uint8_t* above = row > 0 ? window.row(row - 1) : line;
    std::int64_t start = kNone;
    for (std::int64_t column = 0; column < window.width; ++column) {
      if ((line[column] != above[column]) != (start != kNone)) {
        if (start != kNone) bars.fill(x + start, y + row, x + column, y + row);
        start = start == kNone ? column : kNone;
      }
      std::int64_t& from = begun[static_cast<std::size_t>(column)];
      if ((column > 0 && line[column] != line[column - 1]) != (from != kNone)) {
        if (from != kNone) bars.fill(x + column, y + from, x + column, y + row);
        from = from == kNone ? row : kNone;
      }
    }
    if (start != kNone) bars.fill(x + start, y + row, x + window.width, y + row);
  }
  for (std::int64_t column = 0; column < window.width; ++column) {
    const std::int64_t from = begun[static_cast<std::size_t>(column)];
    if (from != kNone) bars.fill(x + column, y + from, x + column, y + window.height);
  }
}

}  // namespace maskwright
