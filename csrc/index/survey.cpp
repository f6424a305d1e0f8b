#include "index/survey.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <span>
#include <utility>

#include "base/errors.hpp"
#include "base/parallel.hpp"
#include "index/next_token_reader.hpp"

namespace infgram {
namespace {

constexpr std::size_t kBatch = 64;                        // reads in flight
constexpr std::uint64_t kChunk = std::uint64_t{1} << 20;  // suffixes per task, approximately
constexpr std::size_t kContextsPerBatch =
    std::size_t{64};  // contexts whose next tokens are read before the size is checked

// A range of samples. Sample s is the suffix at rank s * kSampleStep.
struct Samples {
  std::uint64_t begin;
  std::uint64_t end;
  [[nodiscard]] std::uint64_t size() const { return end - begin; }
};

// A context that may be stored.
struct Candidate {
  Samples samples;  // all samples that begin with it
  std::uint64_t depth;
  std::uint64_t n_next_tokens;  // the number of distinct tokens that follow the samples
};

struct Stored {
  StoredContext context;
  std::vector<std::byte> bytes;
};

// The SuffixSource of a shard that is being built: its text, its array and its sampled keys.
template <StoredToken Token>
class SortedSuffixes {
 public:
  SortedSuffixes(Text<Token> text, const PackedArray& array, std::uint64_t vocab_size,
                 std::span<const std::uint64_t> keys)
      : text_(text), array_(array), vocab_size_(vocab_size), directory_(keys) {}

  template <class>
  [[nodiscard]] Text<Token> typed_text() const {
    return text_;
  }
  [[nodiscard]] const Directory& directory() const { return directory_; }
  [[nodiscard]] std::uint64_t size() const { return array_.size(); }
  [[nodiscard]] std::uint64_t vocab_size() const { return vocab_size_; }
  [[nodiscard]] const void* address(Rank rank) const { return array_.address(rank); }
  [[nodiscard]] Position position(Rank rank, std::uint64_t depth) const {
    const Position position = array_[rank] + depth;
    if (position < text_.size()) return position;
    throw IndexDamagedError("rank " + std::to_string(rank) + " of the suffix array holds position " +
                            std::to_string(position - depth) + ", beyond the text");
  }
  [[noreturn]] static void throw_bad_next_token(Rank rank, std::uint64_t depth, TokenCode code) {
    throw IndexDamagedError("the suffix at rank " + std::to_string(rank) + " cannot be followed, after " +
                            std::to_string(depth) + " tokens, by token " + std::to_string(next_token_of(code)) +
                            "; the suffixes are not in order");
  }

 private:
  Text<Token> text_;
  const PackedArray& array_;
  std::uint64_t vocab_size_;
  Directory directory_;
};

// Reads the keys of the samples of one first token at a time, and finds candidates among their prefixes.
template <StoredToken Token>
class Surveyor {
 public:
  Surveyor(const SortedSuffixes<Token>& suffixes, std::span<std::uint64_t> keys)
      : suffixes_(suffixes), text_(suffixes.template typed_text<Token>()), keys_(keys) {}

  // Surveys the suffixes that begin with one token.
  void run(SuffixRange range, std::vector<Candidate>& candidates) const {
    const Samples samples{(range.lo + kSampleStep - 1) / kSampleStep, (range.hi + kSampleStep - 1) / kSampleStep};
    const std::span<std::uint64_t> keys = keys_.subspan(samples.begin, samples.size());
    read_keys(samples, 1, keys);
    find_candidates(samples, 1, keys, candidates);
  }

 private:
  static constexpr unsigned kLanes = Text<Token>::kKeyTokens;

  // A context that contains the current sample.
  struct Open {
    std::uint64_t begin;
    std::uint64_t n_next_tokens;
  };

  void read_keys(Samples samples, std::uint64_t depth, std::span<std::uint64_t> keys) const {
    std::array<std::uint64_t, kBatch> positions;
    for (std::uint64_t begin = 0; begin < keys.size(); begin += kBatch) {
      const std::size_t n = std::min<std::size_t>(kBatch, keys.size() - begin);
      const auto rank = [&](std::size_t i) { return (samples.begin + begin + i) * kSampleStep; };
      for (std::size_t i = 0; i < n; ++i) __builtin_prefetch(suffixes_.address(rank(i)));
      for (std::size_t i = 0; i < n; ++i) {
        positions[i] = suffixes_.position(rank(i), depth);
        text_.prefetch(positions[i]);
      }
      for (std::size_t i = 0; i < n; ++i) keys[begin + i] = text_.key(positions[i]);
    }
  }

