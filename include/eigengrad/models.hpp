// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/models/attention_map.hpp>
#include <eigengrad/models/attention_rollout.hpp>
#include <eigengrad/models/beam_search.hpp>
#include <eigengrad/models/conv_tokenizer.hpp>
#include <eigengrad/models/flat_options.hpp>
#include <eigengrad/models/generate.hpp>
#include <eigengrad/models/language_model.hpp>
#include <eigengrad/models/masked_image_model.hpp>
#include <eigengrad/models/patch_dropout.hpp>
#include <eigengrad/models/patch_embedding.hpp>
#include <eigengrad/models/patches.hpp>
#include <eigengrad/models/pooling.hpp>
#include <eigengrad/models/positions.hpp>
#include <eigengrad/models/save_model.hpp>
#include <eigengrad/models/seq2seq_transformer.hpp>
#include <eigengrad/models/shifted_patches.hpp>
#include <eigengrad/models/tokenizer.hpp>
#include <eigengrad/models/vision_transformer.hpp>
#include <eigengrad/models/vision_transformer_options.hpp>
#include <eigengrad/models/whitening.hpp>
#include <eigengrad/models/with_classes.hpp>
