// Names that look like other names (UTS 39): skeletons and restriction levels, by ICU's spoof checker.
// SPDX-License-Identifier: Apache-2.0
#include <unicode/unistr.h>
#include <unicode/uspoof.h>

#include <memory>

#include "base/check.h"
#include "stanza/jid.h"

namespace jackdaw {
namespace {

struct CloseChecker {
  void operator()(USpoofChecker* checker) const { uspoof_close(checker); }
};

// Made once and constant from then on: ICU lets all threads ask it.
const USpoofChecker* checker() {
  static const std::unique_ptr<USpoofChecker, CloseChecker> instance = [] {
    UErrorCode status = U_ZERO_ERROR;
    std::unique_ptr<USpoofChecker, CloseChecker> made{uspoof_open(&status)};
    check(made != nullptr && U_SUCCESS(status), "ICU has no confusables data");
    uspoof_setRestrictionLevel(made.get(), USPOOF_HIGHLY_RESTRICTIVE);
    uspoof_setChecks(made.get(), USPOOF_RESTRICTION_LEVEL, &status);
    check(U_SUCCESS(status), "ICU has no restriction levels");
    return made;
  }();
  return instance.get();
}

icu::UnicodeString text_from(std::string_view utf8) {
  return icu::UnicodeString::fromUTF8({utf8.data(), static_cast<std::int32_t>(utf8.size())});
}

}  // namespace

// UTS 39 §4.
std::string skeleton_of(std::string_view localpart) {
  UErrorCode status = U_ZERO_ERROR;
  icu::UnicodeString skeleton;
  uspoof_getSkeletonUnicodeString(checker(), 0, text_from(localpart), skeleton, &status);
  check(U_SUCCESS(status), "ICU could not make a skeleton");
  std::string result;
  skeleton.toUTF8String(result);
  return result;
}

// UTS 39 §5.2, Highly Restrictive: one script, or Latin with the scripts of Chinese, Japanese or Korean.
bool is_single_script(std::string_view localpart) {
  UErrorCode status = U_ZERO_ERROR;
  const auto failed = uspoof_check2UnicodeString(checker(), text_from(localpart), nullptr, &status);
  return U_SUCCESS(status) && failed == 0;
}

}  // namespace jackdaw
