// Divides blocks whose suffixes share all compared tokens.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/concepts.hpp"
#include "base/parallel.hpp"
#include "suffix/blocks.hpp"
#include "suffix/sample_ranks.hpp"
#include "suffix/text.hpp"

namespace infgram {

// Replaces each tied block by several of up to `block_size` suffixes, each with a range of ranks in the sample; by at
// most kMostParts, since each costs one pass over the text.
// Cost: one pass over the text per tied block, with ranks read in text order.
template <StoredToken Token, StoredPosition Pos, SuffixSelection<Token> Selection>
std::vector<Block> divide_tied(const Text<Token>& text, const std::vector<Block>& blocks, const Selection& selection,
                               const SampleRanks<Token, Pos>& sample, std::uint64_t block_size, std::size_t n_threads) {
  constexpr std::uint64_t kMostParts = 64;
  constexpr std::uint64_t kBins = 1 << 16;  // equal ranges of ranks; a rank occurs at most once in a tied block
  const std::uint64_t bin_size = sample.size() / kBins + 1;
  std::vector<Block> divided;
  for (const Block& block : blocks) {
    if (!block.is_tied) {
      divided.push_back(block);
      continue;
    }
    std::vector<std::vector<std::uint64_t>> sizes(n_threads, std::vector<std::uint64_t>(kBins));
    parallel_for(n_threads, n_threads, [&](std::size_t chunk, std::size_t) {
      for_each_suffix(text, selection, text.size() * chunk / n_threads, text.size() * (chunk + 1) / n_threads, block,
                      [&](Position position) { ++sizes[chunk][sample.rank_at(position) / bin_size]; });
    });
    const std::uint64_t part_size = std::max(block_size, block.n_suffixes / kMostParts);
    Block part = block;
    part.n_suffixes = 0;
    for (std::uint64_t bin = 0; bin < kBins; ++bin) {
      std::uint64_t n = 0;
      for (const auto& chunk : sizes) n += chunk[bin];
      if (part.n_suffixes + n > part_size) {
        part.largest_rank = bin * bin_size - 1;
        divided.push_back(part);
        part.smallest_rank = bin * bin_size;
        part.n_suffixes = 0;
      }
      part.n_suffixes += n;
    }
    part.largest_rank = ~std::uint64_t{0};
    divided.push_back(std::move(part));
  }
  return divided;
}

}  // namespace infgram
