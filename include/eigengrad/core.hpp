// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/backward.hpp>
#include <eigengrad/core/block_cache.hpp>
#include <eigengrad/core/error.hpp>
#include <eigengrad/core/evaluation_mode.hpp>
#include <eigengrad/core/generator_snapshot.hpp>
#include <eigengrad/core/grad_mode.hpp>
#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/large_blocks.hpp>
#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/node.hpp>
#include <eigengrad/core/observer.hpp>
#include <eigengrad/core/op.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/parameter.hpp>
#include <eigengrad/core/print.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/core/rounding.hpp>
#include <eigengrad/core/saved_input.hpp>
#include <eigengrad/core/scratch.hpp>
#include <eigengrad/core/shape.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/version.hpp>
