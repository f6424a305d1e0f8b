// Verification, and sorting from hostile tokens. What passes verification counts like a scan of its text.
#include "fuzz/hostile_index.hpp"
#include "query/search.hpp"

namespace {

using namespace fuzz;

std::uint64_t scan(const Index& index, std::span<const TokenId> pattern) {
  std::uint64_t count = 0;
  for (const Shard& shard : index.shards()) {
    shard.text().visit([&]<class Token>(Text<Token> text) {
      for (Position at = 0; at + pattern.size() <= text.size(); ++at) {
        count += std::equal(pattern.begin(), pattern.end(), text.data() + at) ? 1 : 0;
      }
    });
  }
  return count;
}

// Sorts a copy, so that the files stay those that were written.
void sort_copy(const Base& base) {
  const check::TemporaryFolder copy;
  for (const SectionKind kind : {SectionKind::kTokens, SectionKind::kFirstTokenStarts}) {
    std::filesystem::copy(base.folders()[0] / file_name_of(kind), copy.path() / file_name_of(kind));
  }
  sort_shard(copy.path(), {}, [](std::uint64_t) {});
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return within_a_second([&] {
    Input input({data, size});
    const auto opened = open_hostile(input);
    if (!opened) return;
    attempt([&] {
      if (input.next<std::uint8_t>() % 32 == 31) return sort_copy(*opened->base);
      opened->index.verify([](std::uint64_t) {});
      const std::vector<TokenId> pattern = sequence_of(*opened, input);
      if (pattern.empty()) return;
      if (total_count(find(opened->index, pattern)) != scan(opened->index, pattern)) std::abort();
    });
  });
}
