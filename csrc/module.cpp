// engine._kernels: checks shapes, takes pointers, lets go of the GIL, calls the kernel. Nothing is computed here.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "instance_codes.hpp"
#include "mask_edges.hpp"
#include "paste_masks.hpp"
#include "resample.hpp"
#include "roi_align.hpp"
#include "run_lengths.hpp"
#include "thread_pool.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

template <typename Scalar, int Dimensions>
using Strided = nb::ndarray<Scalar, nb::ndim<Dimensions>, nb::device::cpu>;
template <typename Scalar, int Dimensions>
using Dense = nb::ndarray<Scalar, nb::ndim<Dimensions>, nb::device::cpu, nb::c_contig>;

void require(bool condition, const char* message) {
  if (!condition) throw std::invalid_argument(message);
}

template <typename Array>
auto span_of(const Array& array) {
  return std::span(array.data(), array.size());
}

template <typename Scalar>
std::vector<maskwright::FeatureMap<Scalar>> maps_of(const std::vector<Strided<Scalar, 4>>& levels, const std::vector<float>& scales) {
  require(!levels.empty() && levels.size() == scales.size(), "give at least one level, and one scale for each");
  std::vector<maskwright::FeatureMap<Scalar>> maps;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const auto& level = levels[i];
    require(level.shape(0) == levels[0].shape(0) && level.shape(1) == levels[0].shape(1),
            "every level holds the same images and channels");
    require(level.shape(2) > 0 && level.shape(3) > 0, "a level has no pixels");
    maps.push_back({level.data(), static_cast<std::int64_t>(level.shape(2)), static_cast<std::int64_t>(level.shape(3)), level.stride(0),
                    level.stride(1), level.stride(2), level.stride(3), scales[i]});
  }
  return maps;
}

void require_within(std::span<const std::int64_t> indices, std::size_t size, const char* message) {
  for (const std::int64_t index : indices) require(index >= 0 && static_cast<std::size_t>(index) < size, message);
}

maskwright::RoIs rois_of(const Dense<const float, 2>& boxes, const Dense<const std::int64_t, 1>& image_index,
                         const Dense<const std::int64_t, 1>& level, std::size_t images, std::size_t levels) {
  require(boxes.shape(1) == 4, "boxes are (n, 4)");
  require(image_index.size() == boxes.shape(0) && level.size() == boxes.shape(0), "give an image and a level for each box");
  require_within(span_of(image_index), images, "image_index names an image that is not in the batch");
  require_within(span_of(level), levels, "level names a level that was not given");
  return {span_of(boxes), span_of(image_index), span_of(level)};
}

void roi_align_forward(const std::vector<Strided<const float, 4>>& features, const std::vector<float>& scales,
                       const Dense<const float, 2>& boxes, const Dense<const std::int64_t, 1>& image_index,
                       const Dense<const std::int64_t, 1>& level, Strided<float, 4> output, int sampling_ratio, bool aligned, int threads) {
  const auto maps = maps_of(features, scales);
  const auto rois = rois_of(boxes, image_index, level, features[0].shape(0), maps.size());
  const std::size_t channels = features[0].shape(1);
  const std::size_t size = output.shape(2);
  require(output.shape(0) == boxes.shape(0) && output.shape(1) == channels && output.shape(3) == size, "output is (n, channels, s, s)");
  require(size < 2 || output.stride(2) == static_cast<std::int64_t>(size) * output.stride(3), "output's rows do not adjoin");
  const maskwright::Sampling sampling{static_cast<int>(size), sampling_ratio, aligned};
  const maskwright::Output target{output.data(), output.stride(0), output.stride(1), output.stride(3)};
  nb::gil_scoped_release release;
  maskwright::roi_align_forward(maps, static_cast<std::int64_t>(channels), rois, sampling, target, threads);
}

