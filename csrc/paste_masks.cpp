#include "paste_masks.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "simd.hpp"
#include "thread_pool.hpp"

namespace maskwright {
namespace {

// A pixel lies between cells `cell` - 1 and `cell` (counted with a cell of zeros before the first and after the last).
struct Place {
  std::int32_t cell;
  float low, high;  // weights of cell and cell + 1 in the padded row
};

Place locate(std::int64_t pixel, float from, float to, int side) {
  const float along = (static_cast<float>(pixel) + 0.5F - from) / (to - from) * 2.0F - 1.0F;
  const float position = ((along + 1.0F) * static_cast<float>(side) - 1.0F) / 2.0F;
  if (!(position > -1.0F && position < static_cast<float>(side))) return {0, 0.0F, 0.0F};
  const float low = std::floor(position);
  return {static_cast<std::int32_t>(low) + 1, 1.0F - (position - low), position - low};
}

struct Columns {
  std::vector<std::int32_t> cell;
  std::vector<float> low, high;
};

MASKWRIGHT_CLONES
void paste_row(const float* row, const std::int32_t* cell, const float* low, const float* high, std::int64_t width, float threshold,
               std::uint8_t* output) {
  for (std::int64_t x = 0; x < width; ++x) {
    output[x] = row[cell[x]] * low[x] + row[cell[x] + 1] * high[x] >= threshold;
  }
}

void paste_one(const float* mask, int side, const float* box, const Window& window, float threshold, std::uint8_t* output) {
  thread_local Columns columns;
  thread_local std::vector<float> row;
  columns.cell.resize(window.width);
  columns.low.resize(window.width);
  columns.high.resize(window.width);
  for (std::int64_t x = 0; x < window.width; ++x) {
    const Place place = locate(window.x + x, box[0], box[2], side);
    columns.cell[x] = place.cell;
    columns.low[x] = place.low;
    columns.high[x] = place.high;
  }
  row.assign(side + 2, 0.0F);
  for (std::int64_t y = 0; y < window.height; ++y, output += window.width) {
    const Place place = locate(window.y + y, box[1], box[3], side);
    const float* below = place.cell > 0 ? mask + (place.cell - 1) * side : nullptr;
    const float* above = place.cell < side ? mask + place.cell * side : nullptr;
    float most = 0.0F;
    for (int i = 0; i < side; ++i) {
      row[i + 1] = (below ? below[i] * place.low : 0.0F) + (above ? above[i] * place.high : 0.0F);
      most = std::max(most, row[i + 1]);
    }
    if (most < threshold) {
      std::fill_n(output, window.width, std::uint8_t{0});
    } else {
      paste_row(row.data(), columns.cell.data(), columns.low.data(), columns.high.data(), window.width, threshold, output);
    }
  }
}

}  // namespace

void paste_masks(std::span<const float> probabilities, int side, std::span<const float> boxes, std::span<const Window> windows,
                 float threshold, std::span<std::uint8_t> output, int threads) {
  parallel_for(windows.size(), threads, [&](std::size_t i) {
    const float* mask = probabilities.data() + i * static_cast<std::size_t>(side) * side;
    paste_one(mask, side, boxes.data() + i * 4, windows[i], threshold, output.data() + windows[i].offset);
  });
}

}  // namespace maskwright
