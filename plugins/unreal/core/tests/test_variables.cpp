// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "shotstream/variables.h"

#include <gtest/gtest.h>

namespace shotstream {
namespace {

std::string Filled(std::string_view text, const Variables& first = {}, const Variables& second = {}) {
  std::string filled;
  std::string reason;
  EXPECT_TRUE(FillText(text, {&first, &second}, filled, reason)) << reason;
  return filled;
}

std::string ReasonOf(std::string_view text) {
  std::string filled;
  std::string reason;
  EXPECT_FALSE(FillText(text, {}, filled, reason)) << filled;
  return reason;
}

TEST(Variables, NamesDoNotDifferInCase) {
  EXPECT_TRUE(SameName("Player_Name", "pLAYER_nAME"));
  EXPECT_FALSE(SameName("player", "player2"));
  EXPECT_EQ(Filled("{NAME} waves", {{"name", "Ada"}}), "Ada waves");
}

TEST(Variables, TheFirstSourceThatHasAValueGivesIt) {
  EXPECT_EQ(Filled("{a} {b}", {{"a", "1"}}, {{"a", "2"}, {"b", "3"}}), "1 3");
}

TEST(Variables, AMissingValueIsNamedUnlessTheTextHasOneForIt) {
  EXPECT_EQ(Filled("{who|the stranger} and {what|}."), "the stranger and .");
  EXPECT_EQ(Filled("{who|the stranger}", {{"who", "Ada"}}), "Ada");
  EXPECT_NE(ReasonOf("the fox sees {who}").find("who"), std::string::npos);
}

TEST(Variables, BracesAreWrittenTwiceAndOthersAreRefused) {
  EXPECT_EQ(Filled("{{a}}"), "{a}");
  EXPECT_NE(ReasonOf("a } b").find("}}"), std::string::npos);
  EXPECT_NE(ReasonOf("a { b").find("{{"), std::string::npos);
  EXPECT_NE(ReasonOf("{}").find("no variable"), std::string::npos);
  EXPECT_NE(ReasonOf("{a b}").find("no variable"), std::string::npos);
  std::string reason;
  EXPECT_TRUE(CheckText("{anything} {{", reason));
  EXPECT_FALSE(CheckText("{anything", reason));
}

TEST(Variables, AValueIsTextAndNothingElse) {
  EXPECT_EQ(Filled("{a}", {{"a", "{b}"}}, {{"b", "x"}}), "{b}");
  EXPECT_EQ(Filled("{a}!", {{"a", "Ada\n\x1b[1m\x7f"}}), "Ada  [1m !");
  EXPECT_EQ(Filled("{a}", {{"a", "\xff" "A\xc3"}}), "?A?");
  EXPECT_EQ(Filled("{a}", {{"a", std::string(1000, 'x')}}).size(), kValueChars);
  // Characters, not bytes: none is cut in two.
  std::string umlauts;
  for (std::size_t i = 0; i < kValueChars + 5; ++i) umlauts += "\xc3\xa4";
  EXPECT_EQ(Filled("{a}", {{"a", umlauts}}).size(), 2 * kValueChars);
}

}  // namespace
}  // namespace shotstream
