// Buckets of suffixes with equal first tokens, and blocks of adjacent buckets that are sorted together.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <utility>
#include <vector>

#include "base/concepts.hpp"
#include "base/parallel.hpp"
#include "suffix/key_range.hpp"
#include "suffix/text.hpp"

namespace infgram {

// Assigns suffixes to buckets by their first token (by two tokens of 8 bits; by at most the highest 20 bits of a 32-bit
// token). Buckets are in the order of their suffixes.
template <StoredToken Token>
class Buckets {
 public:
  explicit Buckets(Token largest_id) {
    const auto id_bits = static_cast<unsigned>(std::bit_width(std::uint64_t{largest_id} + 1));
    shift_ = sizeof(Token) < 4 ? 48 : 32 + std::max(0, static_cast<int>(id_bits) - kMaxIdBits);
    const std::uint64_t largest = sizeof(Token) == 4   ? (std::uint64_t{largest_id} + 1) >> (shift_ - 32)
                                  : sizeof(Token) == 2 ? std::uint64_t{largest_id} + 1
                                                       : (std::uint64_t{largest_id} + 1) * 256 + largest_id + 1;
    n_buckets_ = static_cast<std::size_t>(largest) + 1;
  }

  [[nodiscard]] std::size_t size() const { return n_buckets_; }

  // Returns the bucket of the suffix at `position`. REQUIRES position < text.size().
  [[nodiscard]] std::size_t of(const Text<Token>& text, Position position) const {
    if constexpr (sizeof(Token) == 2) return static_cast<Token>(text[position] + 1);
    return text.key(position) >> shift_;
  }

  // The number of tokens that all suffixes of a bucket share; 0 if a bucket covers several tokens.
  [[nodiscard]] unsigned depth() const { return sizeof(Token) == 4 ? (shift_ == 32 ? 1 : 0) : 2 / sizeof(Token); }

  // Whether all suffixes of the bucket end within depth() tokens.
  [[nodiscard]] bool ends(std::size_t bucket) const {
    return sizeof(Token) == 1 ? bucket % 256 == 0 : bucket == 0 && depth() > 0;
  }

  // The smallest and the largest key that a suffix of the bucket can have.
  [[nodiscard]] std::uint64_t smallest_key(std::size_t bucket) const { return std::uint64_t{bucket} << shift_; }
  [[nodiscard]] std::uint64_t largest_key(std::size_t bucket) const {
    return smallest_key(bucket) | ((std::uint64_t{1} << shift_) - 1);
  }

 private:
  static constexpr int kMaxIdBits = 20;
  unsigned shift_;
  std::size_t n_buckets_;
};

// Adjacent buckets that are sorted together. The suffixes of a bucket that is too large for a block are partitioned
// again by the tokens that follow; the buckets of such a block refer to what follows the tokens that all its suffixes
// share.
struct Block {
  struct BucketSize {
    std::size_t bucket;
    std::uint64_t n_suffixes;
  };

  std::vector<std::uint64_t> shared_keys;  // the keys of the shared tokens, in order
  std::uint64_t smallest_key;              // of the tokens after the shared ones
  std::uint64_t largest_key;
  unsigned n_shared_tokens;         // before the tokens that the buckets refer to
  std::vector<BucketSize> buckets;  // without empty ones
  std::uint64_t first_rank;         // the number of suffixes in earlier blocks
  std::uint64_t n_suffixes;
  bool is_tied = false;             // too large for a block, but its suffixes share all tokens that are compared
  std::uint64_t smallest_rank = 0;  // of a tied block that was divided by the ranks in the sample
  std::uint64_t largest_rank = ~std::uint64_t{0};
};

// The suffixes to sort: all of them, or a sample. `for_each(begin, end, keys, f)` calls f(position) for the selected
// suffixes in [begin, end) whose first key is in `keys`, in text order.
template <class T, class Token>
concept SuffixSelection = requires(const T& selection, const KeyRange<Token>& keys, void (&f)(Position)) {
  selection.for_each(Position{}, Position{}, keys, f);
};

// Calls f(position) for the selected suffixes in [begin, end) that begin with the shared keys, followed by a key in
// [smallest_key, largest_key], in text order.
template <StoredToken Token, SuffixSelection<Token> Selection, PositionVisitor F>
void for_each_suffix(const Text<Token>& text, const Selection& selection, std::uint64_t begin, std::uint64_t end,
                     const std::vector<std::uint64_t>& shared_keys, std::uint64_t smallest_key,
                     std::uint64_t largest_key, F&& f) {
  if (shared_keys.empty()) {
    const std::uint64_t smallest = std::max(smallest_key, std::uint64_t{1} << (64 - Text<Token>::kTokenBits));
    return selection.for_each(begin, end, KeyRange<Token>(text, smallest, largest_key),
                              f);  // excludes separators, whose key is 0
  }
  const KeyRange<Token> last(text, smallest_key, largest_key);
  const KeyRange<Token> first(text, shared_keys[0], shared_keys[0]);
  selection.for_each(begin, end, first, [&](Position position) {
    std::uint64_t next = position;
    for (std::size_t i = 1; i < shared_keys.size(); ++i) {
      next += Text<Token>::kKeyTokens;
      if (text.key(next) != shared_keys[i]) return;
    }
    if (last.contains(next + Text<Token>::kKeyTokens)) f(position);
  });
}

// Calls f(position) for the selected suffixes in [begin, end) that are in the block, in text order. The range of ranks
// of a tied block is ignored.
template <StoredToken Token, SuffixSelection<Token> Selection, PositionVisitor F>
void for_each_suffix(const Text<Token>& text, const Selection& selection, std::uint64_t begin, std::uint64_t end,
                     const Block& block, F&& f) {
  for_each_suffix(text, selection, begin, end, block.shared_keys, block.smallest_key, block.largest_key, f);
}

// The desired and the largest number of suffixes of a block.
struct BlockSizes {
  std::uint64_t wanted;
  std::uint64_t largest;
};

// Partitions the suffixes of a selection into blocks.
template <StoredToken Token, SuffixSelection<Token> Selection>
class BlockPartitioner {
 public:
  // A block is larger than the largest size only if its suffixes share `depth` tokens or end together. A single bucket
  // may exceed the desired size: up to twice, or if nearly all its suffixes continue with the same token.
  BlockPartitioner(Text<Token> text, const Buckets<Token>& buckets, const Selection& selection, const BlockSizes& sizes,
                   unsigned depth, std::size_t n_threads)
      : text_(text),
        buckets_(buckets),
        selection_(selection),
        block_sizes_(sizes),
        depth_(depth),
        n_threads_(n_threads) {}

