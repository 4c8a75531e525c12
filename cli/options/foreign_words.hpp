// Words that other libraries have for what plait calls otherwise.
#pragma once

#include <string>
#include <string_view>

namespace plait::cli {

// What to add to an error about `value` of `argument` ("padding_mode", "layout", ...) where another
// library has that word: ": Keras' 'channels_last' is 'nhwc' here". Otherwise "".
std::string hint_for(std::string_view argument, std::string_view value);

}  // namespace plait::cli
