// A piece of a document.
#pragma once

#include <cstdint>
#include <vector>

#include "index/index.hpp"

namespace infgram {

// The token ids of a document from offset `begin` up to `end`, or to its end if that comes first; empty when it comes
// before `begin`. Cost: a look-up of the document, and the piece. Throws QueryError when there is no such document.
[[nodiscard]] std::vector<std::int64_t> read_window(const Index& index, std::uint64_t document, std::uint64_t begin,
                                                    std::uint64_t end);

}  // namespace infgram
