// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/inspect/anomaly.hpp>
#include <eigengrad/inspect/layer_observer.hpp>
#include <eigengrad/inspect/peak.hpp>
#include <eigengrad/inspect/profile.hpp>
#include <eigengrad/inspect/summary.hpp>
