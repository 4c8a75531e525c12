// What `plait compose` says about the one layer: its numbers, where it can differ, whether it pays.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <plait/rewrite/compose.hpp>
#include <plait/rewrite/layers.hpp>

#include "io/json.hpp"

namespace plait::cli {

struct ComposedFile {
  std::string path;
  Dims shape;
};

struct ComposeReport {
  Dtype dtype = Dtype::f32;
  ComposedFile kernel1, kernel2, kernel;
  std::optional<ComposedFile> bias;
  std::optional<Problem> problem;  // of the one layer, with an input size
  std::vector<LayersCost> costs;   // of two layers and of one, likewise
  std::vector<std::string> notes;
};

template <class T>
std::string compose_text(const Composition<T>& composed, const ComposeReport& report);
template <class T>
Json compose_json(const Composition<T>& composed, const ComposeReport& report);

}  // namespace plait::cli
