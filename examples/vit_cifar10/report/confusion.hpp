// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include <eigengrad/core/ndarray.hpp>

/// The confusion matrix as a chart.
namespace vit::report {

/// The cells hold numbers up to this number of classes.
inline constexpr eigengrad::Index kNumberedClasses = 20;
/// The matrix is drawn up to this number of classes.
inline constexpr eigengrad::Index kDrawnClasses = 200;

/// An order of the classes in which those that are taken for one another are next to each other:
/// the two most alike groups of classes are joined until there is one (average linkage).
std::vector<eigengrad::Index> similar_together(
    const eigengrad::NdArray<eigengrad::Index>& confusion);

/// Rows are the true classes, columns the predicted ones.
std::string confusion_chart(const std::vector<std::string>& classes,
                            const eigengrad::NdArray<eigengrad::Index>& confusion);

}  // namespace vit::report
