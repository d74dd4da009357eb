#include "roi_align.hpp"

#include <algorithm>
#include <cmath>
#include <compare>
#include <cstddef>
#include <vector>

#include "simd.hpp"
#include "thread_pool.hpp"

namespace maskwright {
namespace {

// More samples along an axis than any map has pixels: keeps a box of 1e30 pixels from sampling forever.
constexpr float kMostSamples = 4096.0F;

// Bilinear sampling and averaging are separable: the samples of one bin along one axis come down to a few (offset, weight) pairs, and
// a bin is the product of its row and its column pairs. Samples that fall between the same two pixels share their pairs.
struct Tap {
  std::int64_t offset;
  float weight;
};

struct Axis {
  std::vector<Tap> taps;
  std::vector<std::int32_t> first;  // bin b owns taps first[b] up to first[b + 1]
};

struct Taps {
  Axis y, x;
};

void add_tap(Axis& axis, std::int64_t offset, float weight) {
  if (weight == 0.0F) return;
  const auto bin = axis.taps.begin() + axis.first.back();
  for (auto tap = axis.taps.end(); tap != bin && axis.taps.end() - tap < 2;) {
    --tap;
    if (tap->offset == offset) {
      tap->weight += weight;
      return;
    }
  }
  axis.taps.push_back({offset, weight});
}

void add_sample(Axis& axis, float position, std::int64_t size, std::int64_t stride, float weight) {
  if (!(position >= -1.0F && position <= static_cast<float>(size))) return;
  position = std::max(position, 0.0F);
  const auto low = static_cast<std::int64_t>(position);
  if (low >= size - 1) {
    add_tap(axis, (size - 1) * stride, weight);
    return;
  }
  const float fraction = position - static_cast<float>(low);
  add_tap(axis, low * stride, weight * (1.0F - fraction));
  add_tap(axis, (low + 1) * stride, weight * fraction);
}

// `from` and `to` in the coordinates of the map.
void fill_axis(Axis& axis, float from, float to, std::int64_t size, std::int64_t stride, const Sampling& sampling) {
  const int bins = sampling.output_size;
  float extent = to - from;
  if (!sampling.aligned) extent = std::max(extent, 1.0F);
  const float bin = extent / static_cast<float>(bins);
  int samples = sampling.sampling_ratio;
  if (samples <= 0) samples = bin > 0.0F ? static_cast<int>(std::ceil(std::min(bin, kMostSamples))) : 0;
  axis.taps.clear();
  axis.first.assign(1, 0);
  for (int b = 0; b < bins; ++b) {
    for (int i = 0; i < samples; ++i) {
      const float step = (static_cast<float>(i) + 0.5F) * bin / static_cast<float>(samples);
      add_sample(axis, from + static_cast<float>(b) * bin + step, size, stride, 1.0F / static_cast<float>(samples));
    }
    axis.first.push_back(static_cast<std::int32_t>(axis.taps.size()));
  }
}

template <typename Float>
void fill_taps(Taps& taps, const float* box, const FeatureMap<Float>& map, const Sampling& sampling) {
  const float shift = sampling.aligned ? 0.5F : 0.0F;
  const float scale = map.scale;
  fill_axis(taps.x, box[0] * scale - shift, box[2] * scale - shift, map.width, map.column_stride, sampling);
  fill_axis(taps.y, box[1] * scale - shift, box[3] * scale - shift, map.height, map.row_stride, sampling);
}

// One bin of `Blocks` x 16 adjoining channels, kept in registers over all taps.
template <int Blocks>
MASKWRIGHT_INLINE void gather(const float* source, const Taps& taps, int row, int column, Lanes* target) {
  Lanes sum[Blocks] = {};
  for (int y = taps.y.first[row]; y < taps.y.first[row + 1]; ++y) {
    const Tap vertical = taps.y.taps[y];
    for (int x = taps.x.first[column]; x < taps.x.first[column + 1]; ++x) {
      const Tap horizontal = taps.x.taps[x];
      const float weight = vertical.weight * horizontal.weight;
      const Lanes* pixel = reinterpret_cast<const Lanes*>(source + vertical.offset + horizontal.offset);
      for (int i = 0; i < Blocks; ++i) sum[i] += weight * pixel[i];
    }
  }
  for (int i = 0; i < Blocks; ++i) target[i] = sum[i];
}

// Channels from..from + Blocks * 16 of one RoI. Where the output wants bins innermost, a tile that stays in the cache is turned over.
template <int Blocks>
MASKWRIGHT_INLINE void gather_bins(const float* source, const Taps& taps, int size, const Output& output, float* tile) {
  constexpr int width = Blocks * kLanes;
  const bool direct = output.channel_stride == 1;
  for (int row = 0; row < size; ++row) {
    for (int column = 0; column < size; ++column) {
      const int bin = row * size + column;
      float* target = direct ? output.data + bin * output.bin_stride : tile + bin * width;
      gather<Blocks>(source, taps, row, column, reinterpret_cast<Lanes*>(target));
    }
  }
  if (direct) return;
  for (int channel = 0; channel < width; ++channel) {
    float* target = output.data + channel * output.channel_stride;
    for (int bin = 0; bin < size * size; ++bin) target[bin * output.bin_stride] = tile[bin * width + channel];
  }
}

void gather_planar(const float* source, std::int64_t channel_stride, std::int64_t channels, const Taps& taps, int size,
                   const Output& output) {
  for (std::int64_t channel = 0; channel < channels; ++channel) {
    const float* plane = source + channel * channel_stride;
    float* target = output.data + channel * output.channel_stride;
    for (int row = 0; row < size; ++row) {
      for (int column = 0; column < size; ++column) {
        float sum = 0.0F;
        for (int y = taps.y.first[row]; y < taps.y.first[row + 1]; ++y) {
          const float* line = plane + taps.y.taps[y].offset;
          float part = 0.0F;
          for (int x = taps.x.first[column]; x < taps.x.first[column + 1]; ++x) {
            part += taps.x.taps[x].weight * line[taps.x.taps[x].offset];
          }
          sum += taps.y.taps[y].weight * part;
        }
        target[(row * size + column) * output.bin_stride] = sum;
      }
    }
  }
}

MASKWRIGHT_CLONES
void gather_channels_last(const float* source, std::int64_t channels, const Taps& taps, int size, Output output, float* tile) {
  std::int64_t channel = 0;
  const auto at = [&](std::int64_t c) { return Output{output.data + c * output.channel_stride, 0, output.channel_stride, output.bin_stride}; };
  for (; channel + 16 * kLanes <= channels; channel += 16 * kLanes) {
    gather_bins<16>(source + channel, taps, size, at(channel), tile);
  }
  for (; channel + 4 * kLanes <= channels; channel += 4 * kLanes) {
    gather_bins<4>(source + channel, taps, size, at(channel), tile);
  }
  for (; channel + kLanes <= channels; channel += kLanes) gather_bins<1>(source + channel, taps, size, at(channel), tile);
  if (channel < channels) gather_planar(source + channel, 1, channels - channel, taps, size, at(channel));
}

// Adds one RoI's gradient to channels [0, count) of one image; count is at most kChannelsPerTask.
MASKWRIGHT_CLONES
void scatter(const float* upstream, std::int64_t channels, std::int64_t count, const Taps& taps, int size, float* gradient) {
  for (int row = 0; row < size; ++row) {
    for (int column = 0; column < size; ++column, upstream += channels) {
      for (int y = taps.y.first[row]; y < taps.y.first[row + 1]; ++y) {
        for (int x = taps.x.first[column]; x < taps.x.first[column + 1]; ++x) {
          const float weight = taps.y.taps[y].weight * taps.x.taps[x].weight;
          float* pixel = gradient + taps.y.taps[y].offset + taps.x.taps[x].offset;
          for (std::int64_t c = 0; c < count; ++c) pixel[c] += weight * upstream[c];
        }
      }
    }
  }
}

// Two cache lines of channels: enough tasks for many threads, and no two of them write to one line.
constexpr std::int64_t kChannelsPerTask = 32;

// RoIs that lie close together one after another, so that what one reads is still in the cache for the next: bands of 32 rows of a
// map's grid, from left to right. On feature maps larger than the cache, memory is what RoIAlign waits for.
std::vector<std::size_t> reading_order(const RoIs& rois, std::span<const FeatureMap<const float>> levels) {
  constexpr float kBand = 32.0F;
  struct Place {
    std::int64_t level, image;
    float band, x;
    std::size_t roi;
    auto operator<=>(const Place&) const = default;
  };
  std::vector<Place> places(rois.level.size());
  for (std::size_t roi = 0; roi < places.size(); ++roi) {
    const float* box = rois.boxes.data() + roi * 4;
    const std::int64_t level = rois.level[roi];
    // A box that is not finite reads nothing, wherever it stands in the order.
    const bool finite = std::isfinite(box[0] + box[1]);
    const float band = finite ? std::floor(box[1] * levels[level].scale / kBand) : 0.0F;
    places[roi] = {level, rois.image_index[roi], band, finite ? box[0] : 0.0F, roi};
  }
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) { return std::is_lt(a <=> b); });
  std::vector<std::size_t> order;
  order.reserve(places.size());
  for (const Place& place : places) order.push_back(place.roi);
  return order;
}

}  // namespace

