// Proves in linear time that a suffix array is complete and sorted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/types.hpp"
#include "suffix/document_starts.hpp"
#include "suffix/first_tokens.hpp"
#include "suffix/suffix_array.hpp"
#include "suffix/suffix_sort.hpp"
#include "suffix/text.hpp"

namespace infgram {

// Returns a description of the first fault, or nothing if `suffix_array` holds exactly the suffixes of `text` in the
// order that text.hpp defines, `first_tokens` their ranks by first token, and `document_starts` the positions after the
// separators. `separators` tells how suffixes that are equal to their ends are ordered. If it is null, by position.
// Otherwise those that end with the text come first, then those before separators[0], separators[1], …: all separators
// but the last one.
//
// Method: go through the suffixes in the claimed order, with the ends of documents before or after them. The suffixes
// that are one token longer, grouped by that token, must fill the groups of the array front to back: an array is sorted
// if and only if its groups by first token are in place and, within each group, the suffixes without their first token
// ascend (Burkhardt, Kärkkäinen, CPM 2003). Every element is checked once, so the array is complete, too.
// Cost: O(n); one random and two mostly sequential reads per suffix. Memory: 8 bytes per vocabulary entry; with
// `separators` one bit per document.
std::optional<std::string> find_suffix_array_fault(const AnyText& text, const SuffixArray& suffix_array,
                                                   const FirstTokens& first_tokens,
                                                   const DocumentStarts& document_starts, const PackedArray* separators,
                                                   const SortProgress& progress);

}  // namespace infgram
