#include "instance_codes.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <tuple>
#include <type_traits>
#include <vector>

#include "resample.hpp"
#include "simd.hpp"
#include "thread_pool.hpp"

namespace maskwright {
namespace {

constexpr std::int64_t kTile = 1 << 18;  // codes that stay in a processor's cache while masks are put onto them
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

// The boundary pixels of a row of codes, by the side across which their instance ends there.
class Edges {
 public:
  explicit Edges(std::int64_t width) {
    for (std::vector<std::int32_t>& list : lists_) list.resize(static_cast<std::size_t>(width + 1));
  }

  // Without a branch for each pixel and side: what they are cannot be foretold, and a wrong guess costs more than all of this.
  void find(const std::uint8_t* row, std::int64_t width) {
    std::int32_t* ends[4] = {lists_[0].data(), lists_[1].data(), lists_[2].data(), lists_[3].data()};
    for (std::int64_t first = 0; first < width; first += kBlock) {
      const std::uint8_t* block = row + first;
      std::uint8_t last[kBlock] = {};
      if (first + kBlock > width) block = std::copy(block, row + width, last) - (width - first);
      for (std::uint64_t set = which_are_set(block); set != 0; set &= set - 1) {
        const int i = std::countr_zero(set);
        for (int k = 0; k < 4; ++k) {
          *ends[k] = static_cast<std::int32_t>(first + i);
          ends[k] += block[i] >> k & 1;
        }
      }
    }
    for (std::size_t k = 0; k < 4; ++k) counts_[k] = static_cast<std::size_t>(ends[k] - lists_[k].data());
  }

  std::span<const std::int32_t> across(Sides side) const {
    const auto k = static_cast<std::size_t>(std::countr_zero(static_cast<unsigned>(side)));
    return {lists_[k].data(), counts_[k]};
  }

 private:
  static constexpr std::int64_t kBlock = 64;

  // A bit for each pixel of a block.
  static std::uint64_t which_are_set(const std::uint8_t* block) {
    constexpr std::uint64_t kLow = 0x0f0f0f0f0f0f0f0f, kHigh = 0x1010101010101010, kGather = 0x0102040810204080;
    std::uint64_t set = 0;
    for (std::int64_t x = 0; x < kBlock; x += 8) {
      std::uint64_t eight;
      std::memcpy(&eight, block + x, 8);
      // A byte's carry says that one of its sides is set; the product moves the eight carries next to one another.
      eight = ((((eight & kLow) + kLow) & kHigh) >> 4) * kGather >> 56;
      set |= eight << x;
    }
    return set;
  }

  std::array<std::vector<std::int32_t>, 4> lists_;  // of kLeft, kRight, kTop, kBottom
  std::array<std::size_t, 4> counts_{};
};

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
    const bool one_to_one = sources.back() - sources.front() + 1 == output.width;
    std::int64_t y = first_row(top);
    for (std::int64_t at = top; at < bottom; ++at) {
      std::uint32_t* target = output.row(at);
      if (rows[y + 1] <= at) {
        while (rows[y + 1] <= at) ++y;
        last = nullptr;
      }
      if (last != nullptr) {
        std::memcpy(target, last, static_cast<std::size_t>(output.width) * sizeof(std::uint32_t));
      } else if (one_to_one) {
        look_up(codes.row(y) + sources.front(), plain, output.width, target);
      } else {
        look_up(codes.row(y), plain, codes.width, colors);
        spread(colors, sources.data(), output.width, target);
      }
      last = target;
    }
  }

  // The lines inside of a row's masks follow when all those are drawn that come from outside and reach it.
  void draw_lines() const {
    const std::int64_t reach = line_width - 1, first = first_row(top - reach);
    std::vector<Edges> edges(static_cast<std::size_t>(line_width), Edges(codes.width));
    const auto of = [&](std::int64_t y) -> Edges& { return edges[static_cast<std::size_t>((y - first) % line_width)]; };
    std::int64_t y = first;
    for (; y < codes.height && rows[y] - reach < bottom; ++y) {
      of(y).find(sides.row(y), codes.width);
      draw_outer(of(y), y, reach);
      if (y - reach >= first) draw_inner(of(y - reach), y - reach);
    }
    for (std::int64_t rest = std::max(first, y - reach); rest < y; ++rest) draw_inner(of(rest), rest);
  }

