// SPDX-License-Identifier: MIT
// The kernels that eigengrad::compiled holds.
#pragma once

#include <eigengrad/kernels/activation_map.hpp>
#include <eigengrad/kernels/attention/attention.hpp>
#include <eigengrad/kernels/avg_pool.hpp>
#include <eigengrad/kernels/broadcast.hpp>
#include <eigengrad/kernels/column_sum.hpp>
#include <eigengrad/kernels/conv/conv2d.hpp>
#include <eigengrad/kernels/conv/conv2d_input.hpp>
#include <eigengrad/kernels/conv/conv2d_weight.hpp>
#include <eigengrad/kernels/cross_entropy.hpp>
#include <eigengrad/kernels/gemm/gemm.hpp>
#include <eigengrad/kernels/interpolate.hpp>
#include <eigengrad/kernels/max_pool.hpp>
#include <eigengrad/kernels/norm/batch_norm.hpp>
#include <eigengrad/kernels/norm/layer_norm.hpp>
#include <eigengrad/kernels/orthogonalize.hpp>
#include <eigengrad/kernels/permute.hpp>
#include <eigengrad/kernels/random_hash.hpp>
#include <eigengrad/kernels/softmax.hpp>
#include <eigengrad/kernels/sum_of_squares.hpp>
#include <eigengrad/kernels/unfold.hpp>
