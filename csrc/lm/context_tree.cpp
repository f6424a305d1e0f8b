#include "lm/context_tree.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <span>
#include <utility>

#include "query/next_token.hpp"
#include "query/search_batch.hpp"

namespace infgram {
namespace {

constexpr std::uint64_t kBytesPerNextToken = sizeof(TokenCode) + 2 * sizeof(std::uint64_t);
constexpr std::uint64_t kBytesPerNode = sizeof(ContextNode) + 128;  // with its entry in the parent

// The codes before and after each occurrence of a context in one shard, in suffix order.
template <StoredToken Token>
class Neighbors {
 public:
  Neighbors(const Shard& shard, SuffixRange range, std::uint64_t depth)
      : shard_(&shard), text_(shard.typed_text<Token>()), ranks_(shard.live_ranks(range)), depth_(depth) {
    fill();
  }

  [[nodiscard]] bool is_done() const { return at_ == n_; }
  [[nodiscard]] TokenCode before() const { return before_[at_]; }
  [[nodiscard]] TokenCode after() const { return after_[at_]; }
  void advance() {
    if (++at_ == n_) fill();
  }

 private:
  static constexpr std::uint64_t kBatch = 64;

  void fill() {
    at_ = 0;
    std::array<std::uint64_t, kBatch> ends;
    for (n_ = 0; n_ < kBatch && !ranks_.is_done(); ++n_, ranks_.advance()) {
      ends[n_] = shard_->position(ranks_.rank(), depth_);
      text_.prefetch(ends[n_]);
      text_.prefetch(ends[n_] - std::min(ends[n_], depth_ + 1));
    }
    for (std::uint64_t i = 0; i < n_; ++i) {
      after_[i] = shard_->code<Token>(ends[i]);
      before_[i] = ends[i] == depth_ ? 0 : shard_->code<Token>(ends[i] - depth_ - 1);
    }
  }

  const Shard* shard_;
  Text<Token> text_;
  LiveRanks ranks_;
  std::uint64_t depth_;
  std::uint64_t at_ = 0;
  std::uint64_t n_ = 0;
  std::array<TokenCode, kBatch> before_;
  std::array<TokenCode, kBatch> after_;
};

// The indexes of ascending codes, in the order of the suffixes that begin with them.
template <StoredToken Token>
std::vector<std::size_t> order_of_suffixes(std::span<const TokenCode> codes) {
  std::vector<std::size_t> order(codes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if constexpr (kIsBytewise<Token>) {
    std::ranges::sort(order, {}, [&](std::size_t i) { return lane_of_code<Token>(codes[i]); });
  }
  return order;
}

std::shared_ptr<ContextNode> expanded(const Index& index, std::uint64_t serial, std::uint64_t depth,
                                      ShardRanges ranges) {
  auto node = std::make_shared<ContextNode>();
  const NextTokens next = next_tokens(index, ranges, depth);
  node->serial = serial;
  node->depth = depth;
  node->ranges = std::move(ranges);
  node->next_tokens.codes.reserve(next.tokens.size());
  node->next_tokens.counts.reserve(next.tokens.size());
  for (const NextToken& token : next.tokens) {
    node->next_tokens.codes.push_back(code_of(token.id));
    node->next_tokens.counts.push_back(token.count);
    node->next_tokens.count_tally.add(token.count);
  }
  return node;
}

}  // namespace

// The first node dropped in a thread drops the nodes below; each of these only hands over its own children.
ContextNode::~ContextNode() {
  using Nodes = std::vector<std::shared_ptr<ContextNode>>;
  thread_local Nodes* to_drop = nullptr;
  Nodes nodes;
  const bool is_first = to_drop == nullptr;
  if (is_first) to_drop = &nodes;
  for (auto& [code, child] : children) to_drop->push_back(std::move(child));
  if (!is_first) return;
  while (!nodes.empty()) {
    const std::shared_ptr<ContextNode> node = std::move(nodes.back());
    nodes.pop_back();
  }
  to_drop = nullptr;
}

ContextTree::ContextTree(const Index& index, std::uint64_t memory_bytes, std::uint64_t few_occurrences)
    : index_(index),
      memory_bytes_(memory_bytes),
      few_occurrences_(few_occurrences),
      root_(expanded(index, 0, 0, find(index, {}))) {}

ShardRanges ContextTree::extend(const ContextNode& node, std::span<const TokenId> context, TokenId token) const {
  ShardRanges ranges = narrow(index_, context, node.ranges, token);
  if (total_count(index_, ranges) != node.next_tokens.count_of(code_of(token))) index_.throw_bad_counts();
  return ranges;
}

std::shared_ptr<ContextNode> ContextTree::child(ContextNode& node, std::span<const TokenId> context, TokenId token) {
  std::shared_ptr<ContextNode>& child = node.children[code_of(token)];
  if (!child) {
    child = expanded(index_, ++n_nodes_, node.depth + 1, extend(node, context, token));
    n_bytes_ += kBytesPerNode + child->next_tokens.codes.size() * kBytesPerNextToken;
  }
  return child;
}

void ContextTree::count_left_extensions(ContextNode& node) {
  NextTokenCounts& next_tokens = node.next_tokens;
  if (!next_tokens.left_extension_counts.empty()) return;
  seen_.resize(index_.vocab_size() + 1);
  std::vector<std::uint64_t> left_extension_counts(next_tokens.codes.size());
  if (node.depth == 0) {
    // NOLINTNEXTLINE(bugprone-unchecked-optional-access): a precondition
    const std::vector<std::uint64_t>& of_tokens = statistics_->unigram_left_extensions;
    std::ranges::transform(next_tokens.codes, left_extension_counts.begin(),
                           [&](TokenCode code) { return of_tokens[code]; });
  } else {
    with_token_type(index_, [&]<class Token>(Text<Token>) {
      std::vector<Neighbors<Token>> shards;
      shards.reserve(node.ranges.size());
      for (std::size_t s = 0; s < node.ranges.size(); ++s) {
        shards.emplace_back(index_.shards()[s], node.ranges[s], node.depth);
      }
      for (const std::size_t r : order_of_suffixes<Token>(next_tokens.codes)) {
        ++group_;
        std::uint64_t n_tokens = 0;
        bool has_start = false;
        for (Neighbors<Token>& shard : shards) {
          for (; !shard.is_done() && shard.after() == next_tokens.codes[r]; shard.advance()) {
            if (shard.before() == 0) {
              has_start = true;
            } else if (std::exchange(seen_[shard.before()], group_) != group_) {
              ++n_tokens;
            }
          }
        }
        left_extension_counts[r] = n_tokens > 0 ? n_tokens + (has_start ? 1 : 0) : next_tokens.counts[r];
      }
    });
  }
  for (const std::uint64_t left : left_extension_counts) next_tokens.left_extension_tally.add(left);
  next_tokens.left_extension_counts = std::move(left_extension_counts);
}

void ContextTree::set_statistics(NgramStatistics statistics) {
  if (!statistics_) statistics_ = std::move(statistics);
}

void ContextTree::forget() {
  root_->children.clear();
  n_bytes_ = 0;
  ++generation_;
}

}  // namespace infgram
