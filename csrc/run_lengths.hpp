// COCO's compressed run lengths (pycocotools, `maskApi.c`) as bitmaps.
#pragma once

#include <cstdint>
#include <string_view>

#include "plane.hpp"

namespace maskwright {

// Writes 0 and 1: runs in column order, the first of unset pixels. False where the text is no encoding of a bitmap of that size with
// a set pixel in each of its border rows and columns; what is written then means nothing.
bool decode_runs(std::string_view text, Plane<std::uint8_t> output);

}  // namespace maskwright
