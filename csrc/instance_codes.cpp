#include "instance_codes.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "resample.hpp"
#include "simd.hpp"
#include "thread_pool.hpp"

namespace maskwright {
namespace {

constexpr std::int64_t kBand = 64;  // output rows that a thread takes at once: enough to outweigh the lines that bands share

// Where dashes are gaps, by how far along the boundary a pixel lies; a division for each pixel would cost half of the frame.
class Gaps {
 public:
  Gaps(const Line& line, std::int64_t width, std::int64_t height)
      : height_(height), rising_(pattern(line.x + line.y, width + height, line.dash)),
        falling_(pattern(line.x - line.y - height, width + height, line.dash)) {}

  // Of a row's pixels from x = 0 on.
  const std::uint8_t* row(std::int64_t y, bool falling) const { return falling ? falling_.data() + height_ - y : rising_.data() + y; }

 private:
  static std::vector<std::uint8_t> pattern(std::int64_t first, std::int64_t length, std::int64_t dash) {
    std::vector<std::uint8_t> gaps(static_cast<std::size_t>(length + 1));
    std::int64_t along = first % (2 * dash) + 2 * dash;
    for (std::uint8_t& gap : gaps) gap = along++ / dash % 2 == 1;
    return gaps;
  }

  std::int64_t height_;
  std::vector<std::uint8_t> rising_, falling_;
};

// Calls visit(x) for each x from `from` to `to` where row[x] is not 0.
template <typename Visit>
void each_set(const std::uint8_t* row, std::int64_t from, std::int64_t to, const Visit& visit) {
  std::int64_t x = from;
  while (x < to) {
    std::uint64_t eight;
    if (x + 8 <= to && (std::memcpy(&eight, row + x, 8), eight == 0)) {
      x += 8;
      continue;
    }
    if (row[x] != 0) visit(x);
    ++x;
  }
}

MASKWRIGHT_CLONES void look_up(const std::uint16_t* codes, const std::uint32_t* table, std::int64_t count, std::uint32_t* colors) {
  for (std::int64_t i = 0; i < count; ++i) colors[i] = table[codes[i]];
}

MASKWRIGHT_CLONES void spread(const std::uint32_t* colors, const std::int32_t* sources, std::int64_t count, std::uint32_t* output) {
  for (std::int64_t i = 0; i < count; ++i) output[i] = colors[sources[i]];
}

// For each of `width` output columns the column of codes that covers it.
std::vector<std::int32_t> sources_of(std::span<const std::int32_t> columns, std::int64_t width) {
  std::vector<std::int32_t> sources(static_cast<std::size_t>(width));
  std::int32_t source = 0;
  for (std::int64_t x = 0; x < width; ++x) {
    while (columns[source + 1] <= x) ++source;
    sources[x] = source;
  }
  return sources;
}

// The rows [top, bottom) of the output, drawn by one thread.
struct Band {
  Plane<const std::uint16_t> codes;
  Plane<const std::uint8_t> sides;
  const std::uint32_t* table;
  std::span<const std::int32_t> columns, rows, sources;
  std::int64_t line_width;
  const Gaps& gaps;
  Plane<std::uint32_t> output;
  std::int64_t top, bottom;

  void fill(std::uint32_t* colors) const {
    const std::uint32_t* plain = table + 2 * kCodes;
    const std::uint32_t* last = nullptr;
    std::int64_t y = first_row(top);
    for (std::int64_t at = top; at < bottom; ++at) {
      std::uint32_t* target = output.row(at);
      if (rows[y + 1] <= at) {
        while (rows[y + 1] <= at) ++y;
        last = nullptr;
      }
      if (last != nullptr) {
        std::memcpy(target, last, static_cast<std::size_t>(output.width) * sizeof(std::uint32_t));
      } else {
        look_up(codes.row(y), plain, codes.width, colors);
        spread(colors, sources.data(), output.width, target);
      }
      last = target;
    }
  }

  // The lines' inner pixels, or what is outside of the masks.
  void draw(bool inner) const {
    const std::int64_t outer = line_width - 1;
    for (std::int64_t y = first_row(top - outer); y < codes.height && rows[y] - outer < bottom; ++y) {
      const std::uint8_t* row = sides.row(y);
      each_set(row, 0, codes.width, [&](std::int64_t x) { inner ? draw_inner(x, y, row[x]) : draw_outer(x, y, row[x], outer); });
    }
  }

  void draw_inner(std::int64_t x, std::int64_t y, std::uint8_t side) const {
    const std::int64_t x1 = columns[x], x2 = columns[x + 1], y1 = rows[y], y2 = rows[y + 1];
    const std::uint16_t code = codes.row(y)[x];
    if (x2 - x1 == 1 && y2 - y1 == 1) {
      paint(code, side, x1, y1, x2, y2);
      return;
    }
    if (side & kTop) paint(code, side, x1, y1, x2, y1 + 1);
    if (side & kBottom) paint(code, side, x1, y2 - 1, x2, y2);
    if (side & kLeft) paint(code, side, x1, y1, x1 + 1, y2);
    if (side & kRight) paint(code, side, x2 - 1, y1, x2, y2);
  }

