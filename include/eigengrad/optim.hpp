// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/optim/adam.hpp>
#include <eigengrad/optim/clip.hpp>
#include <eigengrad/optim/ema.hpp>
#include <eigengrad/optim/groups.hpp>
#include <eigengrad/optim/muon.hpp>
#include <eigengrad/optim/optimizer.hpp>
#include <eigengrad/optim/schedule.hpp>
#include <eigengrad/optim/sgd.hpp>
