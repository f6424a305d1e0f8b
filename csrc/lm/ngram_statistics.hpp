// Counts of counts: how many n-grams occur once, twice, three and four times. Kneser-Ney discounts are estimated from
// them.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "index/index.hpp"

namespace infgram {

// The largest order that is surveyed. Longer n-grams use its discounts.
inline constexpr std::size_t kSurveyedOrders = 8;

// The number of n-grams of one order whose value is 1, 2, 3 and 4.
using CountsOfCounts = std::array<std::uint64_t, 4>;

// Includes n-grams that end with the end of a document. Left-extension counts are defined in lm/next_token_counts.hpp;
// those of single tokens do not count the start of a document, since no model predicts a document's first token.
struct NgramStatistics {
  std::array<CountsOfCounts, kSurveyedOrders + 1> of_counts{};           // [order], from 2 on
  std::array<CountsOfCounts, kSurveyedOrders + 1> of_left_extensions{};  // [order], from 1 on
  std::vector<std::uint64_t> unigram_left_extensions;                    // by code
};

// Merges all shards in suffix order in one pass, so that n-grams are counted across shards.
// Cost: O(n kSurveyedOrders), two random reads per suffix, many in flight; memory 4 kSurveyedOrders bytes per
// vocabulary entry and thread. `progress` receives the number of suffixes on the caller's thread; it may throw to
// cancel. Throws IndexDamagedError.
[[nodiscard]] NgramStatistics survey_ngrams(const Index& index, std::size_t n_threads, const SortProgress& progress);

}  // namespace infgram
