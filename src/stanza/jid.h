// Jid: an address localpart@domainpart/resourcepart, prepared (RFC 7622) and valid by construction.
//
// JidView looks into a prepared address that lives elsewhere; Jid owns one; BareJid owns one without resourcepart.
// Plain values, any thread.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jackdaw {

// A prepared address in somebody else's memory; valid as long as that memory.
class JidView {
 public:
  JidView() = default;

  // Splits `text`, which must be prepared already (a Jid's text, or bytes that is_prepared() accepted).
  static JidView of_prepared(std::string_view text) {
    JidView view;
    view.text_ = text;
    const auto slash = text.find('/');
    view.slash_ = slash == text.npos ? static_cast<std::uint32_t>(text.size()) : static_cast<std::uint32_t>(slash);
    const auto at = text.substr(0, view.slash_).find('@');
    view.domain_ = at == text.npos ? 0 : static_cast<std::uint32_t>(at) + 1;
    return view;
  }

  std::string_view text() const { return text_; }
  std::string_view localpart() const { return domain_ == 0 ? std::string_view{} : text_.substr(0, domain_ - 1); }
  std::string_view domainpart() const { return text_.substr(domain_, slash_ - domain_); }
  std::string_view resourcepart() const {
    return slash_ == text_.size() ? std::string_view{} : text_.substr(slash_ + 1);
  }
  // localpart@domainpart, or the domainpart alone.
  std::string_view bare() const { return text_.substr(0, slash_); }

  bool empty() const { return text_.empty(); }
  bool has_localpart() const { return domain_ != 0; }
  bool is_full() const { return slash_ != text_.size(); }

  friend bool operator==(const JidView& a, const JidView& b) { return a.text_ == b.text_; }

 private:
  std::string_view text_;
  std::uint32_t slash_ = 0;   // where the bare JID ends
  std::uint32_t domain_ = 0;  // where the domainpart begins
};

class BareJid;

class Jid {
 public:
  Jid() = default;
  explicit Jid(JidView view) : text_(view.text()), view_(view) { refresh(); }
  Jid(const Jid& other) : text_(other.text_) { refresh(); }
  Jid(Jid&& other) noexcept : text_(std::move(other.text_)) { refresh(), other.text_.clear(), other.refresh(); }
  Jid& operator=(Jid other) noexcept {
    text_.swap(other.text_);
    refresh();
    return *this;
  }

  // Prepares and checks an address as a peer wrote it (RFC 7622 §3). Empty when it is no valid address.
  static std::optional<Jid> parse(std::string_view text);

  operator JidView() const { return view_; }
  const std::string& text() const { return text_; }
  std::string_view localpart() const { return view_.localpart(); }
  std::string_view domainpart() const { return view_.domainpart(); }
  std::string_view resourcepart() const { return view_.resourcepart(); }
  BareJid bare() const;
  bool empty() const { return text_.empty(); }
  bool has_localpart() const { return view_.has_localpart(); }
  bool is_full() const { return view_.is_full(); }
  // This address with another resourcepart; empty when `resourcepart` is not valid.
  std::optional<Jid> with_resource(std::string_view resourcepart) const;

  friend bool operator==(const Jid& a, const Jid& b) { return a.text_ == b.text_; }
  friend auto operator<=>(const Jid& a, const Jid& b) { return a.text_ <=> b.text_; }

 private:
  void refresh() { view_ = JidView::of_prepared(text_); }
  std::string text_;
  JidView view_;
};

// An account's, a domain's or a component's address. The empty one stands for the server itself as owner in the store.
class BareJid {
 public:
  BareJid() = default;
  explicit BareJid(JidView view) : text_(view.bare()) {}
  // Empty when `text` is no valid address or has a resourcepart.
  static std::optional<BareJid> parse(std::string_view text);

  operator JidView() const { return JidView::of_prepared(text_); }
  const std::string& text() const { return text_; }
  std::string_view localpart() const { return JidView::of_prepared(text_).localpart(); }
  std::string_view domainpart() const { return JidView::of_prepared(text_).domainpart(); }
  bool empty() const { return text_.empty(); }
  bool has_localpart() const { return text_.find('@') != std::string::npos; }

  friend bool operator==(const BareJid&, const BareJid&) = default;
  friend auto operator<=>(const BareJid&, const BareJid&) = default;

 private:
  std::string text_;
};

// True when `text` is a valid address that preparation would leave as it is, told by a quick look (ASCII only).
// False means "ask Jid::parse". This is the path of nearly every stanza.
bool is_prepared(std::string_view text);

// Each part alone. Empty when not valid. RFC 7622 §3.2 (IDNA2008 A-labels become U-labels, a trailing dot goes; IP
// literals stay), §3.3 (UsernameCaseMapped), §3.4 (OpaqueString).
std::optional<std::string> prepare_domainpart(std::string_view text);
std::optional<std::string> prepare_localpart(std::string_view text);
std::optional<std::string> prepare_resourcepart(std::string_view text);

// A prepared domainpart as DNS and TLS know it: with A-labels (RFC 5890 §2.3.2.1); an IP literal as it is.
std::string ascii_form(std::string_view domainpart);

// A password as SCRAM and PLAIN use it (RFC 8265 §4.2, OpaqueString). Empty when it has forbidden characters.
std::optional<std::string> prepare_password(std::string_view text);

// UTS 39: equal skeletons look alike to a person.
std::string skeleton_of(std::string_view localpart);
// UTS 39 §5.1: false when the name mixes scripts in a way no language does (Latin with Cyrillic, say).
bool is_single_script(std::string_view localpart);

}  // namespace jackdaw
