// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/optim/adafactor.hpp>
#include <eigengrad/optim/adam.hpp>
#include <eigengrad/optim/clip.hpp>
#include <eigengrad/optim/ema.hpp>
#include <eigengrad/optim/find_learning_rate.hpp>
#include <eigengrad/optim/groups.hpp>
#include <eigengrad/optim/lamb.hpp>
#include <eigengrad/optim/layer_decay.hpp>
#include <eigengrad/optim/lion.hpp>
#include <eigengrad/optim/muon.hpp>
#include <eigengrad/optim/optimizer.hpp>
#include <eigengrad/optim/reduce_lr_on_plateau.hpp>
#include <eigengrad/optim/schedule.hpp>
#include <eigengrad/optim/sgd.hpp>
