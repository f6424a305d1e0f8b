// Language models on many threads, for ThreadSanitizer: all results are compared with those of one thread. Damaged
// levels.
#include <cmath>
#include <mutex>
#include <thread>
#include <vector>

#include "base/errors.hpp"
#include "check.hpp"
#include "index/shard_writer.hpp"
#include "lm/backoff.hpp"
#include "lm/kneser_ney.hpp"
#include "lm/language_model.hpp"
#include "lm/smoothing.hpp"
#include "lm/step_rules.hpp"
#include "lm/suffix_features.hpp"

namespace {

using namespace infgram;

constexpr std::uint64_t kVocabSize = 7;
constexpr std::uint64_t kMemoryBytes = 20'000;  // so little that the tree forgets its nodes again and again
constexpr std::uint64_t kOrder = 4;
constexpr int kThreads = 6;

std::vector<TokenId> document_of(std::uint32_t seed, std::size_t size) {
  std::vector<TokenId> document;
  for (std::uint32_t x = seed; document.size() < size; x = x * 1664525 + 1013904223) {
    document.push_back((x >> 24) % kVocabSize);
  }
  return document;
}

Index write_index(const std::filesystem::path& root) {
  std::vector<ShardState> shards;
  for (std::uint32_t s = 0; s < 2; ++s) {
    shards.push_back({.folder = root / std::to_string(s), .first_document = 12 * s});
    std::filesystem::create_directory(shards.back().folder);
    ShardWriter writer(shards.back().folder, kVocabSize, 8);
    for (std::uint32_t d = 0; d < 12; ++d) writer.add_document(document_of(s * 100 + d, 30 * d), "{}");
    writer.finish();
    sort_shard(shards.back().folder, {.n_threads = 2}, [](std::uint64_t) {});
  }
  return Index::open(shards);
}

std::vector<std::unique_ptr<LanguageModel>> models_of(ContextTree& tree) {
  const std::scoped_lock lock(tree.mutex());
  std::vector<std::unique_ptr<LanguageModel>> models;
  const auto add = [&](std::unique_ptr<Predictor> predictor) {
    models.push_back(std::make_unique<LanguageModel>(tree, std::move(predictor), ModelOptions{}));
  };
  const auto add_rule = [&](std::unique_ptr<const StepRule> rule) {
    add(std::make_unique<InterpolatedSmoothing>(tree, std::move(rule)));
  };
  add(std::make_unique<StupidBackoff>());
  add(std::make_unique<Ppm>(tree));
  add_rule(std::make_unique<Unsmoothed>());
  add_rule(std::make_unique<WittenBell>());
  add_rule(std::make_unique<KneserNey>(*tree.statistics(), kOrder));
  return models;
}

// The log-probabilities of all models, then the distribution of each after the text. `models` belong to one thread.
std::vector<double> predictions(ContextTree& tree, std::vector<std::unique_ptr<LanguageModel>>& models,
                                std::span<const TokenId> text) {
  std::vector<double> found;
  for (const auto& model : models) {
    const std::vector<EvaluationRequest> requests = {{model.get(), false, {}}};
    const auto evaluated = evaluate(requests, text, true, [] {});
    found.insert(found.end(), evaluated[0].log_probs.begin(), evaluated[0].log_probs.end());
    const std::scoped_lock lock(tree.mutex());
    SuffixChain chain(tree);
    for (const TokenId token : text) chain.append(token);
    const auto probs = model->distribution(chain);
    found.insert(found.end(), probs.begin(), probs.end());
  }
  const auto features = suffix_features(tree, text, std::vector<std::uint64_t>{1, 2}, [] {});
  for (const SuffixCounts& counts : features.longest) found.push_back(static_cast<double>(counts.context_count));
  return found;
}

// The levels of a damaged index: a token follows the longer suffix but not the shorter one.
void test_levels_that_contradict_each_other(const ContextTree& tree) {
  const auto next_tokens_of = [](std::vector<TokenCode> codes) {
    NextTokenCounts next_tokens;
    for (std::size_t i = 0; i < codes.size(); ++i) {
      next_tokens.counts.push_back(2);
      next_tokens.count_tally.add(2);
    }
    next_tokens.codes = std::move(codes);
    return next_tokens;
  };
  const NextTokenCounts shorter = next_tokens_of({2, 4});
  InterpolatedSmoothing smoothing(tree, std::make_unique<WittenBell>());
  for (const TokenCode code : {1U, 2U, 3U, 4U, 5U}) {
    const NextTokenCounts longer = next_tokens_of({code});
    smoothing.set_levels(std::vector<Level>{{0, 0, &shorter, nullptr}, {1, 1, &longer, nullptr}});
    const auto sum = [&] { static_cast<void>(smoothing.p_log_p()); };
    if (code % 2 == 0) {
      sum();
    } else {
      check::throws<IndexDamagedError>(sum);
    }
  }
}

}  // namespace

int main() {
  const check::TemporaryFolder folder;
  const Index index = write_index(folder.path());
  const auto statistics = survey_ngrams(index, 4, [](std::uint64_t) {});
  check::that(statistics.of_counts == survey_ngrams(index, 1, [](std::uint64_t) {}).of_counts, "counts of counts");
  ContextTree tree(index, kMemoryBytes, 4);
  {
    const std::scoped_lock lock(tree.mutex());
    tree.set_statistics(statistics);
  }
  test_levels_that_contradict_each_other(tree);
  const std::vector<TokenId> text = document_of(5, 60);
  auto models = models_of(tree);
  const std::vector<double> expected = predictions(tree, models, text);
  check::that(expected.size() > 300);
  {
    std::vector<std::jthread> readers;
    for (int i = 0; i < kThreads; ++i) {
      readers.emplace_back([&] {
        auto own = models_of(tree);
        for (int round = 0; round < 3; ++round) {
          check::that(predictions(tree, own, text) == expected, "the predictions of a thread");
        }
      });
    }
    readers.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        const std::scoped_lock lock(tree.mutex());
        tree.forget();
      }
    });
  }
  return check::result();
}
