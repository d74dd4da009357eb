#include "run_lengths.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

namespace maskwright {
namespace {

constexpr std::int64_t kSide = 8;  // of the squares that are transposed at once

// The next number of the text: 5 bits a character, lowest first; 0x20 says that more follow, and in the last 0x10 is the sign.
bool next_number(std::string_view text, std::size_t& at, std::int64_t& number) {
  number = 0;
  for (int shift = 0; at < text.size() && shift < 35; shift += 5) {  // no run of an image has more bits
    const int bits = text[at++] - 48;
    if (bits < 0 || bits > 63) return false;
    number |= static_cast<std::int64_t>(bits & 0x1f) << shift;
    if (bits & 0x20) continue;
    if (bits & 0x10) number -= std::int64_t{1} << (shift + 5);
    return true;
  }
  return false;
}

bool fill_columns(std::string_view text, std::int64_t size, std::uint8_t* columns) {
  std::int64_t runs[2] = {0, 0}, done = 0;  // the last runs of unset and of set pixels
  std::size_t at = 0;
  for (std::size_t i = 0; at < text.size(); ++i) {
    std::int64_t number;
    if (!next_number(text, at, number)) return false;
    std::int64_t& run = runs[i % 2];
    run = i > 2 ? run + number : number;
    if (run < 0 || run > size - done) return false;
    std::memset(columns + done, static_cast<int>(i % 2), static_cast<std::size_t>(run));
    done += run;
  }
  return done == size;
}

// A square of bytes, the rows of it one of the words each, turned about its diagonal: pairs, then squares of 2 x 2, then of 4 x 4.
void transpose_square(std::uint64_t (&rows)[kSide]) {
  const auto swap = [&](int distance, int bits, std::uint64_t mask) {
    for (int i = 0; i < kSide; ++i) {
      if (i & distance) continue;
      const std::uint64_t moved = ((rows[i] >> bits) ^ rows[i + distance]) & mask;
      rows[i] ^= moved << bits;
      rows[i + distance] ^= moved;
    }
  };
  swap(1, 8, 0x00ff00ff00ff00ff);
  swap(2, 16, 0x0000ffff0000ffff);
  swap(4, 32, 0x00000000ffffffff);
}

void transpose(const std::uint8_t* columns, Plane<std::uint8_t> output) {
  const std::int64_t height = output.height, width = output.width;
  const std::int64_t whole_height = height / kSide * kSide, whole_width = width / kSide * kSide;
  for (std::int64_t y = 0; y < whole_height; y += kSide) {
    for (std::int64_t x = 0; x < whole_width; x += kSide) {
      std::uint64_t square[kSide];
      for (int i = 0; i < kSide; ++i) std::memcpy(&square[i], columns + (x + i) * height + y, kSide);
      transpose_square(square);
      for (int i = 0; i < kSide; ++i) std::memcpy(output.row(y + i) + x, &square[i], kSide);
    }
  }
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = y < whole_height ? whole_width : 0; x < width; ++x) output.row(y)[x] = columns[x * height + y];
  }
}

bool any(const std::uint8_t* pixels, std::int64_t count) { return std::memchr(pixels, 1, static_cast<std::size_t>(count)) != nullptr; }

bool is_tight(const std::uint8_t* columns, Plane<std::uint8_t> bitmap) {
  const std::int64_t height = bitmap.height, width = bitmap.width;
  return any(columns, height) && any(columns + (width - 1) * height, height) && any(bitmap.row(0), width) && any(bitmap.row(height - 1), width);
}

}  // namespace

bool decode_runs(std::string_view text, Plane<std::uint8_t> output) {
  const std::int64_t size = output.height * output.width;
  thread_local std::vector<std::uint8_t> columns;
  columns.resize(static_cast<std::size_t>(size));
  if (!fill_columns(text, size, columns.data())) return false;
  transpose(columns.data(), output);
  const bool tight = is_tight(columns.data(), output);
  constexpr std::size_t kKept = 1 << 22;  // a mask across a huge image gives its memory back
  if (columns.size() > kKept) std::vector<std::uint8_t>().swap(columns);
  return tight;
}

}  // namespace maskwright