  void draw_outer(std::int64_t x, std::int64_t y, std::uint8_t side, std::int64_t reach) const {
    const std::int64_t x1 = columns[x], x2 = columns[x + 1], y1 = rows[y], y2 = rows[y + 1];
    const std::uint16_t code = codes.row(y)[x];
    // Lines run on around the corner, or it would be missing.
    const std::int64_t left = side & kLeft ? x1 - reach : x1, right = side & kRight ? x2 + reach : x2;
    if (x2 - x1 == 1 && y2 - y1 == 1) {  // its inside will be painted over
      paint(code, side, left, side & kTop ? y1 - reach : y1, right, side & kBottom ? y2 + reach : y2);
      return;
    }
    if (side & kTop) paint(code, side, left, y1 - reach, right, y1);
    if (side & kBottom) paint(code, side, left, y2, right, y2 + reach);
    if (side & kLeft) paint(code, side, x1 - reach, y1, x1, y2);
    if (side & kRight) paint(code, side, x2, y1, x2 + reach, y2);
  }

  void paint(std::uint16_t code, std::uint8_t side, std::int64_t x1, std::int64_t y1, std::int64_t x2, std::int64_t y2) const {
    x1 = std::max<std::int64_t>(x1, 0), x2 = std::min(x2, output.width);
    y1 = std::max(y1, top), y2 = std::min(y2, bottom);
    const std::uint32_t dash = table[code], gap = table[kCodes + code];
    const std::int64_t width = x2 - x1;
    if (width <= 0) return;
    for (std::int64_t y = y1; y < y2; ++y) {
      std::uint32_t* target = output.row(y) + x1;
      const std::uint8_t* is_gap = gaps.row(y, side & kFalling) + x1;
      // Most are of one to three pixels: a loop that the compiler makes wide takes much longer to begin.
      switch (width) {
        case 3:
          target[2] = is_gap[2] ? gap : dash;
          [[fallthrough]];
        case 2:
          target[1] = is_gap[1] ? gap : dash;
          [[fallthrough]];
        case 1:
          target[0] = is_gap[0] ? gap : dash;
          break;
        default:
          for (std::int64_t x = 0; x < width; ++x) target[x] = is_gap[x] ? gap : dash;
      }
    }
  }

  std::int64_t first_row(std::int64_t at) const {
    const auto next = std::upper_bound(rows.begin(), rows.end(), static_cast<std::int32_t>(at));
    return std::clamp<std::int64_t>(next - rows.begin() - 1, 0, codes.height - 1);
  }
};

// The part of a placed bitmap that is on the codes, in the bitmap's own pixels.
struct Part {
  std::int64_t left, top, right, bottom;

  Part(const Placed& mask, std::int64_t height, std::int64_t width)
      : left(std::max<std::int64_t>(0, -mask.x)), top(std::max<std::int64_t>(0, -mask.y)),
        right(std::min(mask.bitmap.width, width - mask.x)), bottom(std::min(mask.bitmap.height, height - mask.y)) {}
};

// Whether all of the eight pixels from x on have set neighbours at every side; they and those around them are on the bitmap.
bool all_inside(const std::uint8_t* above, const std::uint8_t* row, const std::uint8_t* below, std::int64_t x) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  std::uint64_t a, l, r, b;
  std::memcpy(&a, above + x, 8), std::memcpy(&l, row + x - 1, 8), std::memcpy(&r, row + x + 1, 8), std::memcpy(&b, below + x, 8);
  return (a & l & r & b) == kOnes;
}

// 2 for a boundary, 1 for another instance, 0 for none.
int weight(std::uint16_t code) { return code >= kBoundary ? 2 : code != 0; }

void halve_row(const std::uint16_t* above, const std::uint16_t* below, std::int64_t width, std::uint16_t* output) {
  const std::int64_t whole = width / 2;
  for (std::int64_t x = 0; x < whole; ++x) {
    std::uint32_t one, other;
    std::memcpy(&one, above + 2 * x, 4), std::memcpy(&other, below + 2 * x, 4);
    if ((one | other) == 0) {
      output[x] = 0;
      continue;
    }
    std::uint16_t best = above[2 * x];
    for (const std::uint16_t rival : {above[2 * x + 1], below[2 * x], below[2 * x + 1]}) {
      if (weight(rival) > weight(best)) best = rival;
    }
    output[x] = best;
  }
  if (width % 2 == 1) output[whole] = weight(below[width - 1]) > weight(above[width - 1]) ? below[width - 1] : above[width - 1];
}

}  // namespace

