// Reads a part of a document, and its length.
#pragma once

#include <cstdint>
#include <vector>

#include "index/index.hpp"

namespace infgram {

// Returns the token ids of a document in [begin, end), clipped to its length. Cost: a document look-up, and the tokens.
// Throws QueryError if there is no such document.
[[nodiscard]] std::vector<std::int64_t> read_window(const Index& index, std::uint64_t document, std::uint64_t begin,
                                                    std::uint64_t end);

// Returns the number of tokens of a document. Cost: a document look-up. Throws QueryError as read_window.
[[nodiscard]] std::uint64_t document_length(const Index& index, std::uint64_t document);

}  // namespace infgram