void roi_align_backward(const Dense<const float, 4>& upstream, const std::vector<float>& scales, const Dense<const float, 2>& boxes,
                        const Dense<const std::int64_t, 1>& image_index, const Dense<const std::int64_t, 1>& level,
                        const std::vector<Strided<float, 4>>& gradients, int sampling_ratio, bool aligned, int threads) {
  const auto maps = maps_of(gradients, scales);
  const auto images = gradients[0].shape(0);
  const auto channels = gradients[0].shape(1);
  const auto rois = rois_of(boxes, image_index, level, images, maps.size());
  for (const auto& map : maps) require(map.channel_stride == 1 || channels == 1, "gradients are channels-last");
  require(upstream.shape(0) == boxes.shape(0) && upstream.shape(1) == upstream.shape(2) && upstream.shape(3) == channels,
          "upstream is (n, s, s, channels)");
  const maskwright::Sampling sampling{static_cast<int>(upstream.shape(1)), sampling_ratio, aligned};
  nb::gil_scoped_release release;
  maskwright::roi_align_backward(span_of(upstream), static_cast<std::int64_t>(images), static_cast<std::int64_t>(channels), rois, sampling,
                                 maps, threads);
}

void paste_masks(const Dense<const float, 3>& probabilities, const Dense<const float, 2>& boxes, const Dense<const std::int64_t, 2>& windows,
                 Dense<std::uint8_t, 1> output, float threshold, int threads) {
  const std::size_t count = probabilities.shape(0);
  const std::size_t side = probabilities.shape(1);
  require(probabilities.shape(2) == side && side > 0, "probabilities are (n, m, m)");
  require(boxes.shape(0) == count && boxes.shape(1) == 4, "boxes are (n, 4)");
  require(windows.shape(0) == count && windows.shape(1) == 4, "windows are (n, 4)");
  std::vector<maskwright::Window> places;
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t* window = windows.data() + i * 4;
    require(window[2] >= 0 && window[3] >= 0, "a window is negative");
    places.push_back({window[0], window[1], window[2], window[3], offset});
    offset += window[2] * window[3];
  }
  require(static_cast<std::size_t>(offset) == output.size(), "output holds the windows one after another");
  nb::gil_scoped_release release;
  maskwright::paste_masks(span_of(probabilities), static_cast<int>(side), span_of(boxes), places, threshold, span_of(output), threads);
}

template <typename Scalar>
maskwright::Plane<Scalar> plane_of(const Strided<Scalar, 2>& array) {
  require(array.shape(1) < 2 || array.stride(1) == 1, "the pixels of a row do not adjoin");
  return {array.data(), static_cast<std::int64_t>(array.shape(0)), static_cast<std::int64_t>(array.shape(1)), array.stride(0)};
}

template <typename One, typename Other>
bool same_size(const Strided<One, 2>& one, const Strided<Other, 2>& other) {
  return one.shape(0) == other.shape(0) && one.shape(1) == other.shape(1);
}

void color_codes(const Strided<const std::uint16_t, 2>& codes, const Dense<const std::uint32_t, 2>& table, std::int64_t dash, std::int64_t x,
                 std::int64_t y, Strided<std::uint32_t, 2> output) {
  require(table.shape(0) == 3 && table.shape(1) == maskwright::kCodes, "table is (3, 65536)");
  require(same_size(codes, output), "output has a pixel for each code");
  require(dash > 0 && x >= 0 && y >= 0, "a dash has a length, and codes begin on the image");
  const auto from = plane_of(codes);
  const auto to = plane_of(output);
  nb::gil_scoped_release release;
  maskwright::color_codes(from, span_of(table), dash, x, y, to);
}

void put_codes(const std::vector<Strided<const bool, 2>>& bitmaps, const Dense<const std::int64_t, 2>& places,
               Strided<std::uint16_t, 2> codes, Strided<std::uint8_t, 2> sides, int threads) {
  require(places.shape(0) == bitmaps.size() && places.shape(1) == 3, "places are x, y and slot of each bitmap");
  require(same_size(codes, sides), "give the sides of each code");
  std::vector<maskwright::Placed> masks;
  for (std::size_t i = 0; i < bitmaps.size(); ++i) {
    const std::int64_t* place = places.data() + 3 * i;
    require(0 < place[2] && place[2] < maskwright::kBoundary, "a slot is a code that is not a boundary's");
    const auto bitmap = plane_of(bitmaps[i]);
    const auto* pixels = reinterpret_cast<const std::uint8_t*>(bitmap.data);
    masks.push_back({{pixels, bitmap.height, bitmap.width, bitmap.row_stride}, place[0], place[1], static_cast<std::uint16_t>(place[2])});
  }
  const auto to = plane_of(codes);
  const auto ends = plane_of(sides);
  nb::gil_scoped_release release;
  maskwright::put_codes(masks, to, ends, threads);
}

