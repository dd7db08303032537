// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/shape.hpp>

/// What a causal transformer remembers of the tokens that it has seen, so that the next token costs
/// one row of each product and not a whole sequence. For inference: nothing here has a gradient.
namespace eigengrad::nn {

/// The keys and values of one attention, in memory for `capacity` tokens.
template <class T>
class KeyValueCache {
 public:
  /// **Throws** ValueError unless the capacity is positive.
  explicit KeyValueCache(Index capacity) : capacity_(capacity) {
    if (capacity < 1) {
      throw ValueError(detail::concat("[key_value_cache] capacity must be positive: ", capacity));
    }
  }
  KeyValueCache(KeyValueCache&&) noexcept = default;
  KeyValueCache& operator=(KeyValueCache&&) noexcept = default;
  KeyValueCache(const KeyValueCache&) = delete;  // its array would be shared
  KeyValueCache& operator=(const KeyValueCache&) = delete;

  /// Number of tokens.
  Index size() const { return size_; }
  Index capacity() const { return capacity_; }
  /// **Shapes** (B, capacity, 2 N), of which the first `size()` tokens count; undefined before the
  /// first token.
  const NdArray<T>& rows() const { return rows_; }

  /// Adds the keys and values of further tokens. The first call settles the number of sequences.
  ///
  /// **Shapes** kv (B, T, 2 N). **Throws** ValueError where the tokens do not fit, ShapeError on
  /// another number of sequences or another width.
  void append(const NdArray<T>& kv) {
    if (!rows_.defined()) rows_ = NdArray<T>({kv.dim(0), capacity_, kv.dim(2)});
    if (kv.rank() != 3 || kv.dim(0) != rows_.dim(0) || kv.dim(2) != rows_.dim(2)) {
      throw ShapeError(detail::concat("[key_value_cache] new rows must be (", rows_.dim(0), ", T, ",
                                      rows_.dim(2), "): ", kv.shape()));
    }
    if (size_ + kv.dim(1) > capacity_) {
      throw ValueError(detail::concat("[key_value_cache] is full: capacity ", capacity_, ", size ",
                                      size_, ", new tokens ", kv.dim(1)));
    }
    const Index width = kv.dim(2), count = kv.dim(1) * width;
    for (Index b = 0; b < kv.dim(0); ++b) {
      std::copy_n(kv.data() + b * count, count, rows_.data() + (b * capacity_ + size_) * width);
    }
    size_ += kv.dim(1);
  }

  /// Forgets all tokens but the first `size`. **Throws** ValueError if there are fewer.
  void truncate(Index size) {
    if (size < 0 || size > size_) {
      throw ValueError(
          detail::concat("[key_value_cache] size must be in [0, ", size_, "]: ", size));
    }
    size_ = size;
  }

  /// Sequence i becomes what sequence sequences[i] was: their number may change. A beam search
  /// goes on with its best ones so.
  /// **Throws** ValueError on a number that is none of a sequence's.
  void reorder(const NdArray<Index>& sequences) {
    if (!rows_.defined()) return;
    const Index width = rows_.dim(2);
    NdArray<T> out({sequences.numel(), capacity_, width});
    for (Index i = 0; i < sequences.numel(); ++i) {
      const Index from = sequences.data()[i];
      if (from < 0 || from >= rows_.dim(0)) {
        throw ValueError(detail::concat("[key_value_cache] sequence ", from, " must be in [0, ",
                                        rows_.dim(0), ")"));
      }
      std::copy_n(rows_.data() + from * capacity_ * width, size_ * width,
                  out.data() + i * capacity_ * width);
    }
    rows_ = std::move(out);
  }

 private:
  Index capacity_;
  Index size_ = 0;
  NdArray<T> rows_;
};

/// The caches of all layers of a TransformerEncoder or TransformerDecoder.
///
///     const NoGrad no_grad;
///     nn::TransformerCache<float> cache(64);
///     Tensor<float> y = encoder(prompt, cache);   // (1, T, C)
///     y = encoder(next, cache);                   // (1, 1, C), as the last row of a full pass
template <class T>
class TransformerCache {
 public:
  /// What one layer remembers. A decoder's layer has projected the memory once and for all.
  struct Layer {
    KeyValueCache<T> self;
    NdArray<T> memory = {};  ///< (B, Tk, 2 N); undefined in an encoder
  };

  /// **Throws** ValueError unless the capacity, in tokens, is positive.
  explicit TransformerCache(Index capacity) : capacity_(KeyValueCache<T>(capacity).capacity()) {}

  /// Number of tokens.
  Index size() const { return layers_.empty() ? 0 : layers_[0].self.size(); }
  Index capacity() const { return capacity_; }

  /// Layer i's part, made where it is missing.
  Layer& layer(Index i) {
    while (static_cast<Index>(layers_.size()) <= i) {
      layers_.push_back({KeyValueCache<T>(capacity_)});
    }
    return layers_[static_cast<std::size_t>(i)];
  }

  /// Forgets all tokens but the first `size`; a memory stays. **Throws** ValueError if there are
  /// fewer.
  void truncate(Index size) {
    for (Layer& layer : layers_) layer.self.truncate(size);
  }
  /// Forgets all tokens; a memory stays.
  void clear() { truncate(0); }

  /// As `KeyValueCache::reorder`, the memory's sequences too.
  void reorder(const NdArray<Index>& sequences) {
    for (Layer& layer : layers_) {
      layer.self.reorder(sequences);
      if (!layer.memory.defined()) continue;
      KeyValueCache<T> memory(layer.memory.dim(1));
      memory.append(layer.memory);
      memory.reorder(sequences);
      layer.memory = memory.rows();
    }
  }

  /// Calls f(), which adds tokens to all layers. If it throws, the cache is as it was.
  template <class F>
  auto extend(F&& f) {
    const Index before = size();
    try {
      return f();
    } catch (...) {
      for (Layer& layer : layers_) {
        if (layer.self.size() > before) layer.self.truncate(before);
      }
      throw;
    }
  }

 private:
  Index capacity_;
  std::vector<Layer> layers_;
};

}  // namespace eigengrad::nn
