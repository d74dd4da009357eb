// Rows of pixels in memory that somebody else owns.
#pragma once

#include <cstdint>

namespace maskwright {

template <typename Scalar>
struct Plane {
  Scalar* data;
  std::int64_t height, width, row_stride;

  Scalar* row(std::int64_t y) const { return data + y * row_stride; }
};

}  // namespace maskwright
