// Proves in linear time that a suffix array is complete and sorted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/types.hpp"
#include "storage/packed_array.hpp"
#include "suffix/suffix_sort.hpp"
#include "suffix/text.hpp"

namespace infgram {

// Returns a description of the first fault, or nothing if `suffix_array` holds exactly the suffixes of `text` in the
// order that text.hpp defines, `first_token_starts` (vocab_size + 1 elements) their ranks by first token, and
// `document_starts` (n_documents + 1 elements) the positions after the separators.
//
// Method: go through the suffixes in the claimed order, after the ends of documents. The suffixes that are one token
// longer, grouped by that token, must fill the groups of the array front to back: an array is sorted if and only if its
// groups by first token are in place and, within each group, the suffixes without their first token ascend (Burkhardt,
// Kärkkäinen, CPM 2003). Every element is checked once, so the array is complete, too.
// Cost: O(n); one random and two mostly sequential reads per suffix. Memory: 8 bytes per vocabulary entry.
std::optional<std::string> find_suffix_array_fault(const AnyText& text, const PackedArray& suffix_array,
                                                   const PackedArray& first_token_starts,
                                                   const PackedArray& document_starts, const SortProgress& progress);

}  // namespace infgram
