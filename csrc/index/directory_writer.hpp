// Writes the sections that speed up searches in a shard.
#pragma once

#include <cstddef>
#include <filesystem>

#include "suffix/suffix_sort.hpp"

namespace infgram {

// Writes `directory.bin`, `continuations.bin` and `stored_contexts.bin` of a shard whose other sections are finished.
// Cost: index/survey.hpp. Throws IndexDamagedError, StorageError, and what `progress` throws.
void write_directory(const std::filesystem::path& folder, std::size_t n_threads, const SortProgress& progress);

}  // namespace infgram
