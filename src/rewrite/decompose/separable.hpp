// Which k_h x k_w kernels have rank one.
#pragma once

#include <atomic>

#include <plait/rewrite/decompose.hpp>

#include "rewrite/decompose/scaled_kernel.hpp"

namespace plait::rewrite {

Separability separability(const ScaledKernel& kernel, const std::atomic<bool>* cancel);

}  // namespace plait::rewrite
