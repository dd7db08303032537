// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/data/batch.hpp>
#include <eigengrad/data/cifar.hpp>
#include <eigengrad/data/dataset.hpp>
#include <eigengrad/data/loader.hpp>
#include <eigengrad/data/metrics.hpp>
#include <eigengrad/data/mix.hpp>
#include <eigengrad/data/prefetcher.hpp>
#include <eigengrad/data/resize.hpp>
#include <eigengrad/data/split.hpp>
#include <eigengrad/data/synthetic.hpp>
#include <eigengrad/data/transforms.hpp>
