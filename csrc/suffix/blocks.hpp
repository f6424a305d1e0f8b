// Which suffixes are sorted at a time: buckets of equal first tokens, and blocks of neighbouring buckets.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <utility>
#include <vector>

#include "base/parallel.hpp"
#include "suffix/key_range.hpp"
#include "suffix/text.hpp"

namespace infgram {

// Which bucket a suffix belongs to: its first token (two of 8 bits; of 32 bits at most the highest 20).
// Buckets ascend with the order of suffixes.
template <class Token>
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

  // That of the suffix at this position. REQUIRES position < text.size().
  [[nodiscard]] std::size_t of(const Text<Token>& text, std::uint64_t position) const {
    if constexpr (sizeof(Token) == 2) return static_cast<Token>(text[position] + 1);
    return text.key(position) >> shift_;
  }

  // The tokens that all suffixes of a bucket share; 0 when these are not whole ones.
  [[nodiscard]] unsigned depth() const { return sizeof(Token) == 4 ? (shift_ == 32 ? 1 : 0) : 2 / sizeof(Token); }

  // Whether all suffixes of the bucket end within depth() tokens.
  [[nodiscard]] bool ends(std::size_t bucket) const {
    return sizeof(Token) == 1 ? bucket % 256 == 0 : bucket == 0 && depth() > 0;
  }

  // The keys of a bucket's suffixes lie between these two.
  [[nodiscard]] std::uint64_t smallest_key(std::size_t bucket) const { return std::uint64_t{bucket} << shift_; }
  [[nodiscard]] std::uint64_t largest_key(std::size_t bucket) const {
    return smallest_key(bucket) | ((std::uint64_t{1} << shift_) - 1);
  }

 private:
  static constexpr int kMaxIdBits = 20;
  unsigned shift_;
  std::size_t n_buckets_;
};

// Neighbouring buckets that are sorted together. Where a bucket has too many suffixes for a block, these are cut again
// by the tokens that follow: then the buckets are those of what follows the tokens that all suffixes of the block
// share.
struct Block {
  struct BucketSize {
    std::size_t bucket;
    std::uint64_t n_suffixes;
  };

  std::vector<std::uint64_t> shared_keys;  // of all its suffixes: their key, the one that follows it, and so on
  std::uint64_t smallest_key;              // of what follows them
  std::uint64_t largest_key;
  unsigned n_shared_tokens;         // in all, before the token that the buckets are of
  std::vector<BucketSize> buckets;  // those that are not empty
  std::uint64_t first_rank;         // the number of suffixes in the blocks before
  std::uint64_t n_suffixes;
  bool is_tied = false;  // too large for a block, but no tokens tell its suffixes apart: they agree as far as is sorted
  std::uint64_t smallest_rank = 0;  // of a tied block's suffixes, where their ranks in the sample divide it further
  std::uint64_t largest_rank = ~std::uint64_t{0};
};

// Calls f(position) for the suffixes of `selection` from [begin, end) that have the shared keys, and a key between the
// two after them, in text order. A selection's `for_each(begin, end, key_range, f)` does so for the first key alone.
template <class Token, class Selection, class F>
void for_each_suffix(const Text<Token>& text, const Selection& selection, std::uint64_t begin, std::uint64_t end,
                     const std::vector<std::uint64_t>& shared_keys, std::uint64_t smallest_key,
                     std::uint64_t largest_key, F&& f) {
  if (shared_keys.empty()) {
    const std::uint64_t smallest = std::max(smallest_key, std::uint64_t{1} << (64 - Text<Token>::kTokenBits));
    return selection.for_each(begin, end, KeyRange<Token>(text, smallest, largest_key), f);  // no separator: key 0
  }
  const KeyRange<Token> last(text, smallest_key, largest_key);
  const KeyRange<Token> first(text, shared_keys[0], shared_keys[0]);
  selection.for_each(begin, end, first, [&](std::uint64_t position) {
    std::uint64_t next = position;
    for (std::size_t i = 1; i < shared_keys.size(); ++i) {
      next += Text<Token>::kKeyTokens;
      if (text.key(next) != shared_keys[i]) return;
    }
    if (last.contains(next + Text<Token>::kKeyTokens)) f(position);
  });
}

