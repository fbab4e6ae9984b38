// SPDX-License-Identifier: Apache-2.0
#include "net/timer.h"

#include <algorithm>

namespace jackdaw {

namespace {

// Whoever is set for longer than this will not be there any more; what was not clamped would be in the past.
constexpr Seconds longest = 100 * 366 * 24h;

}  // namespace

void Timer::set(TimerWheel& wheel, Seconds delay) {
  due_ = wheel.now_ + std::min(delay, longest);
  armed_ = true;
  // Already in a slot that comes no later: it will be put further on when that slot is reached.
  if (link_ && slot_time_ <= due_) return;
  unlink();
  wheel.link(*this);
}

void Timer::cancel() {
  armed_ = false;
  unlink();
}

void Timer::unlink() {
  if (!link_) return;
  *link_ = next_;
  if (next_) next_->link_ = link_;
  link_ = nullptr;
  next_ = nullptr;
}

// A timer further away than the wheel is round stands in the last slot reached and is put on from there.
void TimerWheel::link(Timer& timer) {
  const auto reach = now_ + Seconds(slots - 2);
  timer.slot_time_ = std::min(timer.due_, reach);
  auto& head = slots_[static_cast<std::size_t>(second_of(timer.slot_time_) + 1) % slots];
  timer.next_ = head;
  timer.link_ = &head;
  if (head) head->link_ = &timer.next_;
  head = &timer;
}

void TimerWheel::advance(Steady now) {
  if (now <= now_) return;
  const auto from = second_of(now_), to = second_of(now);
  now_ = now;
  const auto count = std::min<std::int64_t>(to - from, slots);
  for (std::int64_t i = 1; i <= count; ++i) fire_slot(static_cast<std::size_t>(from + i) % slots);
}

void TimerWheel::fire_slot(std::size_t slot) {
  Timer* list = slots_[slot];
  slots_[slot] = nullptr;
  if (list) list->link_ = &list;
  while (list) {
    Timer& timer = *list;
    timer.unlink();
    if (timer.due_ > now_) {
      link(timer);
    } else if (timer.armed_) {
      timer.armed_ = false;
      timer.fires();
    }
  }
}

}  // namespace jackdaw
