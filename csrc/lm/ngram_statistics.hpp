// How many n-grams occur once, twice, three and four times: what Kneser-Ney discounts are estimated from.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "index/index.hpp"

namespace infgram {

// N-grams of so many tokens at most are surveyed; longer ones take the discounts of the longest.
inline constexpr std::size_t kSurveyedOrders = 8;

// The n-grams of one order whose value is 1, 2, 3, 4.
using CountsOfCounts = std::array<std::uint64_t, 4>;

// Of all n-grams, those that end with the end of a document included. Continuation counts: lm/rows.hpp; those of
// single tokens count tokens alone, since nothing predicts a document's first.
struct NgramStatistics {
  std::array<CountsOfCounts, kSurveyedOrders + 1> of_counts{};  // [n], from n = 2 on
  std::array<CountsOfCounts, kSurveyedOrders + 1> of_lefts{};   // [n], from n = 1 on
  std::vector<std::uint64_t> unigram_lefts;                     // by code: 0 for the end of the document, id + 1
};

// Passes over all shards at once, merging them in suffix order, so that n-grams of several shards count as one.
// Cost: O(n kSurveyedOrders), two random reads a suffix, many under way; memory 4 kSurveyedOrders bytes a vocabulary
// entry and thread. `progress` is called on the caller's thread with the suffixes done, and what it throws is thrown.
// Throws IndexDamagedError.
[[nodiscard]] NgramStatistics survey_ngrams(const Index& index, std::size_t n_threads, const SortProgress& progress);

}  // namespace infgram