  // Finds candidates among samples that share their first `depth` tokens, given the keys of what follows: first the
  // contexts of `depth` to depth + kLanes - 1 tokens, whose next tokens are in the keys; then longer ones, where enough
  // samples share a whole key.
  void find_candidates(Samples samples, std::uint64_t depth, std::span<const std::uint64_t> keys,
                       std::vector<Candidate>& candidates) const {
    if (samples.size() < kMinSampledNextTokens) return;
    std::array<Open, kLanes> open;  // open[d] is the context of depth + d tokens
    unsigned n_open = 0;            // the contexts that the previous sample is long enough for
    const auto close = [&](unsigned first, std::uint64_t sample) {
      for (unsigned d = first; d < n_open; ++d) {
        const bool is_candidate = open[d].n_next_tokens >= kMinSampledNextTokens && depth + d <= kLongestStoredContext;
        if (is_candidate) candidates.push_back({{open[d].begin, sample}, depth + d, open[d].n_next_tokens});
      }
      n_open = std::min(n_open, first);
    };
    std::uint64_t key_begin = samples.begin;  // the first sample with this key
    for (std::uint64_t sample = samples.begin; sample < samples.end; ++sample) {
      const std::uint64_t key = keys[sample - samples.begin];
      if (sample > samples.begin) {
        const std::uint64_t previous = keys[sample - samples.begin - 1];
        if (key == previous) continue;
        survey_longer_contexts({key_begin, sample}, previous, depth, candidates);
        const unsigned n_shared = static_cast<unsigned>(std::countl_zero(key ^ previous)) / Text<Token>::kTokenBits;
        close(n_shared + 1, sample);
        ++open[n_shared].n_next_tokens;
      }
      while (n_open < kLanes && (n_open == 0 || code(key, n_open - 1) != 0)) open[n_open++] = {sample, 1};
      key_begin = sample;
    }
    survey_longer_contexts({key_begin, samples.end}, keys.back(), depth, candidates);
    close(0, samples.end);
  }

  void survey_longer_contexts(Samples samples, std::uint64_t key, std::uint64_t depth,
                              std::vector<Candidate>& candidates) const {
    if (samples.size() < kMinSampledNextTokens || Text<Token>::ends(key)) return;
    if (depth + kLanes > kLongestStoredContext) return;
    std::vector<std::uint64_t> keys(samples.size());
    read_keys(samples, depth + kLanes, keys);
    find_candidates(samples, depth + kLanes, keys, candidates);
  }

  static std::uint64_t code(std::uint64_t key, unsigned lane) {
    return (key >> (64 - (lane + 1) * Text<Token>::kTokenBits)) & (~std::uint64_t{0} >> (64 - Text<Token>::kTokenBits));
  }

