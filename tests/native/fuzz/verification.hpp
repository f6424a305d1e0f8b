// Verification. What passes it counts like a scan of its text.
#pragma once

#include "fuzz/hostile_index.hpp"
#include "query/search.hpp"

namespace fuzz {

inline std::uint64_t scan(const Index& index, std::span<const TokenId> pattern) {
  std::uint64_t count = 0;
  for (const Shard& shard : index.shards()) {
    shard.text().visit_by_token_id([&]<class Token>(Text<Token> text) {
      for (std::uint64_t d = 0; d < shard.n_stored_documents(); ++d) {
        const auto [begin, end] = shard.document_span(d);
        for (Position at = begin; !shard.is_removed(d) && at + pattern.size() <= end; ++at) {
          count += std::equal(pattern.begin(), pattern.end(), text.data() + at) ? 1 : 0;
        }
      }
    });
  }
  return count;
}

inline void verify(const Opened& opened, Input& input) {
  opened.index.verify([](std::uint64_t) {});
  for (std::size_t i = 0; i < 2; ++i) {
    const std::vector<TokenId> tokens = sequence_of(opened, input);
    const auto pattern = std::span(tokens).first(std::min<std::size_t>(tokens.size(), 1 + 2 * i));
    if (pattern.empty()) continue;
    if (total_count(opened.index, find(opened.index, pattern)) != scan(opened.index, pattern)) std::abort();
  }
}

}  // namespace fuzz