// Calls f(position) for the suffixes of `selection` from [begin, end) that are in the block, in text order; of a tied
// block for all that agree.
template <class Token, class Selection, class F>
void for_each_suffix(const Text<Token>& text, const Selection& selection, std::uint64_t begin, std::uint64_t end,
                     const Block& block, F&& f) {
  for_each_suffix(text, selection, begin, end, block.shared_keys, block.smallest_key, block.largest_key, f);
}

// How many suffixes a block should have, and how many it may have.
struct BlockSizes {
  std::uint64_t wanted;
  std::uint64_t largest;
};

// Cuts the suffixes of a selection into blocks.
template <class Token, class Selection>
class BlockCutter {
 public:
  // Only blocks whose suffixes agree in `depth` tokens, or end together, have more than the largest size. One bucket
  // may have more than is wanted: twice as many, or where the next token of nearly all is the same.
  BlockCutter(Text<Token> text, const Buckets<Token>& buckets, const Selection& selection, const BlockSizes& sizes,
              unsigned depth, std::size_t n_threads)
      : text_(text),
        buckets_(buckets),
        selection_(selection),
        block_sizes_(sizes),
        depth_(depth),
        n_threads_(n_threads) {}

  // Blocks in the order of their suffixes. Cost: one pass over the text, and one a bucket that must be cut again.
  [[nodiscard]] std::vector<Block> cut() {
    cut(Prefix{});
    return std::move(blocks_);
  }

 private:
  // Tokens that suffixes share: whole keys, and the high lanes of the next one, whose other lanes are 0.
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

  void cut(const Prefix& prefix) {
    const std::vector<std::uint64_t> sizes = count(prefix);
    const bool can_cut_again = buckets_.depth() > 0 && prefix.n_tokens() + buckets_.depth() < depth_;
    const std::uint64_t n_suffixes = std::reduce(sizes.begin(), sizes.end());
    bool is_block_open = false;
    for (std::size_t bucket = 0; bucket < sizes.size(); ++bucket) {
      if (sizes[bucket] == 0) continue;
      const std::uint64_t smallest_key = prefix.smallest_key | buckets_.smallest_key(bucket) >> prefix.bits();
      const bool can_be_cut = can_cut_again && !buckets_.ends(bucket);
      const bool is_too_large = sizes[bucket] > block_sizes_.largest;
      const bool is_large = sizes[bucket] > 2 * block_sizes_.wanted && sizes[bucket] < n_suffixes / 64 * 63;
      if (can_be_cut && (is_too_large || is_large)) {
        cut(longer(prefix, smallest_key));
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

  // The prefix and the tokens of one of its buckets.
  Prefix longer(const Prefix& prefix, std::uint64_t smallest_key) const {
    Prefix result{prefix.keys, prefix.n_lanes + buckets_.depth(), smallest_key};
    if (result.n_lanes == Text<Token>::kKeyTokens) {
      result.keys.push_back(smallest_key);
      result.n_lanes = 0;
      result.smallest_key = 0;
    }
    return result;
  }

  // The sizes of the buckets of what follows the prefix.
  std::vector<std::uint64_t> count(const Prefix& prefix) const {
    std::vector<std::vector<std::uint64_t>> sizes(n_threads_);
    parallel_for(n_threads_, n_threads_, [&](std::size_t chunk, std::size_t) {
      sizes[chunk].resize(buckets_.size());
      const std::uint64_t begin = text_.size() * chunk / n_threads_;
      const std::uint64_t end = text_.size() * (chunk + 1) / n_threads_;
      for_each_suffix(
          text_, selection_, begin, end, prefix.keys, prefix.smallest_key, prefix.largest_key(),
          [&](std::uint64_t position) { ++sizes[chunk][buckets_.of(text_, position + prefix.n_tokens())]; });
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
