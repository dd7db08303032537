// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/nn/activation.hpp>
#include <eigengrad/nn/attention.hpp>
#include <eigengrad/nn/batch_norm.hpp>
#include <eigengrad/nn/check_registered.hpp>
#include <eigengrad/nn/checks.hpp>
#include <eigengrad/nn/conv2d.hpp>
#include <eigengrad/nn/decoder_layer.hpp>
#include <eigengrad/nn/dropout.hpp>
#include <eigengrad/nn/embedding.hpp>
#include <eigengrad/nn/encoder_layer.hpp>
#include <eigengrad/nn/init.hpp>
#include <eigengrad/nn/key_value_cache.hpp>
#include <eigengrad/nn/layer_norm.hpp>
#include <eigengrad/nn/linear.hpp>
#include <eigengrad/nn/load_state_dict.hpp>
#include <eigengrad/nn/mlp.hpp>
#include <eigengrad/nn/module.hpp>
#include <eigengrad/nn/module_list.hpp>
#include <eigengrad/nn/random_state.hpp>
#include <eigengrad/nn/sequential.hpp>
#include <eigengrad/nn/state_dict.hpp>
#include <eigengrad/nn/transformer.hpp>
#include <eigengrad/nn/transformer_decoder.hpp>
#include <eigengrad/nn/transformer_encoder.hpp>
#include <eigengrad/nn/transformer_layer_options.hpp>
