// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "shotstream/msgpack.h"
#include "utf8.h"

namespace shotstream {
namespace {

Bytes Of(std::initializer_list<int> values) {
  Bytes bytes;
  for (const int value : values) bytes.push_back(static_cast<std::uint8_t>(value));
  return bytes;
}

TEST(Msgpack, WholeNumbersTakeTheirShortestForm) {
  const struct {
    std::uint64_t number;
    std::size_t size;
  } cases[] = {{0, 1},          {127, 1},        {128, 2},           {255, 2},           {256, 3},
               {65'535, 3},     {65'536, 5},     {4'294'967'295, 5}, {4'294'967'296, 9}, {UINT64_MAX, 9}};
  for (const auto& [number, size] : cases) {
    Bytes bytes;
    MsgpackWriter(bytes).Unsigned(number);
    EXPECT_EQ(bytes.size(), size) << number;
    MsgpackItem item;
    ASSERT_TRUE(MsgpackReader(bytes).Next(item));
    EXPECT_EQ(item.kind, MsgpackKind::kUnsigned);
    EXPECT_EQ(item.number, number);
  }
}

TEST(Msgpack, NumbersAreReadInAnyForm) {
  const Bytes sevens[] = {Of({7}),          Of({0xCC, 7}),       Of({0xCD, 0, 7}),    Of({0xCE, 0, 0, 0, 7}),
                          Of({0xD0, 7}),    Of({0xD1, 0, 7}),    Of({0xD2, 0, 0, 0, 7}),
                          Of({0xCF, 0, 0, 0, 0, 0, 0, 0, 7}), Of({0xD3, 0, 0, 0, 0, 0, 0, 0, 7})};
  for (const Bytes& bytes : sevens) {
    MsgpackItem item;
    ASSERT_TRUE(MsgpackReader(bytes).Next(item));
    EXPECT_EQ(item.kind, MsgpackKind::kUnsigned);
    EXPECT_EQ(item.number, 7U);
  }
  for (const Bytes& bytes : {Of({0xFF}), Of({0xD0, 0xFF}), Of({0xD1, 0xFF, 0xFF})}) {
    MsgpackItem item;
    ASSERT_TRUE(MsgpackReader(bytes).Next(item));
    EXPECT_EQ(item.kind, MsgpackKind::kNegative);
    EXPECT_EQ(item.negative, -1);
  }
}

TEST(Msgpack, TextOfEveryLengthGoesRound) {
  for (const std::size_t length : {0U, 1U, 31U, 32U, 255U, 256U, 65'535U, 65'536U}) {
    const std::string text(length, 'x');
    Bytes bytes;
    MsgpackWriter(bytes).Text(text);
    MsgpackItem item;
    ASSERT_TRUE(MsgpackReader(bytes).Next(item));
    EXPECT_EQ(item.text, text);
    bytes.pop_back();
    if (length > 0) {
      EXPECT_FALSE(MsgpackReader(bytes).Next(item)) << "cut off at " << length;
    }
  }
}

TEST(Msgpack, EveryPrefixOfAMapIsRefused) {
  Bytes bytes;
  MsgpackWriter writer(bytes);
  writer.Map(3);
  writer.Text("a");
  writer.Float(0.5);
  writer.Text("b");
  writer.Array(2);
  writer.Nil();
  writer.Bool(true);
  writer.Text("c");
  writer.Unsigned(70'000);
  EXPECT_EQ(MsgpackFault(bytes), nullptr);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_NE(MsgpackFault({bytes.data(), size}), nullptr) << size;
  }
}

TEST(Msgpack, ManyKeysAreLookedThroughForRepetitions) {
  for (const bool repeated : {false, true}) {
    Bytes bytes;
    MsgpackWriter writer(bytes);
    writer.Map(5'000);
    for (int i = 0; i < 5'000; ++i) {
      writer.Text("k" + std::to_string(repeated && i == 4'999 ? 17 : i));
      writer.Nil();
    }
    EXPECT_EQ(MsgpackFault(bytes) != nullptr, repeated);
  }
}

TEST(Msgpack, NestingHasABound) {
  for (const int depth : {kMsgpackDepth - 2, kMsgpackDepth + 1, 100'000}) {
    Bytes bytes = Of({0x81, 0xA1, 'a'});
    bytes.insert(bytes.end(), static_cast<std::size_t>(depth), 0x91);
    bytes.push_back(0xC0);
    EXPECT_EQ(MsgpackFault(bytes) == nullptr, depth < kMsgpackDepth) << depth;
  }
}

TEST(Utf8, WhatIsNotAllowedIsFound) {
  for (const char* good : {"", "a", "\xC2\x80", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80", "\xF0\x90\x80\x80",
                           "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(IsUtf8(good)) << good;
  }
  for (const char* bad : {"\x80", "\xC0\xAF", "\xC1\xBF", "\xC3", "\xC3(", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xED\xBF\xBF",
                          "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xE2\x82"}) {
    EXPECT_FALSE(IsUtf8(bad)) << bad;
  }
}

TEST(Utf8, WhiteSpaceOfAllKindsIsStripped) {
  EXPECT_EQ(Strip("\t \xC2\xA0\xE3\x80\x80 fox \xE2\x80\xA8\n"), "fox");
  EXPECT_EQ(Strip(" \xE2\x80\x83 "), "");
  EXPECT_EQ(Strip("f ox"), "f ox");
  EXPECT_EQ(CountCodePoints("h\xC3\xA4lt \xF0\x9F\xA6\x8A"), 6U);
  EXPECT_EQ(FirstControl("a\tb\nc"), 0U);
  EXPECT_EQ(FirstControl("a\xC2\x85"), 0x85U);
}

}  // namespace
}  // namespace shotstream
