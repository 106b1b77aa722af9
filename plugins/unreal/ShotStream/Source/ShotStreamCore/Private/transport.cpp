// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "transport.h"

#include "shotstream/keys.h"
#include "tcp_transport.h"

#if defined(SHOTSTREAM_WITH_LIBZMQ) && SHOTSTREAM_WITH_LIBZMQ
#include "libzmq_transport.h"
#endif

namespace shotstream {
namespace {

bool Refuse(Problem& problem, const char* field, std::string reason) {
  problem = {std::string(code::kInvalidValue), field, std::move(reason)};
  return false;
}

bool WantsKeys(const ClientOptions& options) { return !options.server_key.empty() || !options.client_key.empty(); }

bool CheckKeys(const ClientOptions& options, Problem& problem) {
#if defined(SHOTSTREAM_WITH_LIBZMQ) && SHOTSTREAM_WITH_LIBZMQ
  if (options.server_key.empty()) {
    return Refuse(problem, "server_key", "is missing: a client with a key needs the server's public key too");
  }
  if (options.client_key.empty()) {
    return Refuse(problem, "client_key", "is missing: a server with keys lets in clients with a key of their own; "
                                         "`shotstream keys new NAME` makes one");
  }
  if (!IsKey(options.server_key)) {
    return Refuse(problem, "server_key", "'" + options.server_key.substr(0, 60) + "' is no public key; one has 40 "
                                         "characters of Z85");
  }
  if (!IsKey(options.client_key)) {
    return Refuse(problem, "client_key", "is no private key; one has 40 characters of Z85");
  }
  if (!LibzmqTransport::HasCurve()) {
    return Refuse(problem, "server_key", "cannot be used: this libzmq was built without CURVE");
  }
  return true;
#else
  return Refuse(problem, options.server_key.empty() ? "client_key" : "server_key",
                "cannot be used: this program was built without libzmq, which keys need. Build it with "
                "SHOTSTREAM_WITH_LIBZMQ, or leave the keys out and reach the server through a tunnel");
#endif
}

}  // namespace

bool CheckTransport(const ClientOptions& options, Address& address, Problem& problem) {
  std::string reason;
  if (!ParseAddress(options.address, address, reason)) return Refuse(problem, "address", std::move(reason));
  return !WantsKeys(options) || CheckKeys(options, problem);
}

std::unique_ptr<Transport> MakeTransport(const ClientOptions& options) {
#if defined(SHOTSTREAM_WITH_LIBZMQ) && SHOTSTREAM_WITH_LIBZMQ
  if (WantsKeys(options)) return std::make_unique<LibzmqTransport>(options.server_key, options.client_key);
#endif
  (void)options;
  return std::make_unique<TcpTransport>();
}

}  // namespace shotstream
