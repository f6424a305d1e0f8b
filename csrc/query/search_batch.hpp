// Pattern searches that run together on one thread.
#pragma once

#include <cstdint>
#include <span>
#include <utility>

#include "base/concepts.hpp"
#include "index/index.hpp"
#include "query/descent.hpp"

namespace infgram {

// Calls f with an (unused) Text of the index's token type.
template <class F>
decltype(auto) with_token_type(const Index& index, F&& f) {
  return index.shards().front().text().visit(std::forward<F>(f));
}

// The search for a pattern in a whole shard. REQUIRES a pattern that is not empty.
template <StoredToken Token>
PatternSearch<Token> search_in(const Shard& shard, Pattern<Token> pattern) {
  return {&shard, pattern, shard.first_token_range(pattern.data[0]), 1};
}

// Fills `at` of each search. At a trivial one it covers the whole range. Throws IndexDamagedError.
template <StoredToken Token>
void insert_all(std::span<PatternSearch<Token>> searches) {
  interleave(searches.size(), [&](std::size_t i) {
    PatternSearch<Token>& search = searches[i];
    if (!search.is_trivial()) return insert(search);
    search.at = {search.within.lo, 0, search.within.empty() ? 0 : search.depth};
    return Strand();
  });
}

// Finds the ranges of the suffixes that begin with each whole pattern, into ranges[0], …, ranges[searches.size() - 1].
// REQUIRES that insert_all() was called. Throws IndexDamagedError.
template <StoredToken Token>
void extend_all(std::span<PatternSearch<Token>> searches, SuffixRange* ranges) {
  interleave(searches.size(), [&](std::size_t i) {
    const PatternSearch<Token>& search = searches[i];
    const std::uint64_t size = search.pattern.size;
    ranges[i] = search.is_trivial() ? search.within : SuffixRange{search.at.rank, search.at.rank};
    if (search.is_trivial() || search.at.above < size) return Strand();
    return extend(search, size, size, ranges + i);
  });
}

}  // namespace infgram