  const SortedSuffixes<Token>& suffixes_;
  Text<Token> text_;
  std::span<std::uint64_t> keys_;
};

// Returns the ranks of the suffixes that begin with a candidate. The samples give them to within kSampleStep.
template <StoredToken Token>
SuffixRange range_of(const SortedSuffixes<Token>& suffixes, const Candidate& candidate) {
  const Text<Token> text = suffixes.template typed_text<Token>();
  const std::uint64_t known = suffixes.position(candidate.samples.begin * kSampleStep, 0);
  const auto has_prefix = [&](Rank rank) {
    const Position position = suffixes.position(rank, 0);
    const std::uint64_t n = std::min(candidate.depth, text.size() - position);
    return n == candidate.depth && std::equal(text.data() + position, text.data() + position + n, text.data() + known);
  };
  // Bisects between a rank that has the prefix and one that does not, until they are adjacent.
  const auto last_inside = [&](std::uint64_t inside, std::uint64_t outside) {
    while (inside - outside != 1 && outside - inside != 1) {
      const std::uint64_t middle =
          std::min(inside, outside) + (std::max(inside, outside) - std::min(inside, outside)) / 2;
      (has_prefix(middle) ? inside : outside) = middle;
    }
    return inside;
  };
  const std::uint64_t first = candidate.samples.begin * kSampleStep;
  const std::uint64_t last = (candidate.samples.end - 1) * kSampleStep;
  return {first == 0 ? 0 : last_inside(first, first - kSampleStep),
          last_inside(last, std::min(last + kSampleStep, suffixes.size())) + 1};
}

template <StoredToken Token>
Stored read_next_tokens(const SortedSuffixes<Token>& suffixes, const Candidate& candidate) {
  const SuffixRange range = range_of(suffixes, candidate);
  std::vector<NextToken> next_tokens;
  NextTokenReader<Token, SortedSuffixes<Token>>(suffixes, candidate.depth).read(range, next_tokens);
  Stored result{{range.lo, range.hi, candidate.depth, 0}, {}};
  NextTokenId previous = kEndOfDocument - 1;
  for (const NextToken& next : next_tokens) {
    append_next_token(result.bytes, static_cast<std::uint64_t>(next.id - std::exchange(previous, next.id)), next.count);
  }
  return result;
}

// Returns the next tokens of the candidates with the most sampled next tokens, as many as fit into `most_bytes`.
template <StoredToken Token>
std::vector<Stored> store(const SortedSuffixes<Token>& suffixes, std::vector<Candidate> candidates,
                          std::uint64_t most_bytes, std::size_t n_threads, const SortProgress& progress) {
  std::ranges::sort(candidates, [](const Candidate& a, const Candidate& b) {
    if (a.n_next_tokens != b.n_next_tokens) return a.n_next_tokens > b.n_next_tokens;
    return std::pair(a.depth, a.samples.begin) < std::pair(b.depth, b.samples.begin);
  });
  std::vector<Stored> result;
  std::uint64_t n_bytes = 0;
  for (std::size_t begin = 0; begin < candidates.size(); begin += kContextsPerBatch) {
    const std::size_t n = std::min(kContextsPerBatch, candidates.size() - begin);
    std::vector<Stored> found(n);
    parallel_for(n, n_threads, [&](std::size_t i, std::size_t worker) {
      found[i] = read_next_tokens(suffixes, candidates[begin + i]);
      if (worker == 0) progress(suffixes.size());
    });
    for (Stored& stored : found) {
      n_bytes += stored.bytes.size();
      if (n_bytes > most_bytes) return result;
      result.push_back(std::move(stored));
    }
  }
  return result;
}

void check_starts(const PackedArray& first_token_starts, std::uint64_t n_suffixes) {
  std::uint64_t last = 0;
  for (std::uint64_t token = 0; token < first_token_starts.size(); ++token) {
    const std::uint64_t start = first_token_starts[token];
    if (start < last || start > n_suffixes) {
      throw IndexDamagedError("the ranks of token " + std::to_string(token) + " are out of range");
    }
    last = start;
  }
}

// Partitions the tokens into chunks of about kChunk suffixes: chunk i is the tokens [chunks[i], chunks[i + 1]).
std::vector<std::uint64_t> chunks_of(const PackedArray& first_token_starts) {
  std::vector<std::uint64_t> chunks = {0};
  const std::uint64_t vocab_size = first_token_starts.size() - 1;
  for (std::uint64_t token = 1; token <= vocab_size; ++token) {
    const bool is_full = first_token_starts[token] - first_token_starts[chunks.back()] >= kChunk;
    if (is_full || token == vocab_size) chunks.push_back(token);
  }
  return chunks;
}

}  // namespace

Survey survey(const AnyText& text, const PackedArray& suffix_array, const PackedArray& first_token_starts,
              std::size_t n_threads, const SortProgress& progress) {
  check_starts(first_token_starts, suffix_array.size());
  const std::uint64_t n_top = n_top_keys(suffix_array.size());
  Survey result{std::vector<std::uint64_t>(n_top + n_sampled_keys(suffix_array.size())), {}, {}};
  const std::span<std::uint64_t> keys = std::span(result.directory).subspan(n_top);
  const auto chunks = chunks_of(first_token_starts);
  std::vector<std::vector<Candidate>> found(chunks.size() - 1);
  std::vector<Stored> stored;
  text.visit_by_token_id([&]<class Token>(Text<Token> typed) {
    const SortedSuffixes<Token> suffixes(typed, suffix_array, first_token_starts.size() - 1, keys);
    const Surveyor<Token> surveyor(suffixes, keys);
    parallel_for(found.size(), n_threads, [&](std::size_t i, std::size_t worker) {
      for (std::uint64_t token = chunks[i]; token < chunks[i + 1]; ++token) {
        surveyor.run({first_token_starts[token], first_token_starts[token + 1]}, found[i]);
      }
      if (worker == 0) progress(first_token_starts[chunks[i]]);
    });
    std::vector<Candidate> candidates;
    for (const auto& part : found) candidates.insert(candidates.end(), part.begin(), part.end());
    stored = store(suffixes, std::move(candidates), text.size / kTokensPerStoredByte, n_threads, progress);
  });
  for (std::uint64_t i = 0; i < n_top; ++i) result.directory[i] = keys[i * kTopStep];
  std::ranges::sort(stored, {}, [](const Stored& s) { return std::pair(s.context.depth, s.context.lo); });
  for (Stored& each : stored) {
    each.context.offset = result.continuations.size();
    result.contexts.push_back(each.context);
    result.continuations.insert(result.continuations.end(), each.bytes.begin(), each.bytes.end());
  }
  return result;
}

}  // namespace infgram
