// What decompose() says in words.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <plait/rewrite/decompose.hpp>

#include "rewrite/decompose/plane.hpp"

namespace plait::rewrite {

std::string found_words(const ScaledKernel& kernel, const FormRanks& ranks,
                        std::int64_t kernel_products);
std::string undecided_words(const ScaledKernel& kernel, const std::vector<MiddleChannels>& middle);

}  // namespace plait::rewrite
