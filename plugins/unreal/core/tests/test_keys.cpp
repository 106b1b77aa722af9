// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "shotstream/keys.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdio>
#include <string>

#include "shotstream/client.h"

namespace shotstream {
namespace {

// The pair of ZeroMQ RFC 26's example (zmq_curve(7)).
constexpr char kPublic[] = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
constexpr char kSecret[] = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";

/// A file that is removed again.
class File {
 public:
  File(const std::string& text, unsigned mode) : path(testing::TempDir() + "shotstream-" + std::to_string(text.size())) {
    std::FILE* file = std::fopen(path.c_str(), "wb");
    std::fwrite(text.data(), 1, text.size(), file);
    std::fclose(file);
    ::chmod(path.c_str(), mode);
  }
  ~File() { std::remove(path.c_str()); }

  const std::string path;
};

std::string Text(bool with_secret, const std::string& end = "\n") {
  std::string text = "# ShotStream key." + end + end + "metadata" + end + "    name = \"a = b\"" + end + "curve" + end;
  text += std::string("    public-key = \"") + kPublic + "\"" + end;
  if (with_secret) text += std::string("    secret-key = \"") + kSecret + "\"" + end;
  return text;
}

TEST(Keys, AKeyIsFortyCharactersOfZ85) {
  EXPECT_TRUE(IsKey(kPublic));
  EXPECT_TRUE(IsKey(kSecret));
  EXPECT_FALSE(IsKey(""));
  EXPECT_FALSE(IsKey(std::string(kPublic) + "0"));
  EXPECT_FALSE(IsKey(std::string(39, '0')));
  EXPECT_FALSE(IsKey(std::string(39, '0') + "~"));
  EXPECT_FALSE(IsKey(std::string(39, '0') + "\xC3"));
  // Each five digits are at most 2^32 - 1.
  EXPECT_TRUE(IsKey(std::string(35, '0') + "%nSc0"));
  EXPECT_FALSE(IsKey(std::string(35, '0') + "%nSc1"));
}

TEST(Keys, AreReadFromFiles) {
  Problem problem;
  std::string key;
  for (const char* end : {"\n", "\r\n"}) {
    const File secret(Text(true, end), 0600);
    const File pub(Text(false, end), 0644);
    EXPECT_TRUE(ReadServerKey(pub.path, key, problem)) << problem.reason;
    EXPECT_EQ(key, kPublic);
    EXPECT_TRUE(ReadServerKey(kPublic, key, problem));
    EXPECT_EQ(key, kPublic);
    EXPECT_TRUE(ReadClientKey(secret.path, key, problem)) << problem.reason;
    EXPECT_EQ(key, kSecret);
    EXPECT_FALSE(ReadClientKey(pub.path, key, problem));
    EXPECT_EQ(problem.field, "client_key");
  }
}

TEST(Keys, WhatIsNoKeyFileIsRefused) {
  Problem problem;
  std::string key;
  for (const std::string& text : {std::string(), std::string("hello"), std::string(100'000, 'x'),
                                  std::string("public-key = \"short\"\n")}) {
    const File file(text, 0600);
    EXPECT_FALSE(ReadServerKey(file.path, key, problem));
    EXPECT_EQ(problem.field, "server_key");
    EXPECT_FALSE(ReadClientKey(file.path, key, problem));
    EXPECT_EQ(problem.field, "client_key");
  }
  for (const std::string& path : {std::string(), std::string("/no/such/file"), testing::TempDir(), std::string("\xFF")}) {
    EXPECT_FALSE(ReadServerKey(path, key, problem)) << path;
    EXPECT_FALSE(ReadClientKey(path, key, problem)) << path;
  }
  // A private key given as text must not be told.
  EXPECT_FALSE(ReadClientKey(kSecret, key, problem));
  EXPECT_EQ(problem.reason.find(kSecret), std::string::npos);
  const File open_to_others(Text(true), 0640);
  EXPECT_FALSE(ReadClientKey(open_to_others.path, key, problem));
  EXPECT_NE(problem.reason.find("chmod 600"), std::string::npos);
}

TEST(Keys, BothAreNeededAndLibzmq) {
  const struct {
    const char* server_key;
    const char* client_key;
    const char* field;
  } cases[] = {{kPublic, "", "client_key"}, {"", kSecret, "server_key"}, {"short", kSecret, "server_key"},
               {kPublic, "short", "client_key"}};
  for (const auto& [server_key, client_key, field] : cases) {
    ClientOptions options;
    options.client_id = "keys";
    options.server_key = server_key;
    options.client_key = client_key;
    Problem problem;
    EXPECT_FALSE(Client(options).Connect(problem));
    EXPECT_EQ(problem.reason.find(kSecret), std::string::npos);
#if defined(SHOTSTREAM_WITH_LIBZMQ) && SHOTSTREAM_WITH_LIBZMQ
    EXPECT_EQ(problem.field, field);
#else
    EXPECT_EQ(problem.field, *server_key != '\0' ? "server_key" : "client_key");
    EXPECT_NE(problem.reason.find("SHOTSTREAM_WITH_LIBZMQ"), std::string::npos) << "not even for " << field;
#endif
  }
}

}  // namespace
}  // namespace shotstream