void roi_align_forward(std::span<const FeatureMap<const float>> levels, std::int64_t channels, const RoIs& rois,
                       const Sampling& sampling, const Output& output, int threads) {
  const int size = sampling.output_size;
  const std::vector<std::size_t> order = reading_order(rois, levels);
  parallel_for(order.size(), threads, [&](std::size_t turn) {
    const std::size_t roi = order[turn];
    thread_local Taps taps;
    thread_local std::vector<float> tile;
    tile.resize(static_cast<std::size_t>(size) * size * 16 * kLanes);
    const auto& map = levels[rois.level[roi]];
    fill_taps(taps, rois.boxes.data() + roi * 4, map, sampling);
    const float* source = map.data + rois.image_index[roi] * map.image_stride;
    Output target = output;
    target.data += static_cast<std::int64_t>(roi) * output.roi_stride;
    if (map.channel_stride == 1) {
      gather_channels_last(source, channels, taps, size, target, tile.data());
    } else {
      gather_planar(source, map.channel_stride, channels, taps, size, target);
    }
  });
}

void roi_align_backward(std::span<const float> upstream, std::int64_t images, std::int64_t channels, const RoIs& rois,
                        const Sampling& sampling, std::span<const FeatureMap<float>> gradients, int threads) {
  const std::size_t count = rois.level.size();
  std::vector<Taps> taps(count);
  parallel_for(count, threads, [&](std::size_t roi) {
    fill_taps(taps[roi], rois.boxes.data() + roi * 4, gradients[rois.level[roi]], sampling);
  });
  std::vector<std::vector<std::size_t>> members(gradients.size() * static_cast<std::size_t>(images));
  for (std::size_t roi = 0; roi < count; ++roi) members[rois.level[roi] * images + rois.image_index[roi]].push_back(roi);

  const int size = sampling.output_size;
  const std::int64_t per_roi = channels * size * size;
  const auto blocks = static_cast<std::size_t>((channels + kChannelsPerTask - 1) / kChannelsPerTask);
  parallel_for(members.size() * blocks, threads, [&](std::size_t task) {
    const std::size_t group = task / blocks;
    const auto channel = static_cast<std::int64_t>(task % blocks) * kChannelsPerTask;
    const auto& map = gradients[group / static_cast<std::size_t>(images)];
    float* gradient = map.data + static_cast<std::int64_t>(group % static_cast<std::size_t>(images)) * map.image_stride + channel;
    for (const std::size_t roi : members[group]) {
      scatter(upstream.data() + static_cast<std::int64_t>(roi) * per_roi + channel, channels,
              std::min(kChannelsPerTask, channels - channel), taps[roi], size, gradient);
    }
  });
}

}  // namespace maskwright
