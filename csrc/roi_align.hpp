// RoIAlign (He et al. 2017, "Mask R-CNN", section 3) over the levels of a feature pyramid, forward and backward.
//
// Pixel convention: boxes are x1 y1 x2 y2 in network coordinates, continuous, with pixel centres at +0.5. `scale` maps them to a
// level's grid. With `aligned` half a pixel is subtracted there, so that a sample at a pixel's centre reads exactly that pixel;
// without, the box is used as it is and made at least one pixel wide and high, which is half a pixel off but is what older
// checkpoints were trained with. A bin averages sampling_ratio x sampling_ratio bilinear samples, or ceil(box / bins) of them per
// axis when sampling_ratio is 0. Samples more than a pixel outside the map are zero. Numerics are those of torchvision.
#pragma once

#include <cstdint>
#include <span>

namespace maskwright {

// One level: (images, channels, height, width) float32 with any strides, counted in elements. Channels are read fastest when their
// stride is 1 (channels-last).
template <typename Float>
struct FeatureMap {
  Float* data;
  std::int64_t height, width;
  std::int64_t image_stride, channel_stride, row_stride, column_stride;
  float scale;
};

struct RoIs {
  std::span<const float> boxes;                // 4 each
  std::span<const std::int64_t> image_index;   // checked to lie within the maps
  std::span<const std::int64_t> level;         // checked to lie within the levels
};

struct Sampling {
  int output_size;
  int sampling_ratio;
  bool aligned;
};

// (n, channels, s, s) with bins of a row adjoining rows: s * bin_stride from one row of bins to the next.
struct Output {
  float* data;
  std::int64_t roi_stride, channel_stride, bin_stride;
};

// Threads share out the RoIs.
void roi_align_forward(std::span<const FeatureMap<const float>> levels, std::int64_t channels, const RoIs& rois,
                       const Sampling& sampling, const Output& output, int threads);

// Adds to `gradients`, channels-last maps that the caller zeroed; `upstream` is (n, s, s, channels) dense. Threads share out levels,
// images and channels, and each adds the RoIs in their order: the sums are the same bit by bit with any number of threads.
void roi_align_backward(std::span<const float> upstream, std::int64_t images, std::int64_t channels, const RoIs& rois,
                        const Sampling& sampling, std::span<const FeatureMap<float>> gradients, int threads);

}  // namespace maskwright
