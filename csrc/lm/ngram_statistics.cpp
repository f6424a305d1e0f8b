#include "lm/ngram_statistics.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <limits>

#include "base/parallel.hpp"
#include "lm/next_token_counts.hpp"

namespace infgram {
namespace {

constexpr std::uint64_t kBatch = 64;                      // suffixes whose reads are in flight together
constexpr std::uint64_t kChunk = std::uint64_t{1} << 18;  // suffixes per task, approximately

// The first kSurveyedOrders lanes of a suffix, packed into words of the same order, and the preceding code.
template <StoredToken Token>
struct Gram {
  static constexpr unsigned kLanes = Text<Token>::kKeyTokens;
  static constexpr std::size_t kWords = kSurveyedOrders / kLanes;
  std::array<std::uint64_t, kWords> words;
  TokenCode preceding;  // 0 at the start of a document

  // The number of lanes shared with another gram, at most kSurveyedOrders.
  [[nodiscard]] std::size_t shared(const Gram& other) const {
    for (std::size_t w = 0; w < kWords; ++w) {
      const std::uint64_t difference = words[w] ^ other.words[w];
      if (difference != 0) {
        return w * kLanes + static_cast<unsigned>(std::countl_zero(difference)) / Text<Token>::kTokenBits;
      }
    }
    return kSurveyedOrders;
  }

  // The number of n-grams that begin here, one per order. The last code of an n-gram may be the end of the document.
  [[nodiscard]] std::size_t n_orders() const {
    for (std::size_t w = 0; w < kWords; ++w) {
      if (!Text<Token>::ends(words[w])) continue;
      return std::min<std::size_t>(w * kLanes + Text<Token>::n_tokens(words[w]) + 1, kSurveyedOrders);
    }
    return kSurveyedOrders;
  }
};

// Iterates over the live suffixes of a range of one shard, in order.
template <StoredToken Token>
class GramStream {
 public:
  GramStream(const Shard& shard, SuffixRange range)
      : shard_(&shard), text_(shard.typed_text<Token>()), ranks_(shard.live_ranks(range)) {
    fill();
  }

  [[nodiscard]] bool is_done() const { return at_ == n_; }
  [[nodiscard]] const Gram<Token>& front() const { return grams_[at_]; }
  void advance() {
    if (++at_ == n_) fill();
  }

 private:
  void fill() {
    at_ = 0;
    std::array<std::uint64_t, kBatch> positions;
    for (n_ = 0; n_ < kBatch && !ranks_.is_done(); ++n_, ranks_.advance()) {
      positions[n_] = shard_->position(ranks_.rank());
      text_.prefetch(positions[n_]);
    }
    for (std::uint64_t i = 0; i < n_; ++i) grams_[i] = read(positions[i]);
  }

  [[nodiscard]] Gram<Token> read(Position position) const {
    Gram<Token> gram{};
    gram.preceding = position == 0 ? 0 : shard_->code<Token>(position - 1);
    for (std::uint64_t& word : gram.words) {
      word = text_.key(position);
      if (Text<Token>::ends(word)) break;
      position += Gram<Token>::kLanes;
    }
    return gram;
  }

  const Shard* shard_;
  Text<Token> text_;
  LiveRanks ranks_;
  std::uint64_t at_ = 0;
  std::uint64_t n_ = 0;
  std::array<Gram<Token>, kBatch> grams_;
};

// Counts the distinct codes of a group. Starting a new group takes O(1).
class DistinctCodes {
 public:
  explicit DistinctCodes(std::uint64_t n_codes) : group_of_(n_codes) {}
  void begin() {
    if (++group_ != 0) return;
    std::ranges::fill(group_of_, 0);
    group_ = 1;
  }
  // Returns whether the code is new in this group.
  bool add(TokenCode code) { return std::exchange(group_of_[code], group_) != group_; }

 private:
  std::vector<std::uint32_t> group_of_;
  std::uint32_t group_ = 0;
};

void add_value(CountsOfCounts& counts, std::uint64_t value) {
  if (value >= 1 && value <= counts.size()) ++counts[value - 1];
}

// The current n-gram of one order. Preceding codes are compared from its second occurrence on.
class OpenGram {
 public:
  explicit OpenGram(std::uint64_t n_codes) : preceding_(n_codes) {}

  void open(TokenCode preceding) {
    count_ = 1;
    first_preceding_ = preceding;
    n_preceding_ = preceding != 0 ? 1 : 0;
    has_start_ = preceding == 0;
  }
  void add(TokenCode preceding) {
    if (++count_ == 2) {
      preceding_.begin();
      if (first_preceding_ != 0) preceding_.add(first_preceding_);
    }
    if (preceding == 0) {
      has_start_ = true;
    } else if (preceding_.add(preceding)) {
      ++n_preceding_;
    }
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t n_preceding() const { return n_preceding_; }
  // See lm/next_token_counts.hpp.
  [[nodiscard]] std::uint64_t left_extension_count() const {
    return n_preceding_ > 0 ? n_preceding_ + (has_start_ ? 1 : 0) : count_;
  }

 private:
  DistinctCodes preceding_;
  std::uint64_t count_ = 0;
  TokenCode first_preceding_ = 0;
  std::uint64_t n_preceding_ = 0;
  bool has_start_ = false;
};

template <StoredToken Token>
class Surveyor {
 public:
  Surveyor(const Index& index, NgramStatistics& unigrams) : index_(index), unigrams_(unigrams) {
    for (std::size_t n = 0; n <= kSurveyedOrders; ++n) open_.emplace_back(index.vocab_size() + 1);
  }

