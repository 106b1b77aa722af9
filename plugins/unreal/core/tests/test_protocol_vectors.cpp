// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// The byte vectors of docs/protocol.md.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "shotstream/checksum.h"
#include "shotstream/codec.h"

namespace shotstream {
namespace {

using Json = nlohmann::json;

Json Vectors() {
  std::ifstream file(SHOTSTREAM_VECTORS);
  return Json::parse(file);
}

Bytes FromHex(const std::string& hex) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

Bytes FromPart(const Json& part) {
  Bytes bytes = FromHex(part.at("hex"));
  const Bytes fill = FromHex(part.value("fill", ""));
  for (int i = 0; i < part.value("count", 0); ++i) bytes.insert(bytes.end(), fill.begin(), fill.end());
  const Bytes suffix = FromHex(part.value("suffix", ""));
  bytes.insert(bytes.end(), suffix.begin(), suffix.end());
  return bytes;
}

TEST(ProtocolVectors, ClientMessages) {
  const Json vectors = Vectors().at("client_to_server");
  ASSERT_GE(vectors.size(), 24U);
  for (const Json& vector : vectors) {
    SCOPED_TRACE(vector.at("name").get<std::string>());
    const Bytes bytes = FromHex(vector.at("parts").at(0));
    ClientMessage message;
    Problem problem;
    ASSERT_TRUE(DecodeClient(bytes, message, problem)) << problem.code << " " << problem.reason;
    Bytes again;
    Encode(message, again);
    EXPECT_EQ(again, bytes);
    ServerMessage other;
    const std::string type = vector.at("message").at("type");
    EXPECT_EQ(DecodeServer(bytes, other, problem), type == "heartbeat" || type == "goodbye");
  }
}

TEST(ProtocolVectors, ServerMessages) {
  const Json vectors = Vectors().at("server_to_client");
  ASSERT_GE(vectors.size(), 29U);
  for (const Json& vector : vectors) {
    SCOPED_TRACE(vector.at("name").get<std::string>());
    const Bytes bytes = FromHex(vector.at("parts").at(0));
    ServerMessage message;
    Problem problem;
    ASSERT_TRUE(DecodeServer(bytes, message, problem)) << problem.code << " " << problem.reason;
    Bytes again;
    Encode(message, again);
    EXPECT_EQ(again, bytes);

    FrameHeader frame;
    bool is_frame = false;
    DecodeFrame(bytes, frame, is_frame, problem);
    EXPECT_EQ(is_frame, std::holds_alternative<FrameHeader>(message));
    if (!is_frame) continue;
    again.clear();
    Encode(ServerMessage(frame), again);
    EXPECT_EQ(again, bytes);
    const bool has_payload = !frame.slot.has_value();
    ASSERT_EQ(vector.at("parts").size(), has_payload ? 2U : 1U);
    if (has_payload && frame.checksum) {
      EXPECT_EQ(FoldChecksum(FromHex(vector.at("parts").at(1))), *frame.checksum);
    }
  }
}

TEST(ProtocolVectors, RefusedWithTheSameMeaning) {
  // These are whole messages; what they lack is a server's state.
  const std::set<std::string> by_state{"unknown_story", "unknown_subscription", "hello_required"};
  for (const char* group : {"refused_when_welcomed", "refused_before_hello"}) {
    const Json vectors = Vectors().at(group);
    ASSERT_GE(vectors.size(), 8U);
    for (const Json& vector : vectors) {
      SCOPED_TRACE(vector.at("name").get<std::string>());
      const std::string code = vector.at("code");
      const Bytes header = FromPart(vector.at("parts").at(0));
      ClientMessage message;
      Problem problem;
      const bool good = DecodeClient(header, message, problem);
      if (by_state.count(code) != 0 || vector.at("parts").size() > 1) {
        EXPECT_TRUE(good) << problem.reason;
        continue;
      }
      if (code == "unexpected_message" && good) {
        EXPECT_TRUE(std::holds_alternative<Hello>(message));
        continue;
      }
      EXPECT_FALSE(good);
      EXPECT_EQ(problem.code, code) << problem.reason;
      EXPECT_FALSE(problem.reason.empty());
      const Json& field = vector.at("field");
      EXPECT_EQ(problem.field, field.is_null() ? std::string() : field.get<std::string>());
    }
  }
}

TEST(ProtocolVectors, Checksums) {
  const Json vectors = Vectors().at("checksums");
  for (const Json& vector : vectors) {
    Bytes payload(vector.at("size").get<std::size_t>());
    for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<std::uint8_t>(7 * i + i / 256);
    EXPECT_EQ(FoldChecksum(payload), vector.at("checksum").get<std::uint32_t>()) << vector.at("name");
  }
}

}  // namespace
}  // namespace shotstream
