// What decompose() says in words.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <plait/rewrite/decompose.hpp>

#include "rewrite/decompose/scaled_kernel.hpp"

namespace plait::rewrite {

// Products per position of the layers, and of the kernel.
struct CostPair {
  std::int64_t layers = 0;
  std::int64_t kernel = 0;
};

// Measured seconds by the kernel's; predicted ones if not measured; products without input_size.
double share_of(const LayersCost& layers, const LayersCost& kernel, const CostPair& products);
std::string verdict_of(const LayersCost& layers, const LayersCost& kernel,
                       const CostPair& products);

std::string found_words(const ScaledKernel& kernel, const FormRanks& ranks,
                        std::int64_t kernel_products);
std::string undecided_words(const ScaledKernel& kernel, const std::vector<MiddleChannels>& middle);

}  // namespace plait::rewrite
