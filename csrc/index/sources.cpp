#include "index/sources.hpp"

#include <algorithm>

#include "base/errors.hpp"

namespace infgram {
namespace {

constexpr char kEndOfName = '\0';

}  // namespace

void SourceRuns::append(const DocumentSource& source) {
  if (source.name.find(kEndOfName) != std::string_view::npos) {
    throw QueryError("the name of a source contains a zero byte, which terminates names in an index");
  }
  const std::size_t n = runs_.size();
  const bool is_same_file = n > 0 && std::string_view(names_.c_str() + runs_[n - 2]) == source.name;
  const std::uint64_t next_line = last_line_ == kNoLine ? kNoLine : last_line_ + 1;
  if (!is_same_file || source.line != next_line) {
    const std::uint64_t name_begin = is_same_file ? runs_[n - 2] : names_.size();
    if (!is_same_file) names_.append(source.name).push_back(kEndOfName);
    runs_.insert(runs_.end(), {n_documents_, name_begin, source.line});
  }
  ++n_documents_;
  last_line_ = source.line;
}

std::optional<DocumentSource> Sources::of(std::uint64_t document) const {
  std::uint64_t lo = 0;
  std::uint64_t hi = n_runs();
  while (hi - lo > 1) {
    const std::uint64_t middle = lo + (hi - lo) / 2;
    (first_document(middle) <= document ? lo : hi) = middle;
  }
  const std::uint64_t begin = name_begin(lo);
  if (begin >= names_.size() || first_document(lo) > document) return std::nullopt;
  const auto name = names_.subspan(begin);
  const auto end = std::ranges::find(name, std::byte{0});
  if (end == name.end()) return std::nullopt;
  const std::uint64_t line = first_line(lo);
  return DocumentSource{{reinterpret_cast<const char*>(name.data()), static_cast<std::size_t>(end - name.begin())},
                        line == kNoLine ? kNoLine : line + (document - first_document(lo))};
}

bool Sources::is_whole(std::uint64_t name_begin) const {
  return name_begin < names_.size() && (name_begin == 0 || names_[name_begin - 1] == std::byte{0});
}

std::optional<std::string> Sources::fault(std::uint64_t n_documents) const {
  if (names_.empty() || names_.back() != std::byte{0}) return "the last name is not terminated";
  for (std::uint64_t run = 0; run < n_runs(); ++run) {
    const std::string which = "run " + std::to_string(run);
    if (run == 0 ? first_document(0) != 0 : first_document(run) <= first_document(run - 1)) {
      return which + " does not begin after the previous run";
    }
    if (first_document(run) >= n_documents) return which + " begins after the last document";
    if (!is_whole(name_begin(run))) return which + " does not point to a name";
    if (run == 0 || name_begin(run) != name_begin(run - 1)) continue;
    const std::uint64_t before = first_line(run - 1);
    const std::uint64_t length = first_document(run) - first_document(run - 1);
    if (first_line(run) == (before == kNoLine ? kNoLine : before + length))
      return which + " continues the previous run";
  }
  return std::nullopt;
}

}  // namespace infgram
