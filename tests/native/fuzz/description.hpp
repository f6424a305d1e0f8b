// What an open index says of itself: sections, documents, and the ranks of first tokens.
#pragma once

#include "fuzz/hostile_index.hpp"

namespace fuzz {

inline void check_document_numbers(const Shard& shard) {
  for (std::uint64_t d = 0; d < shard.n_stored_documents(); ++d) {
    const std::uint64_t number = shard.document_number(d);
    if (number < shard.first_document() || number >= shard.end_document()) std::abort();
    static_cast<void>(shard.first_document_from(number));
    static_cast<void>(shard.is_removed(d));
  }
}

inline void check_documents(const Shard& shard) {
  std::vector<std::int64_t> ids;
  for (std::uint64_t d = 0; d < shard.n_stored_documents(); ++d) shard.read_tokens(shard.document_span(d), ids);
  for (const std::int64_t id : ids) {
    if (id < 0 || static_cast<std::uint64_t>(id) >= shard.vocab_size()) std::abort();
  }
}

inline void check_first_tokens(const Shard& shard) {
  for (std::uint64_t token = 0; token <= shard.vocab_size() && token < 1000; ++token) {
    const SuffixRange range = shard.first_token_range(static_cast<TokenId>(token));
    if (range.lo > range.hi || range.hi > shard.n_suffixes()) std::abort();
    std::uint64_t n_live = 0;
    for (LiveRanks ranks = shard.live_ranks(range); !ranks.is_done(); ranks.advance()) {
      if (ranks.rank() != shard.rank_of_live(shard.live_rank(range.lo) + n_live++)) std::abort();
    }
    if (n_live != shard.live_count(range)) std::abort();
  }
}

// Asks what the next bytes of the input select.
inline void describe(const Opened& opened, Input& input) {
  const Index& index = opened.index;
  const auto question = input.next<std::uint8_t>();
  const Shard& shard = index.shards()[question / 8U % index.shards().size()];
  switch (question % 8) {
    case 0: return static_cast<void>(shard.sections());
    case 1: return check_document_numbers(shard);
    case 2: return check_documents(shard);
    case 3: return check_first_tokens(shard);
    case 4:
      for (std::uint64_t d = 0; d < shard.n_stored_documents(); ++d) static_cast<void>(std::string(shard.metadata(d)));
      return;
    case 5:
      for (std::uint64_t d = 0; d < shard.n_stored_documents(); ++d) {
        if (const auto source = shard.source(d)) static_cast<void>(std::string(source->name));
      }
      return;
    case 6: {
      const std::vector<std::int64_t> ids = index.document_ids(input.next<std::uint16_t>(), 100);
      for (const std::int64_t id : ids) static_cast<void>(index.locate_document(static_cast<std::uint64_t>(id)));
      return;
    }
    default: {
      const Rank rank = input.next<std::uint16_t>();
      if (rank < shard.n_suffixes()) static_cast<void>(shard.containing_document(shard.position(rank)));
      return;
    }
  }
}

}  // namespace fuzz