void halve_codes(const Strided<const std::uint16_t, 2>& codes, Strided<std::uint16_t, 2> output, int threads) {
  require(output.shape(0) == (codes.shape(0) + 1) / 2 && output.shape(1) == (codes.shape(1) + 1) / 2, "output is half as large, rounded up");
  const auto from = plane_of(codes);
  const auto to = plane_of(output);
  nb::gil_scoped_release release;
  maskwright::halve_codes(from, to, threads);
}

void require_starts(std::span<const std::int32_t> starts, std::size_t codes, std::size_t pixels, const char* message) {
  require(codes > 0 && starts.size() == codes + 1, message);
  for (std::size_t i = 0; i < codes; ++i) require(starts[i] < starts[i + 1], message);
  require(starts.front() <= 0 && starts.back() >= static_cast<std::int64_t>(pixels), message);
}

void draw_codes(const Strided<const std::uint16_t, 2>& codes, const Strided<const std::uint8_t, 2>& sides,
                const Dense<const std::uint32_t, 2>& table, const Dense<const std::int32_t, 1>& columns,
                const Dense<const std::int32_t, 1>& rows, Strided<std::uint32_t, 2> output, std::int64_t width, std::int64_t dash,
                std::int64_t x, std::int64_t y, int threads) {
  require(table.shape(0) == 3 && table.shape(1) == maskwright::kCodes, "table is (3, 65536)");
  require(same_size(codes, sides), "give the sides of each code");
  require_starts(span_of(columns), codes.shape(1), output.shape(1), "columns ascend, one more than codes, around the output");
  require_starts(span_of(rows), codes.shape(0), output.shape(0), "rows ascend, one more than codes, around the output");
  require(width > 0 && dash > 0, "a line has a width and its dashes a length");
  const auto from = plane_of(codes);
  const auto ends = plane_of(sides);
  const auto to = plane_of(output);
  nb::gil_scoped_release release;
  maskwright::draw_codes(from, ends, span_of(table), span_of(columns), span_of(rows), {width, dash, x, y}, to, threads);
}

maskwright::Steps steps_of(const Dense<const std::int32_t, 1>& before, const Dense<const std::uint8_t, 1>& weight, std::size_t input,
                           std::size_t output) {
  require(input > 0 && before.size() == output && weight.size() == output, "give an input pixel and a weight for each output pixel");
  for (std::size_t i = 0; i < output; ++i) {
    require(before.data()[i] >= 0 && static_cast<std::size_t>(before.data()[i]) < input, "an output pixel lies outside of the input");
    require(weight.data()[i] < maskwright::kWhole, "a weight is not less than a whole pixel's");
  }
  return {span_of(before), span_of(weight)};
}

void resample(const Strided<const std::uint32_t, 2>& picture, const Dense<const std::int32_t, 1>& columns,
              const Dense<const std::uint8_t, 1>& column_weights, const Dense<const std::int32_t, 1>& rows,
              const Dense<const std::uint8_t, 1>& row_weights, Strided<std::uint32_t, 2> output, bool onto, int threads) {
  const auto across = steps_of(columns, column_weights, picture.shape(1), output.shape(1));
  const auto down = steps_of(rows, row_weights, picture.shape(0), output.shape(0));
  require(output.shape(1) > 0, "the output has no columns");
  const auto from = plane_of(picture);
  const auto to = plane_of(output);
  nb::gil_scoped_release release;
  maskwright::resample(from, across, down, onto, to, threads);
}

void draw_edges(const Strided<const bool, 2>& window, std::int64_t x, std::int64_t y, double zoom, const Dense<const double, 1>& origin,
                const Dense<const std::int64_t, 1>& corner, double width, std::uint32_t color, Strided<std::uint32_t, 2> output) {
  require(origin.size() == 2 && corner.size() == 2, "origin and corner are x, y");
  require(window.size() == 0 || window.stride(1) == 1, "the window's rows are dense");
  const maskwright::Plane<const std::uint8_t> pixels{reinterpret_cast<const std::uint8_t*>(window.data()),
                                                     static_cast<std::int64_t>(window.shape(0)), static_cast<std::int64_t>(window.shape(1)),
                                                     window.stride(0)};
  const maskwright::Axis across{origin.data()[0], corner.data()[0]}, down{origin.data()[1], corner.data()[1]};
  maskwright::draw_edges(pixels, x, y, zoom, across, down, width, color, plane_of(output));
}