  // Returns the blocks in suffix order. Cost: one pass over the text, plus one per bucket that is partitioned again.
  [[nodiscard]] std::vector<Block> partition() {
    partition(Prefix{});
    return std::move(blocks_);
  }

 private:
  // Tokens that suffixes share: whole keys, then the high lanes of the next key, whose other lanes are 0.
  struct Prefix {
    std::vector<std::uint64_t> keys;
    unsigned n_lanes = 0;
    std::uint64_t smallest_key = 0;

    [[nodiscard]] unsigned bits() const { return n_lanes * Text<Token>::kTokenBits; }
    [[nodiscard]] std::uint64_t largest_key() const { return smallest_key | ~std::uint64_t{0} >> bits(); }
    [[nodiscard]] unsigned n_tokens() const {
      return static_cast<unsigned>(keys.size()) * Text<Token>::kKeyTokens + n_lanes;
    }
  };

  void partition(const Prefix& prefix) {
    const std::vector<std::uint64_t> sizes = count(prefix);
    const bool can_split_further = buckets_.depth() > 0 && prefix.n_tokens() + buckets_.depth() < depth_;
    const std::uint64_t n_suffixes = std::reduce(sizes.begin(), sizes.end());
    bool is_block_open = false;
    for (std::size_t bucket = 0; bucket < sizes.size(); ++bucket) {
      if (sizes[bucket] == 0) continue;
      const std::uint64_t smallest_key = prefix.smallest_key | buckets_.smallest_key(bucket) >> prefix.bits();
      const bool can_be_split = can_split_further && !buckets_.ends(bucket);
      const bool is_too_large = sizes[bucket] > block_sizes_.largest;
      const bool is_large = sizes[bucket] > 2 * block_sizes_.wanted && sizes[bucket] < n_suffixes / 64 * 63;
      if (can_be_split && (is_too_large || is_large)) {
        partition(longer(prefix, smallest_key));
        is_block_open = false;
        continue;
      }
      if (!is_block_open || blocks_.back().n_suffixes + sizes[bucket] > block_sizes_.wanted) {
        blocks_.push_back({prefix.keys, smallest_key, 0, prefix.n_tokens(), {}, n_suffixes_, 0});
        blocks_.back().is_tied = is_too_large && buckets_.depth() > 0 && !buckets_.ends(bucket);
        is_block_open = true;
      }
      Block& block = blocks_.back();
      block.largest_key = prefix.smallest_key | buckets_.largest_key(bucket) >> prefix.bits();
      block.buckets.push_back({bucket, sizes[bucket]});
      block.n_suffixes += sizes[bucket];
      n_suffixes_ += sizes[bucket];
    }
  }

  // The prefix extended by the tokens of one of its buckets.
  [[nodiscard]] Prefix longer(const Prefix& prefix, std::uint64_t smallest_key) const {
    Prefix result{prefix.keys, prefix.n_lanes + buckets_.depth(), smallest_key};
    if (result.n_lanes == Text<Token>::kKeyTokens) {
      result.keys.push_back(smallest_key);
      result.n_lanes = 0;
      result.smallest_key = 0;
    }
    return result;
  }

  // The sizes of the buckets of what follows the prefix.
  [[nodiscard]] std::vector<std::uint64_t> count(const Prefix& prefix) const {
    std::vector<std::vector<std::uint64_t>> sizes(n_threads_);
    parallel_for(n_threads_, n_threads_, [&](std::size_t chunk, std::size_t) {
      sizes[chunk].resize(buckets_.size());
      const std::uint64_t begin = text_.size() * chunk / n_threads_;
      const std::uint64_t end = text_.size() * (chunk + 1) / n_threads_;
      for_each_suffix(text_, selection_, begin, end, prefix.keys, prefix.smallest_key, prefix.largest_key(),
                      [&](Position position) { ++sizes[chunk][buckets_.of(text_, position + prefix.n_tokens())]; });
    });
    for (std::size_t chunk = 1; chunk < sizes.size(); ++chunk) {
      std::ranges::transform(sizes[0], sizes[chunk], sizes[0].begin(), std::plus());
    }
    return std::move(sizes[0]);
  }

  Text<Token> text_;
  const Buckets<Token>& buckets_;
  const Selection& selection_;
  BlockSizes block_sizes_;
  unsigned depth_;
  std::size_t n_threads_;
  std::vector<Block> blocks_;
  std::uint64_t n_suffixes_ = 0;
};

}  // namespace infgram
