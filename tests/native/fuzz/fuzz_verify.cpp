// Verification, and sorting from hostile tokens. What passes verification counts like a scan of its text.
#include "fuzz/hostile_index.hpp"
#include "query/search.hpp"

namespace {

using namespace fuzz;

std::uint64_t scan(const Index& index, std::span<const TokenId> pattern) {
  std::uint64_t count = 0;
  for (const Shard& shard : index.shards()) {
    shard.text().visit([&]<class Token>(Text<Token> text) {
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

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return within_a_second([&] {
    Input input({data, size});
    const auto opened = open_hostile(input);
    if (opened) {
      attempt([&] {
        opened->index.verify([](std::uint64_t) {});
        for (std::size_t i = 0; i < 4; ++i) {
          const std::vector<TokenId> tokens = sequence_of(*opened, input);
          const auto pattern = std::span(tokens).first(std::min<std::size_t>(tokens.size(), i + 1));
          if (pattern.empty()) continue;
          if (total_count(opened->index, find(opened->index, pattern)) != scan(opened->index, pattern)) std::abort();
        }
      });
    }
    if (opened && input.next<std::uint8_t>() % 16 == 0) {
      // Sorts a copy, so that the files stay those that were written.
      const check::TemporaryFolder copy;
      for (const SectionKind kind : {SectionKind::kTokens, SectionKind::kFirstTokenStarts}) {
        std::filesystem::copy(opened->base->folders()[0] / file_name_of(kind), copy.path() / file_name_of(kind));
      }
      attempt([&] { sort_shard(copy.path(), {}, [](std::uint64_t) {}); });
    }
  });
}