bool decode_runs(const std::vector<std::string_view>& texts, const Dense<const std::int64_t, 2>& sizes, Dense<bool, 1> output,
                 int threads) {
  require(sizes.shape(0) == texts.size() && sizes.shape(1) == 2, "sizes are height and width of each bitmap");
  std::vector<maskwright::Plane<std::uint8_t>> bitmaps;
  std::size_t offset = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::int64_t height = sizes.data()[2 * i], width = sizes.data()[2 * i + 1];
    const std::size_t room = output.size() - offset;
    require(height > 0 && width > 0 && static_cast<std::size_t>(height) <= room / static_cast<std::size_t>(width),
            "output holds the bitmaps one after another");
    bitmaps.push_back({reinterpret_cast<std::uint8_t*>(output.data()) + offset, height, width, width});
    offset += static_cast<std::size_t>(height * width);
  }
  require(offset == output.size(), "output holds the bitmaps one after another");
  nb::gil_scoped_release release;
  std::vector<char> fits(texts.size());
  maskwright::parallel_for(texts.size(), threads, [&](std::size_t i) { fits[i] = maskwright::decode_runs(texts[i], bitmaps[i]); });
  return std::all_of(fits.begin(), fits.end(), [](char fit) { return fit != 0; });
}

}  // namespace

NB_MODULE(_kernels, m) {
  m.doc() = "Kernels over plain memory; engine.nn.ops and app.canvas.codes are the ways in.";
  m.def("roi_align_forward", &roi_align_forward, "features"_a.noconvert(), "scales"_a, "boxes"_a.noconvert(), "image_index"_a.noconvert(),
        "level"_a.noconvert(), "output"_a.noconvert(), nb::kw_only(), "sampling_ratio"_a, "aligned"_a, "threads"_a);
  m.def("roi_align_backward", &roi_align_backward, "upstream"_a.noconvert(), "scales"_a, "boxes"_a.noconvert(), "image_index"_a.noconvert(),
        "level"_a.noconvert(), "gradients"_a.noconvert(), nb::kw_only(), "sampling_ratio"_a, "aligned"_a, "threads"_a);
  m.def("paste_masks", &paste_masks, "probabilities"_a.noconvert(), "boxes"_a.noconvert(), "windows"_a.noconvert(), "output"_a.noconvert(),
        nb::kw_only(), "threshold"_a, "threads"_a);
  m.def("put_codes", &put_codes, "bitmaps"_a, "places"_a.noconvert(), "codes"_a.noconvert(), "sides"_a.noconvert(), nb::kw_only(),
        "threads"_a);
  m.def("decode_runs", &decode_runs, "texts"_a, "sizes"_a.noconvert(), "output"_a.noconvert(), nb::kw_only(), "threads"_a);
  m.def("halve_codes", &halve_codes, "codes"_a.noconvert(), "output"_a.noconvert(), nb::kw_only(), "threads"_a);
  m.def("color_codes", &color_codes, "codes"_a.noconvert(), "table"_a.noconvert(), "dash"_a, "x"_a, "y"_a, "output"_a.noconvert());
  m.def("draw_codes", &draw_codes, "codes"_a.noconvert(), "sides"_a.noconvert(), "table"_a.noconvert(), "columns"_a.noconvert(),
        "rows"_a.noconvert(), "output"_a.noconvert(), nb::kw_only(), "width"_a, "dash"_a, "x"_a, "y"_a, "threads"_a);
  m.def("draw_edges", &draw_edges, "window"_a.noconvert(), "x"_a, "y"_a, "zoom"_a, "origin"_a.noconvert(), "corner"_a.noconvert(),
        "width"_a, "color"_a, "output"_a.noconvert());
  m.def("resample", &resample, "picture"_a.noconvert(), "columns"_a.noconvert(), "column_weights"_a.noconvert(), "rows"_a.noconvert(),
        "row_weights"_a.noconvert(), "output"_a.noconvert(), nb::kw_only(), "onto"_a, "threads"_a);
}
