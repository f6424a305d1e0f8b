// A proof, in linear time, that a suffix array is complete and sorted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/types.hpp"
#include "storage/packed_array.hpp"
#include "suffix/suffix_sort.hpp"
#include "suffix/text.hpp"

namespace infgram {

// Returns what is wrong, or nothing when `suffix_array` holds exactly the suffixes of `text` in the order that
// text.hpp states, `first_token_starts` (vocab_size + 1 entries) their ranks by first token, and `document_starts`
// (n_documents + 1 entries) the places after the separators.
//
// Method: take the suffixes in the claimed order, ends of documents first. The suffixes one token longer, grouped by
// that token, must then fill the groups of the array from front to back: an array is sorted if and only if its groups
// by first token are in place and, within each, the rest of the suffixes ascend (Burkhardt, Kärkkäinen, CPM 2003).
// Every place is filled once, so the array is complete too.
// Cost: O(n); one random and two mostly sequential reads a suffix; 8 bytes a vocabulary entry of memory.
std::optional<std::string> find_suffix_array_fault(const AnyText& text, const PackedArray& suffix_array,
                                                   const PackedArray& first_token_starts,
                                                   const PackedArray& document_starts, const SortProgress& progress);

}  // namespace infgram