void put_fill(Placed mask, std::uint16_t slot, Plane<std::uint16_t> codes) {
  const Part part(mask, codes.height, codes.width);
  for (std::int64_t y = part.top; y < part.bottom; ++y) {
    const std::uint8_t* row = mask.bitmap.row(y);
    std::uint16_t* target = codes.row(y + mask.y);
    for (std::int64_t x = part.left; x < part.right; ++x) target[x + mask.x] = row[x] ? slot : target[x + mask.x];
  }
}

void put_boundary(Placed mask, std::uint16_t slot, Plane<std::uint16_t> codes, Plane<std::uint8_t> sides) {
  const Part part(mask, codes.height, codes.width);
  const std::int64_t height = mask.bitmap.height, width = mask.bitmap.width;
  const std::vector<std::uint8_t> unset(static_cast<std::size_t>(width), 0);
  for (std::int64_t y = part.top; y < part.bottom; ++y) {
    const std::uint8_t* row = mask.bitmap.row(y);
    const std::uint8_t* above = y > 0 ? mask.bitmap.row(y - 1) : unset.data();
    const std::uint8_t* below = y + 1 < height ? mask.bitmap.row(y + 1) : unset.data();
    std::uint16_t* code = codes.row(y + mask.y);
    std::uint8_t* side = sides.row(y + mask.y);
    std::int64_t clear = 0;  // up to here no pixel is on the boundary
    each_set(row, part.left, part.right, [&](std::int64_t x) {
      if (x < clear) return;
      if (x > 0 && x + 9 <= width && all_inside(above, row, below, x)) {
        clear = x + 8;
        return;
      }
      int ends = (x == 0 || !row[x - 1]) * kLeft | (x + 1 == width || !row[x + 1]) * kRight | !above[x] * kTop | !below[x] * kBottom;
      if (ends == 0) return;
      if ((x < width / 2) == (y < height / 2)) ends |= kFalling;
      code[x + mask.x] = slot | kBoundary;
      side[x + mask.x] = static_cast<std::uint8_t>(ends);
    });
  }
}

void halve_codes(Plane<const std::uint16_t> codes, Plane<std::uint16_t> output, int threads) {
  const std::size_t bands = static_cast<std::size_t>((output.height + kBand - 1) / kBand);
  parallel_for(bands, threads, [&](std::size_t i) {
    const std::int64_t first = static_cast<std::int64_t>(i) * kBand;
    for (std::int64_t y = first; y < std::min(first + kBand, output.height); ++y) {
      halve_row(codes.row(2 * y), codes.row(std::min(2 * y + 1, codes.height - 1)), codes.width, output.row(y));
    }
  });
}

void color_codes(Plane<const std::uint16_t> codes, std::span<const std::uint32_t> table, std::int64_t dash, std::int64_t x, std::int64_t y,
                 Plane<std::uint32_t> output) {
  for (std::int64_t row = 0; row < codes.height; ++row) {
    const std::uint16_t* from = codes.row(row);
    std::uint32_t* to = output.row(row);
    for (std::int64_t column = 0; column < codes.width; ++column) {
      const std::uint16_t code = from[column];
      std::uint32_t color = table[code];
      if (code >= kBoundary && ((row + y) / dash + (column + x) / dash) % 2 == 1) color = table[kCodes + code];
      to[column] = color;
    }
  }
}

void draw_codes(Plane<const std::uint16_t> codes, Plane<const std::uint8_t> sides, std::span<const std::uint32_t> table,
                std::span<const std::int32_t> columns, std::span<const std::int32_t> rows, Line line, Plane<std::uint32_t> output,
                int threads) {
  const Gaps gaps(line, output.width, output.height);
  const std::vector<std::int32_t> sources = sources_of(columns, output.width);
  const std::size_t bands = static_cast<std::size_t>((output.height + kBand - 1) / kBand);
  parallel_for(bands, threads, [&](std::size_t i) {
    const std::int64_t top = static_cast<std::int64_t>(i) * kBand, bottom = std::min(top + kBand, output.height);
    // Lines are drawn over one another before the image is to shine through them, in a band that stays in the cache.
    thread_local std::vector<std::uint32_t> pixels;
    pixels.resize(static_cast<std::size_t>((bottom - top) * output.width));
    const Plane<std::uint32_t> drawn{pixels.data() - top * output.width, bottom, output.width, output.width};
    const Band band{codes, sides, table.data(), columns, rows, sources, line.width, gaps, drawn, top, bottom};
    std::vector<std::uint32_t> colors(static_cast<std::size_t>(codes.width));
    band.fill(colors.data());
    band.draw(false);
    band.draw(true);
    for (std::int64_t y = top; y < bottom; ++y) lay_over(drawn.row(y), output.row(y), output.width);
  });
}

}  // namespace maskwright
