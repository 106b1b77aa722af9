// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "story_book.h"

#include <algorithm>
#include <utility>

namespace shotstream {

void Window::Received(std::uint64_t index) {
  if (left > 0) --left;
  ++held;
  next_frame = index + 1;
}

std::uint32_t Window::Done(std::uint32_t count) {
  held -= std::min(held, count);
  spent += count;
  if (2 * spent < asked.credits) return 0;
  const std::uint32_t credits = std::exchange(spent, 0);
  const std::uint32_t advance = std::min(debt, credits);
  debt -= advance;
  left += credits - advance;
  return credits - advance;
}

Subscribe Window::Again(std::uint32_t request) {
  const std::uint32_t credits = asked.credits - std::min<std::uint32_t>(asked.credits, held);
  spent = 0;
  // A subscription has a credit at least. One that there is no room for is taken off later.
  debt = credits == 0 ? 1 : 0;
  left = std::max(1U, credits);
  Subscribe again = asked;
  again.request = request;
  again.credits = static_cast<std::uint16_t>(left);
  again.from_frame = asked.mode == WatchMode::kEvery ? next_frame : std::nullopt;
  return again;
}

Window* StoryBook::Find(std::uint32_t subscription) {
  const auto found = windows_.find(subscription);
  return found == windows_.end() ? nullptr : &found->second;
}

void StoryBook::Received(Window& window, const FrameHeader& header, std::optional<FramesMissed>& missed) {
  if (window.asked.mode == WatchMode::kEvery && header.skipped > 0) {
    missed = FramesMissed{header.subscription, header.story_id,
                          header.index - std::min(header.index, header.skipped), header.skipped};
  }
  window.Received(header.index);
  const auto shots = shots_.find(header.story_id);
  if (shots != shots_.end()) shots->second = std::max(shots->second, header.shot + 1);
}

bool StoryBook::Closed(const std::string& story_id) {
  bool known = shots_.erase(story_id) > 0;
  for (auto window = windows_.begin(); window != windows_.end();) {
    if (window->second.asked.story_id == story_id) {
      window = windows_.erase(window);
      known = true;
    } else {
      ++window;
    }
  }
  progress_.Forget(story_id);
  return known;
}

void StoryBook::Postpone() {
  resuming_.clear();
  postponed_.clear();
  // A subscription that was not answered yet is sent again with the other requests.
  for (const auto& [number, window] : windows_) {
    if (window.confirmed) postponed_.emplace_back(number);
  }
  for (const auto& [story_id, shots] : shots_) postponed_.emplace_back(story_id);
}

bool StoryBook::TakeUp(std::uint32_t request, ClientMessage& message) {
  while (!postponed_.empty()) {
    const Subject subject = std::move(postponed_.front());
    postponed_.erase(postponed_.begin());
    if (const std::string* story_id = std::get_if<std::string>(&subject)) {
      message = ResumeStory{request, *story_id};
    } else if (Window* window = Find(*std::get_if<std::uint32_t>(&subject))) {
      message = window->Again(request);
    } else {
      continue;
    }
    resuming_.emplace(request, subject);
    return true;
  }
  return false;
}

bool StoryBook::Answered(const Subscribed& answer, std::optional<FramesMissed>& missed) {
  const bool again = resuming_.erase(answer.request) > 0;
  Window* window = Find(answer.subscription);
  if (window == nullptr) return again;
  Opened(answer.story_id);
  window->confirmed = true;
  const std::optional<std::uint64_t> expected = std::exchange(window->next_frame, answer.first_frame);
  if (again && expected && answer.first_frame && *answer.first_frame > *expected) {
    missed = FramesMissed{answer.subscription, answer.story_id, *expected, *answer.first_frame - *expected};
  }
  return again;
}

bool StoryBook::NotResumed(const RequestError& error, std::optional<StoryClosed>& end) {
  const auto found = error.request ? resuming_.find(*error.request) : resuming_.end();
  if (found == resuming_.end()) return false;
  const Subject subject = std::move(found->second);
  resuming_.erase(found);
  if (error.retryable) {
    postponed_.push_back(subject);
    return true;
  }
  StoryClosed closed;
  if (const std::string* story_id = std::get_if<std::string>(&subject)) {
    closed.story_id = *story_id;
  } else if (const Window* window = Find(*std::get_if<std::uint32_t>(&subject))) {
    closed.story_id = window->asked.story_id;
  } else {
    return true;
  }
  closed.end = StoryEnd::kFailed;
  closed.reason = "the server could not go on with it: " + error.reason;
  const auto shots = shots_.find(closed.story_id);
  closed.shots = shots == shots_.end() ? 0 : shots->second;
  for (const auto& [number, window] : windows_) {
    if (window.asked.story_id == closed.story_id) {
      closed.frames = std::max(closed.frames, window.next_frame.value_or(0));
    }
  }
  if (Closed(closed.story_id)) end = std::move(closed);
  return true;
}

bool StoryBook::IsResuming(const std::string& story_id) const {
  const Subject subject = story_id;
  return std::find(postponed_.begin(), postponed_.end(), subject) != postponed_.end() ||
         std::any_of(resuming_.begin(), resuming_.end(),
                     [&subject](const auto& entry) { return entry.second == subject; });
}

}  // namespace shotstream
