// Layers as values, and what makes others of them: compose, decompose, fold, inspect.
#pragma once

#include <plait/rewrite/compose.hpp>
#include <plait/rewrite/decompose.hpp>
#include <plait/rewrite/fold.hpp>
#include <plait/rewrite/inspect.hpp>
#include <plait/rewrite/layers.hpp>
