// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include <eigengrad/core/block_cache.hpp>
#include <eigengrad/core/scratch.hpp>

/// The memory under arrays and graph nodes: 64-byte aligned blocks that are kept for reuse.
///
/// A training loop asks for the same sizes every step. Returning large blocks to the system and
/// faulting them in again costs more than many kernels, so freed blocks wait here for the next
/// request.
namespace eigengrad {

/// Returns all cached memory to the system.
inline void release_memory() { detail::BlockCache::instance().release(); }

/// Bytes of arrays and graph nodes in use now.
inline std::size_t memory_in_use() { return detail::BlockCache::instance().bytes_in_use(); }

/// The most bytes that were in use at once since the start or `reset_peak_memory()`.
inline std::size_t peak_memory() { return detail::BlockCache::instance().peak_bytes(); }
inline void reset_peak_memory() { detail::BlockCache::instance().reset_peak(); }

/// Bytes held for reuse and not in use now.
inline std::size_t cached_memory() { return detail::BlockCache::instance().cached_bytes(); }

/// Upper bound of the bytes held for reuse (4 GiB unless set); 0 disables the cache. Blocks of
/// 1 MiB and more are cut from segments, which go back as a whole: the free rest of one that is in
/// use stays.
inline void set_memory_cache_limit(std::size_t bytes) {
  detail::BlockCache::instance().set_limit(bytes);
}

}  // namespace eigengrad
