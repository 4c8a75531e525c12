// Layers as values, and what makes others of them: compose, decompose, fold, inspect. A library of
// its own, plait_rewrite. Built without Eigen it has no decompose and inspect, nor their headers.
#pragma once

#include <plait/rewrite/compose.hpp>
#include <plait/rewrite/fold.hpp>
#include <plait/rewrite/layers.hpp>
#if __has_include(<plait/rewrite/decompose.hpp>)
#include <plait/rewrite/decompose.hpp>
#include <plait/rewrite/inspect.hpp>
#endif
