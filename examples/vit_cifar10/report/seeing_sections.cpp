// SPDX-License-Identifier: MIT
// The report's parts that look into the model: attention, positions, filters.
#include <algorithm>
#include <cmath>
#include <vector>

#include <Eigen/Eigenvalues>

#include <eigengrad/models/attention_map.hpp>
#include <examples/vit_cifar10/report/picture.hpp>
#include <examples/vit_cifar10/report/sections.hpp>

namespace vit::report {
namespace {

/// The first image of each of some classes that lie evenly among all: chosen by nothing that the
/// model says.
std::vector<Index> examples(const Predictions& p, Index wanted) {
  std::vector<Index> out;
  const Index n = std::min(wanted, p.classes());
  for (Index k = 0; k < n; ++k) {
    const Index* labels = p.images.labels().data();
    const Index* found = std::find(labels, labels + p.size(), k * p.classes() / n);
    if (found != labels + p.size()) out.push_back(found - labels);
  }
  return out;
}

eg::Tensor<float> model_input(const Material& m, const std::vector<Index>& indices) {
  const eg::NdArray<Index> list({Index(indices.size())}, std::span<const Index>(indices));
  eg::data::DataLoader loader(
      eg::data::subset(m.predictions.images, list),
      {.batch_size = list.numel(),
       .prefetch = 0,
       .augment = {.normalization = m.checkpoint.normalization,
                   .output_size = m.checkpoint.model.options().image_size}});
  return loader.epoch(0).begin()->images;
}

/// Maps of all images shown, and what stands above them.
struct MapColumn {
  std::string above;
  std::string below;
  eg::NdArray<float> maps;  ///< (B, grid, grid)
  bool small = true;        ///< in two thirds of the picture's size
};

/// The rollout, then the heads of the last layers, the last layer first.
std::vector<MapColumn> map_columns(const Model& model, const eg::Tensor<float>& images) {
  const eg::models::AttentionMaps<float> maps(model, images);
  const Index heads = std::min<Index>(maps.heads(), 8);
  const Index layers = maps.heads() <= 4 ? std::min<Index>(maps.layers(), 2) : 1;
  std::vector<MapColumn> out = {{"Rollout", "all layers", maps.rollout(), false}};
  for (Index layer = maps.layers() - 1; layer >= maps.layers() - layers; --layer) {
    for (Index h = 0; h < heads; ++h) {
      out.push_back({"Head " + std::to_string(h + 1), "layer " + std::to_string(layer + 1),
                     maps.head(layer, h)});
    }
  }
  return out;
}

/// What the model says of image `i`, the image, and its maps, number `n` of each column.
std::string map_row(const Predictions& p, Index i, Index n, const std::vector<MapColumn>& columns) {
  const Picture picture = thumbnail(p.images, i);
  const Index scale = std::max<Index>(1, 96 / std::max(picture.dim(1), picture.dim(2)));
  const std::string name = class_label(p.name(p.label(i)));
  std::string out = element(
      "div", "",
      "<b>" + name + "</b><br/>" +
          (p.right(i) ? std::string("recognised") : "taken for " + class_label(p.name(p.said(i)))) +
          "<br/>" + percent(double(p.confidence(i)), 0));
  out += image_tag(enlarged(picture, 64), name);
  for (const MapColumn& column : columns) {
    const Index factor = column.small ? std::max<Index>(1, scale * 2 / 3) : scale;
    const Picture large = resized(picture, picture.dim(1) * factor, picture.dim(2) * factor);
    out += image_tag(overlay(large, map_of(column.maps, n)),
                     column.above + ", " + column.below + ", " + name);
  }
  return out;
}

/// What a parameter is called by its end, or nullptr.
const eg::NdArray<float>* parameter(const eg::nn::StateDict<float>& weights, const std::string& end,
                                    Index rank) {
  for (const auto& [name, array] : weights) {
    if (name.size() >= end.size() && name.compare(name.size() - end.size(), end.size(), end) == 0 &&
        array.rank() == rank) {
      return &array;
    }
  }
  return nullptr;
}

/// Cosine similarity of each position with each other, a map for each position, laid out as the
/// positions are; (4, side, side) with clear gaps. `low` becomes the least similarity.
Picture similarity_tiles(const eg::NdArray<float>& positions, Index grid, double& low) {
  const Index width = positions.cols();
  const Index tokens = grid * grid;
  const Index prefix = positions.numel() / width - tokens;
  const eg::ConstMatrixMap<float> all(positions.data() + prefix * width, tokens, width);
  const eg::Matrix<float> unit = all.rowwise().normalized();
  const eg::Matrix<float> similarity = unit * unit.transpose();
  low = double(similarity.minCoeff());
  const Index cell = std::max<Index>(1, 420 / (grid * grid + grid));
  const Index tile = grid * cell;
  const Index gap = std::max<Index>(2, cell / 3);
  const Index side = grid * tile + (grid - 1) * gap;
  Picture out = Picture::zeros({4, side, side});
  for (Index y = 0; y < side; ++y) {
    for (Index x = 0; x < side; ++x) {
      const Index ty = y / (tile + gap), tx = x / (tile + gap);
      const Index iy = y % (tile + gap) / cell, ix = x % (tile + gap) / cell;
      if (iy >= grid || ix >= grid) continue;
      const double s = double(similarity(ty * grid + tx, iy * grid + ix));
      const Rgb rgb = colour(kViridis, low < 1 ? (s - low) / (1 - low) : 1);
      for (Index c = 0; c < 4; ++c) {
        out.data()[(c * side + y) * side + x] = c < 3 ? rgb[static_cast<std::size_t>(c)] : 255;
      }
    }
  }
  return out;
}

/// (3, k, k) with zero as middle grey.
std::string filter_tile(const eg::NdArray<float>& filter, const std::string& alt) {
  const float most = std::max(filter.array().abs().maxCoeff(), 1e-12f);
  return "<div title=\"" + alt + "\">" + image_tag(stretch(filter, -most, most), alt, true) +
         "</div>";
}

/// The first principal components of filters (N, 3 k k), most important first, and how much of the
/// filters' energy each holds.
std::string component_tiles(const eg::Matrix<float>& filters, Index side, Index wanted,
                            double& held) {
  const Eigen::MatrixXd f = filters.cast<double>();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(f.transpose() * f);
  const double total = std::max(solver.eigenvalues().sum(), 1e-300);
  const Index n = f.cols();
  std::string out;
  held = 0;
  for (Index i = 0; i < std::min(wanted, n); ++i) {
    const double share = solver.eigenvalues()[n - 1 - i] / total;
    held += share;
    const Eigen::VectorXf v = solver.eigenvectors().col(n - 1 - i).cast<float>();
    eg::NdArray<float> tile({3, side, side});
    std::copy(v.data(), v.data() + n, tile.begin());
    out += filter_tile(tile, "component " + std::to_string(i + 1) + ", " + percent(share));
  }
  return out;
}

/// Whitening (C, 3, k, k) and the convolution after it (O, C, m, m) as one convolution of pixels
/// (O, 3, k + m - 1, k + m - 1), as far as they are linear: each whitening filter comes with its
/// negative, and gelu(x) - gelu(-x) = x.
eg::NdArray<float> joined(const eg::NdArray<float>& whitening, const eg::NdArray<float>& weight) {
  const Index k = whitening.dim(3), m = weight.dim(3), side = k + m - 1;
  auto out = eg::NdArray<float>::zeros({weight.dim(0), 3, side, side});
  for (Index o = 0; o < weight.dim(0); ++o) {
    for (Index c = 0; c < weight.dim(1); ++c) {
      for (Index i = 0; i < m * m; ++i) {
        for (Index j = 0; j < 3 * k * k; ++j) {
          const Index y = i / m + j % (k * k) / k, x = i % m + j % k;
          out(o, j / (k * k), y, x) +=
              weight(o, c, i / m, i % m) * whitening.data()[c * 3 * k * k + j] / 2;
        }
      }
    }
  }
  return out;
}

/// The filters (N, 3 or a multiple, k, k) that meet the pixels: `patches` many and large ones, or
/// those of a convolution, of which `what` says more.
std::string filters_figure(const eg::NdArray<float>& weight, bool patches,
                           const std::string& what = "") {
  const Index filters = weight.dim(0);
  const Index side = weight.dim(3);
  const Index size = 3 * side * side;
  const eg::Matrix<float> rows =
      eg::ConstMatrixMap<float>(weight.data(), filters, weight.numel() / filters).leftCols(size);
  std::string tiles;
  std::string caption;
  Index shown = 0;
  if (patches) {
    double held = 0;
    shown = std::min<Index>(28, size);
    tiles = component_tiles(rows, side, shown, held);
    caption = "The first " + count(double(shown)) + " principal components of the " +
              count(double(filters)) + " patch filters (" + std::to_string(side) + "×" +
              std::to_string(side) + " pixels), which hold " + percent(held, 0) +
              " of their energy. Grey is zero.";
  } else {
    std::vector<Index> order =
        largest_first(filters, [&](Index i) { return rows.row(i).squaredNorm(); });
    shown = std::min<Index>(filters, 96);
    order.resize(static_cast<std::size_t>(shown));
    for (const Index i : order) {
      eg::NdArray<float> tile({3, side, side});
      std::copy(rows.row(i).data(), rows.row(i).data() + size, tile.begin());
      tiles += filter_tile(tile, "filter " + std::to_string(i));
    }
    caption = (shown < filters ? "The " + count(double(shown)) + " strongest"
                               : "All " + count(double(filters))) +
              " filters of the first convolution" + what + " (" + std::to_string(side) + "×" +
              std::to_string(side) +
              " pixels), the strongest first, each scaled to its own range. "
              "Grey is zero.";
  }
  const int columns = patches ? 7 : shown <= 64 ? 8 : 12;
  return figure(element("h3", "", "First filters") +
                    "<div class=\"tiles-small\" style=\"grid-template-columns:repeat(" +
                    std::to_string(columns) + ",1fr);max-width:430px\">" + tiles + "</div>",
                caption);
}

}  // namespace

std::string attention_section(const Material& m) {
  const Model& model = m.checkpoint.model;
  if (model.blocks().size() == 0 || model.options().pooling == eg::models::Pooling::kFlatten)
    return "";
  const Predictions& p = m.predictions;
  const std::vector<Index> shown = examples(p, 8);
  const std::vector<MapColumn> columns = map_columns(model, model_input(m, shown));

  const auto head_label = [](const std::string& above, const std::string& below) {
    return element("div", "head", "<b>" + above + "</b><br/>" + below);
  };
  std::string out = "<div></div>" + head_label("Image", "");
  for (const MapColumn& column : columns) out += head_label(column.above, column.below);
  for (std::size_t n = 0; n < shown.size(); ++n) out += map_row(p, shown[n], Index(n), columns);
  const std::size_t count = columns.size() + 1;
  const std::string grid =
      "<div class=\"maps\" style=\"grid-template-columns:96px repeat(" + std::to_string(count) +
      ",minmax(72px,1fr));min-width:" + std::to_string(96 + 80 * count) + "px\">" + out + "</div>";
  const std::string tokens =
      std::to_string(model.grid()) + "×" + std::to_string(model.grid()) + " tokens";
  return section(
      "attention", "Where it looks",
      "How much each of the " + tokens +
          " counts for the answer: through all layers (attention "
          "rollout, Abnar and Zuidema 2020), and through single heads of the last layers. The "
          "first " +
          p.part + " image of some classes, chosen only by its place in the file.",
      figure(element("div", "scroll", grid) + colour_bar(kInferno, "counts little", "counts much"),
             "Each map is stretched to its own range. A bright place is one that the model draws "
             "on, not always one that it needs."));
}

std::string weights_section(const Material& m) {
  const Model& model = m.checkpoint.model;
  const eg::nn::StateDict<float> weights = model.state_dict();
  std::string content;
  const eg::NdArray<float>* positions = parameter(weights, "pos_embed", 3);
  const Index grid = model.grid();
  if (positions && grid > 1 && grid <= 16 && positions->dim(1) >= grid * grid) {
    double low = 0;
    const Picture tiles = similarity_tiles(*positions, grid, low);
    content += figure(
        element("h3", "", "Position embeddings") + "<div style=\"max-width:430px\">" +
            image_tag(tiles, "similarity of position embeddings", true) + "</div>" +
            colour_bar(kViridis, fixed(low, 2), "1"),
        "A map for each of the " + std::to_string(grid) + "×" + std::to_string(grid) +
            " positions, laid out as in the image: the cosine similarity of its learned embedding "
            "with those of all positions.");
  }
  const eg::NdArray<float>* first = nullptr;  // what meets the pixels, or the whitened ones
  for (const auto& [name, array] : model.named_parameters()) {
    if (!first && array.rank() == 4) first = &array.value();
  }
  const eg::NdArray<float>* whitening = nullptr;
  for (const auto& [name, array] : model.named_buffers()) {
    if (name == "tokenizer.whiten.weight") whitening = array.get();
  }
  if (first && whitening) {
    content += filters_figure(joined(*whitening, *first), false,
                              " on whitened pixels, both together as far as they are linear");
  } else if (first) {
    content += filters_figure(*first, eg::models::patch_size(model.options().tokenizer) > 0);
  }
  if (content.empty()) return "";
  return section("weights", "What it has learned",
                 "Which positions are alike, and which colours and edges it looks for.",
                 element("div", "columns", content));
}

}  // namespace vit::report
