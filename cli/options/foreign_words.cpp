#include "options/foreign_words.hpp"

namespace plait::cli {
namespace {

struct Word {
  std::string_view argument;
  std::string_view value;
  std::string_view whose;
  std::string_view ours;
};

// Sources: the pages of scipy.ndimage.correlate, scipy.signal.convolve2d, numpy.pad, which
// skimage takes its words from, and of keras.layers.Conv2D and keras.activations.
constexpr Word kWords[] = {
    {"padding_mode", "mirror", "scipy.ndimage's", "'reflect'"},
    {"padding_mode", "grid-mirror", "scipy.ndimage's", "'symmetric'"},
    {"padding_mode", "nearest", "scipy.ndimage's", "'replicate'"},
    {"padding_mode", "grid-wrap", "scipy.ndimage's", "'circular'"},
    {"padding_mode", "grid-constant", "scipy.ndimage's", "'constant' with padding_value"},
    {"padding_mode", "wrap", "numpy's, skimage's and scipy's", "'circular'"},
    {"padding_mode", "symm", "scipy.signal's", "'symmetric'"},
    {"padding_mode", "fill", "scipy.signal's", "'constant' with padding_value"},
    {"padding_mode", "zero", "the word", "'zeros'"},
    {"layout", "channels_last", "Keras'", "'nhwc', of conv1d 'nlc'"},
    {"layout", "channels_first", "Keras'", "'nchw', of conv1d 'ncl'"},
    {"layout", "NHWC", "tensorflow's", "'nhwc'"},
    {"layout", "NCHW", "tensorflow's", "'nchw'"},
    {"layout", "NWC", "tensorflow's", "'nlc'"},
    {"layout", "NCW", "tensorflow's", "'ncl'"},
    {"weight_layout", "HWIO", "tensorflow's and jax'", "'hwio'"},
    {"weight_layout", "OIHW", "jax'", "'oihw'"},
    {"weight_layout", "WIO", "tensorflow's and jax'", "'lio'"},
    {"weight_layout", "OIW", "jax'", "'oil'"},
    {"activation", "linear", "Keras'", "None"},
    {"activation", "swish", "Keras'", "'silu'"},
    {"activation", "hard_swish", "Keras'", "'hswish'"},
    {"activation", "hard_silu", "Keras'", "'hswish'"},
    {"activation", "leaky_relu", "Keras' and torch's", "'leaky:SLOPE'"},
    {"padding", "causal", "Keras'", "((dilation * (k - 1), 0),) in conv1d"},
};

}  // namespace

std::string hint_for(std::string_view argument, std::string_view value) {
  for (const Word& word : kWords) {
    if (word.argument == argument && word.value == value) {
      return ": " + std::string(word.whose) + " '" + std::string(value) + "' is " +
             std::string(word.ours) + " here";
    }
  }
  return "";
}

}  // namespace plait::cli
