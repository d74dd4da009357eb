// The canvas's instance codes as colours.
//
// A code is the slot of the instance on top at an image pixel, 0 for none, with kBoundary where the pixel is on that instance's
// boundary. `Sides` says across which sides of such a pixel the instance ends. Colours are premultiplied 0xAARRGGBB; a table holds
// three for each code: as a dash, as a gap between dashes, and without boundaries.
//
// Pixel convention: image pixel (x, y) covers the device pixels [columns[x], columns[x + 1]) x [rows[y], rows[y + 1]).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "plane.hpp"

namespace maskwright {

inline constexpr std::uint16_t kBoundary = 0x8000;
inline constexpr std::size_t kCodes = 1 << 16;

// Bits of a side: where the instance ends, and whether its dashes follow x - y along the boundary rather than x + y.
enum Sides : std::uint8_t { kLeft = 1, kRight = 2, kTop = 4, kBottom = 8, kFalling = 16 };

struct Line {
  std::int64_t width, dash;  // device pixels; one of the width lies inside of the mask, the others outside
  std::int64_t x, y;         // of the first output pixel, counted from image point (0, 0), so that dashes move with the image
};

// A mask's bitmap on the codes, of whose first pixel its own first lies at (x, y), of any sign: what is outside is left out.
struct Placed {
  Plane<const std::uint8_t> bitmap;  // 0 or 1
  std::int64_t x, y;
  std::uint16_t slot;
};

// Codes become the slots where masks are set, the last one's where there are several; then codes and sides become those of the masks'
// boundaries: their set pixels with an unset one above, below, left or right, all beyond a bitmap being unset. Dashes follow x - y in
// the quarters top left and bottom right of a bitmap.
void put_codes(std::span<const Placed> masks, Plane<std::uint16_t> codes, Plane<std::uint8_t> sides, int threads);

// Codes of half the size, rounded up: of each 2 x 2 the first boundary, else the first instance.
void halve_codes(Plane<const std::uint16_t> codes, Plane<std::uint16_t> output, int threads);

// Every code's colour, boundaries in dashes of `dash` pixels; the first code lies at (x, y).
void color_codes(Plane<const std::uint16_t> codes, std::span<const std::uint32_t> table, std::int64_t dash, std::int64_t x, std::int64_t y,
                 Plane<std::uint32_t> output);

// Codes enlarged, boundaries drawn as lines along the pixels' edges. `columns` and `rows` (one more than there are codes) ascend
// by at least 1 and may reach beyond the output, whose first pixel is 0. Where lines meet, the pixel of an instance's own inner line
// wins, then the later code. What an output pixel becomes hangs on its place alone, not on how much is drawn at once. The colours are
// laid over what the output holds.
void draw_codes(Plane<const std::uint16_t> codes, Plane<const std::uint8_t> sides, std::span<const std::uint32_t> table,
                std::span<const std::int32_t> columns, std::span<const std::int32_t> rows, Line line, Plane<std::uint32_t> output,
                int threads);

}  // namespace maskwright