  void draw_inner(const Edges& edges, std::int64_t y) const {
    const std::int64_t y1 = rows[y], y2 = rows[y + 1];
    for (const std::int32_t x : edges.across(kTop)) paint(x, y, columns[x], y1, columns[x + 1], y1 + 1);
    for (const std::int32_t x : edges.across(kBottom)) paint(x, y, columns[x], y2 - 1, columns[x + 1], y2);
    for (const std::int32_t x : edges.across(kRight)) paint(x, y, columns[x + 1] - 1, y1, columns[x + 1], y2);
    for (const std::int32_t x : edges.across(kLeft)) paint(x, y, columns[x], y1, columns[x] + 1, y2);
  }

  // Right before left, so that where the lines of one row meet the later code is on top.
  void draw_outer(const Edges& edges, std::int64_t y, std::int64_t reach) const {
    const std::int64_t y1 = rows[y], y2 = rows[y + 1];
    const std::uint8_t* side = sides.row(y);
    // Lines run on around the corner, or it would be missing.
    const auto left = [&](std::int64_t x) { return columns[x] - (side[x] & kLeft ? reach : 0); };
    const auto right = [&](std::int64_t x) { return columns[x + 1] + (side[x] & kRight ? reach : 0); };
    for (const std::int32_t x : edges.across(kTop)) paint(x, y, left(x), y1 - reach, right(x), y1);
    for (const std::int32_t x : edges.across(kBottom)) paint(x, y, left(x), y2, right(x), y2 + reach);
    for (const std::int32_t x : edges.across(kRight)) paint(x, y, columns[x + 1], y1, columns[x + 1] + reach, y2);
    for (const std::int32_t x : edges.across(kLeft)) paint(x, y, columns[x] - reach, y1, columns[x], y2);
  }

