// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/ops/arithmetic.hpp>
#include <eigengrad/ops/batch_norm.hpp>
#include <eigengrad/ops/concat.hpp>
#include <eigengrad/ops/conv2d.hpp>
#include <eigengrad/ops/cross_entropy.hpp>
#include <eigengrad/ops/embedding.hpp>
#include <eigengrad/ops/expand.hpp>
#include <eigengrad/ops/gather.hpp>
#include <eigengrad/ops/interpolate.hpp>
#include <eigengrad/ops/layer_norm.hpp>
#include <eigengrad/ops/linear.hpp>
#include <eigengrad/ops/mse_loss.hpp>
#include <eigengrad/ops/nll_loss.hpp>
#include <eigengrad/ops/pad.hpp>
#include <eigengrad/ops/permute.hpp>
#include <eigengrad/ops/reduce.hpp>
#include <eigengrad/ops/reduction.hpp>
#include <eigengrad/ops/reshape.hpp>
#include <eigengrad/ops/rms_norm.hpp>
#include <eigengrad/ops/scalar.hpp>
#include <eigengrad/ops/slice.hpp>
#include <eigengrad/ops/softmax.hpp>
#include <eigengrad/ops/unfold.hpp>
