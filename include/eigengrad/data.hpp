// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/data/array_dataset.hpp>
#include <eigengrad/data/augment.hpp>
#include <eigengrad/data/batch.hpp>
#include <eigengrad/data/batch_loader.hpp>
#include <eigengrad/data/char_vocabulary.hpp>
#include <eigengrad/data/cifar.hpp>
#include <eigengrad/data/dataset.hpp>
#include <eigengrad/data/epoch.hpp>
#include <eigengrad/data/evaluate.hpp>
#include <eigengrad/data/loader.hpp>
#include <eigengrad/data/metrics.hpp>
#include <eigengrad/data/mix.hpp>
#include <eigengrad/data/normalization.hpp>
#include <eigengrad/data/policy.hpp>
#include <eigengrad/data/prefetcher.hpp>
#include <eigengrad/data/sampler.hpp>
#include <eigengrad/data/split.hpp>
#include <eigengrad/data/synthetic.hpp>
#include <eigengrad/data/token_windows.hpp>
#include <eigengrad/data/transforms.hpp>
#include <eigengrad/data/windows.hpp>