  // A line's part of the pixel (x, y) of the codes.
  MASKWRIGHT_INLINE void paint(std::int64_t x, std::int64_t y, std::int64_t x1, std::int64_t y1, std::int64_t x2, std::int64_t y2) const {
    x1 = std::max<std::int64_t>(x1, 0), x2 = std::min(x2, output.width);
    y1 = std::max(y1, top), y2 = std::min(y2, bottom);
    const std::int64_t width = x2 - x1;
    if (width <= 0) return;
    const std::uint16_t code = codes.row(y)[x];
    const std::uint32_t colors[2] = {table[code], table[kCodes + code]};
    const bool falling = sides.row(y)[x] & kFalling;
    for (std::int64_t at = y1; at < y2; ++at) {
      std::uint32_t* target = output.row(at) + x1;
      const std::uint8_t* is_gap = gaps.row(at, falling) + x1;
      // Most are of one to four pixels: writing some twice is faster than to branch by how many.
      const std::int64_t second = std::min<std::int64_t>(width - 1, 1), third = std::min<std::int64_t>(width - 1, 2);
      target[0] = colors[is_gap[0]];
      target[second] = colors[is_gap[second]];
      target[third] = colors[is_gap[third]];
      for (std::int64_t i = 3; i < width; ++i) target[i] = colors[is_gap[i]];
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

constexpr std::int64_t kChunk = 16;  // pixels of a row of a mask that are worked on at once; most rows are short

// Calls visit(first, count) for chunks of a row: kChunk as a constant, which makes one instruction of many, then each pixel left.
template <typename Visit>
MASKWRIGHT_INLINE void in_chunks(std::int64_t count, const Visit& visit) {
  std::int64_t x = 0;
  for (; x + kChunk <= count; x += kChunk) visit(x, std::integral_constant<std::int64_t, kChunk>());
  for (; x < count; ++x) visit(x, std::integral_constant<std::int64_t, 1>());
}

MASKWRIGHT_CLONES void fill_row(const std::uint8_t* __restrict row, std::uint16_t slot, std::int64_t count, std::uint16_t* __restrict codes) {
  in_chunks(count, [=](std::int64_t first, auto size) {
    for (std::int64_t x = first; x < first + size; ++x) codes[x] = row[x] ? slot : codes[x];
  });
}

// Across which sides the set pixels of a row have an unset one; 0 where they have none. The rows go on for a pixel at either end.
MASKWRIGHT_CLONES void find_ends(const std::uint8_t* above, const std::uint8_t* row, const std::uint8_t* below, std::int64_t count,
                                 std::uint8_t* __restrict ends) {
  in_chunks(count, [=](std::int64_t first, auto size) {
    for (std::int64_t x = first; x < first + size; ++x) {
      const int outside = (row[x - 1] ^ 1) * kLeft | (row[x + 1] ^ 1) * kRight | (above[x] ^ 1) * kTop | (below[x] ^ 1) * kBottom;
      ends[x] = static_cast<std::uint8_t>(row[x] ? outside : 0);
    }
  });
}

void put_ends(const std::uint8_t* ends, int code, int dashes, std::int64_t count, std::uint16_t* codes, std::uint8_t* sides) {
  const auto put = [=](std::int64_t x) {
    codes[x] = ends[x] ? static_cast<std::uint16_t>(code) : codes[x];
    sides[x] = ends[x] ? static_cast<std::uint8_t>(ends[x] | dashes) : sides[x];
  };
  std::int64_t x = 0;
  for (; x + 8 <= count; x += 8) {
    std::uint64_t eight;
    std::memcpy(&eight, ends + x, 8);
    if (eight == 0) continue;
    for (int i = 0; i < 8; ++i) put(x + i);
  }
  for (; x < count; ++x) put(x);
}

void put_fill(const Placed& mask, Plane<std::uint16_t> codes) {
  const Part part(mask, codes.height, codes.width);
  for (std::int64_t y = part.top; y < part.bottom; ++y) {
    fill_row(mask.bitmap.row(y) + part.left, mask.slot, part.right - part.left, codes.row(y + mask.y) + part.left + mask.x);
  }
}

void put_boundary(const Placed& mask, Plane<std::uint16_t> codes, Plane<std::uint8_t> sides) {
  const Part part(mask, codes.height, codes.width);
  const std::int64_t height = mask.bitmap.height, width = mask.bitmap.width;
  if (part.left >= part.right) return;
  // Three rows between unset pixels, so that each pixel has four neighbours.
  std::vector<std::uint8_t> padded(static_cast<std::size_t>(3 * (width + 2)), 0), ends(static_cast<std::size_t>(width));
  const auto row = [&](std::int64_t y) { return padded.data() + (y + 3) % 3 * (width + 2) + 1; };
  const auto load = [&](std::int64_t y) {
    if (y >= 0 && y < height) {
      std::memcpy(row(y), mask.bitmap.row(y), static_cast<std::size_t>(width));
    } else {
      std::memset(row(y), 0, static_cast<std::size_t>(width));
    }
  };
  load(part.top - 1), load(part.top);
  for (std::int64_t y = part.top; y < part.bottom; ++y) {
    load(y + 1);
    find_ends(row(y - 1), row(y), row(y + 1), width, ends.data());
    for (const auto& [from, to, dashes] : {std::tuple{std::int64_t{0}, width / 2, y < height / 2 ? kFalling : 0},
                                           std::tuple{width / 2, width, y < height / 2 ? 0 : kFalling}}) {
      const std::int64_t left = std::max(from, part.left), right = std::min(to, part.right);
      if (left >= right) continue;
      put_ends(ends.data() + left, mask.slot | kBoundary, dashes, right - left, codes.row(y + mask.y) + left + mask.x,
               sides.row(y + mask.y) + left + mask.x);
    }
  }
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

void put_codes(std::span<const Placed> masks, Plane<std::uint16_t> codes, Plane<std::uint8_t> sides, int threads) {
  // Masks lie all over the image: without tiles every row of each would be fetched from memory.
  const std::int64_t rows = std::max<std::int64_t>(kTile / std::max<std::int64_t>(codes.width, 1), 1);
  const std::size_t tiles = static_cast<std::size_t>((codes.height + rows - 1) / rows);
  parallel_for(tiles, threads, [&](std::size_t i) {
    const std::int64_t top = static_cast<std::int64_t>(i) * rows, height = std::min(rows, codes.height - top);
    const Plane<std::uint16_t> tile{codes.row(top), height, codes.width, codes.row_stride};
    const Plane<std::uint8_t> ends{sides.row(top), height, sides.width, sides.row_stride};
    std::vector<Placed> here;
    for (Placed mask : masks) {
      mask.y -= top;
      if (mask.y < height && mask.y + mask.bitmap.height > 0) here.push_back(mask);
    }
    for (const Placed& mask : here) put_fill(mask, tile);
    for (const Placed& mask : here) put_boundary(mask, tile, ends);
  });
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
    band.draw_lines();
    for (std::int64_t y = top; y < bottom; ++y) lay_over(drawn.row(y), output.row(y), output.width);
  });
}

}  // namespace maskwright