  // Surveys all n-grams that begin with this token. Call once per token, in any order.
  void run(TokenId token) {
    std::vector<GramStream<Token>> streams;
    for (const Shard& shard : index_.shards()) {
      const SuffixRange range = shard.first_token_range(token);
      streams.emplace_back(shard, range);
      if (streams.back().is_done()) streams.pop_back();
    }
    if (streams.empty()) return;
    Gram<Token> previous{};
    std::size_t n_open = 0;
    while (!streams.empty()) {
      auto least = streams.begin();
      for (auto stream = least + 1; stream < streams.end(); ++stream) {
        if (stream->front().words < least->front().words) least = stream;
      }
      const Gram<Token>& gram = least->front();
      const std::size_t n_orders = gram.n_orders();
      const std::size_t shared = n_open == 0 ? 0 : std::min(gram.shared(previous), n_orders);
      for (std::size_t n = 1; n <= shared; ++n) open_[n].add(gram.preceding);
      for (std::size_t n = shared + 1; n <= n_open; ++n) close(n);
      for (std::size_t n = shared + 1; n <= n_orders; ++n) open_[n].open(gram.preceding);
      n_open = n_orders;
      previous = gram;
      least->advance();
      if (least->is_done()) streams.erase(least);
    }
    unigrams_.unigram_left_extensions[code_of(token)] = open_[1].n_preceding();
    for (std::size_t n = 2; n <= n_open; ++n) close(n);
  }

  [[nodiscard]] const NgramStatistics& result() const { return result_; }

 private:
  void close(std::size_t n) {
    add_value(result_.of_counts[n], open_[n].count());
    add_value(result_.of_left_extensions[n], open_[n].left_extension_count());
  }

  const Index& index_;
  NgramStatistics& unigrams_;
  NgramStatistics result_;  // of orders above 1
  std::vector<OpenGram> open_;
};

// Partitions the tokens into chunks of about kChunk suffixes: chunk i is the tokens [chunks[i], chunks[i + 1]).
std::vector<std::uint64_t> chunks_of(const Index& index) {
  std::vector<std::uint64_t> chunks = {0};
  std::uint64_t n = 0;
  for (std::uint64_t token = 0; token < index.vocab_size(); ++token) {
    for (const Shard& shard : index.shards()) n += shard.first_token_range(static_cast<TokenId>(token)).size();
    if (n >= kChunk || token + 1 == index.vocab_size()) {
      chunks.push_back(token + 1);
      n = 0;
    }
  }
  return chunks;
}

std::uint64_t n_last_tokens(const Index& index) {
  DistinctCodes last(index.vocab_size() + 1);
  last.begin();
  std::uint64_t n = 0;
  for (const Shard& shard : index.shards()) {
    shard.text().visit([&]<class Token>(Text<Token>) {
      for (std::uint64_t document = 0; document < shard.n_stored_documents(); ++document) {
        const auto [begin, end] = shard.document_span(document);
        if (begin < end && !shard.is_removed(document) && last.add(shard.code<Token>(end - 1))) ++n;
      }
    });
  }
  return n;
}

}  // namespace

NgramStatistics survey_ngrams(const Index& index, std::size_t n_threads, const SortProgress& progress) {
  NgramStatistics result;
  result.unigram_left_extensions.resize(index.vocab_size() + 1);
  result.unigram_left_extensions[0] = n_last_tokens(index);
  const auto chunks = chunks_of(index);
  index.shards().front().text().visit([&]<class Token>(Text<Token>) {
    std::vector<Surveyor<Token>> surveyors;
    surveyors.reserve(n_threads);
    for (std::size_t worker = 0; worker < n_threads; ++worker) surveyors.emplace_back(index, result);
    std::atomic<std::uint64_t> n_done = 0;
    parallel_for(chunks.size() - 1, n_threads, [&](std::size_t i, std::size_t worker) {
      for (std::uint64_t token = chunks[i]; token < chunks[i + 1]; ++token) {
        surveyors[worker].run(static_cast<TokenId>(token));
        for (const Shard& shard : index.shards()) {
          n_done += shard.live_count(shard.first_token_range(static_cast<TokenId>(token)));
        }
        if (worker == 0) progress(n_done);
      }
    });
    for (const Surveyor<Token>& surveyor : surveyors) {
      for (std::size_t n = 2; n <= kSurveyedOrders; ++n) {
        for (std::size_t i = 0; i < 4; ++i) {
          result.of_counts[n][i] += surveyor.result().of_counts[n][i];
          result.of_left_extensions[n][i] += surveyor.result().of_left_extensions[n][i];
        }
      }
    }
  });
  for (const std::uint64_t left_extensions : result.unigram_left_extensions)
    add_value(result.of_left_extensions[1], left_extensions);
  return result;
}

}  // namespace infgram
