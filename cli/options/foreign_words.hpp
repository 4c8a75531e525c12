// Words that other libraries have for what plait calls otherwise.
#pragma once

#include <string>
#include <string_view>

namespace plait::cli {

// ": Keras' 'channels_last' is 'nhwc' here" for a value of that argument ("padding_mode", "layout",
// ...) which is someone's, to stand behind an error; otherwise "".
std::string hint_for(std::string_view argument, std::string_view value);

}  // namespace plait::cli
