// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "tcp_socket.h"

#include <chrono>
#include <system_error>
#include <thread>

#ifdef _WIN32
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <winsock2.h>
#include <ws2tcpip.h>
#else
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#endif

namespace shotstream {
namespace {

#ifdef _WIN32
using Handle = SOCKET;
using Length = int;
int LastError() { return WSAGetLastError(); }
bool WouldBlock(int error) { return error == WSAEWOULDBLOCK; }
bool InProgress(int error) { return error == WSAEWOULDBLOCK || error == WSAEINPROGRESS; }
bool Interrupted(int error) { return error == WSAEINTR; }
int CloseSocket(Handle handle) { return closesocket(handle); }
int PollOne(WSAPOLLFD& entry, int milliseconds) { return WSAPoll(&entry, 1, milliseconds); }
using PollEntry = WSAPOLLFD;
constexpr int kSendFlags = 0;
constexpr int kEndSending = SD_SEND;
bool MakeNonBlocking(Handle handle) {
  u_long on = 1;
  return ioctlsocket(handle, FIONBIO, &on) == 0;
}
#else
using Handle = int;
using Length = std::size_t;
int LastError() { return errno; }
bool WouldBlock(int error) { return error == EAGAIN || error == EWOULDBLOCK; }
bool InProgress(int error) { return error == EINPROGRESS; }
bool Interrupted(int error) { return error == EINTR; }
int CloseSocket(Handle handle) { return ::close(handle); }
using PollEntry = pollfd;
int PollOne(PollEntry& entry, int milliseconds) { return ::poll(&entry, 1, milliseconds); }
#ifdef MSG_NOSIGNAL
constexpr int kSendFlags = MSG_NOSIGNAL;
#else
constexpr int kSendFlags = 0;
#endif
constexpr int kEndSending = SHUT_WR;
bool MakeNonBlocking(Handle handle) {
  return ::fcntl(handle, F_SETFD, FD_CLOEXEC) == 0 && ::fcntl(handle, F_SETFL, O_NONBLOCK) == 0;
}
#endif

constexpr std::intptr_t kNone = -1;

std::string Describe(int error) { return std::system_category().message(error); }

template <class Value>
void Set(Handle handle, int level, int name, Value value) {
  // An option that the system lacks costs speed and nothing else.
  (void)::setsockopt(handle, level, name, reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

TcpSocket::TcpSocket() : handle_(kNone) {
#ifdef _WIN32
  WSADATA data;
  started_ = WSAStartup(MAKEWORD(2, 2), &data) == 0;
#endif
}

TcpSocket::~TcpSocket() {
  Close();
#ifdef _WIN32
  if (started_) WSACleanup();
#endif
}

bool TcpSocket::is_open() const { return handle_ != kNone; }

bool TcpSocket::Connect(const Address& address, std::string& reason) {
  Close();
  sockaddr_storage storage{};
  socklen_t size = 0;
  int known = 0;
  if (address.is_v6) {
    auto* where = reinterpret_cast<sockaddr_in6*>(&storage);
    where->sin6_family = AF_INET6;
    where->sin6_port = htons(address.port);
    known = ::inet_pton(AF_INET6, address.host.c_str(), &where->sin6_addr);
    size = sizeof(sockaddr_in6);
  } else {
    auto* where = reinterpret_cast<sockaddr_in*>(&storage);
    where->sin_family = AF_INET;
    where->sin_port = htons(address.port);
    known = ::inet_pton(AF_INET, address.host.c_str(), &where->sin_addr);
    size = sizeof(sockaddr_in);
  }
  if (known != 1 || !started_) {
    reason = started_ ? address.text() + " is no address" : "the system's sockets cannot be used";
    return false;
  }
  const Handle handle = ::socket(address.is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM, IPPROTO_TCP);
  handle_ = static_cast<std::intptr_t>(handle);
  if (handle_ == kNone || !MakeNonBlocking(handle)) {
    reason = "no socket: " + Describe(LastError());
    Close();
    return false;
  }
  Set(handle, IPPROTO_TCP, TCP_NODELAY, 1);
#ifdef SO_NOSIGPIPE
  Set(handle, SOL_SOCKET, SO_NOSIGPIPE, 1);
#endif
  if (::connect(handle, reinterpret_cast<const sockaddr*>(&storage), size) == 0) return true;
  const int error = LastError();
  if (InProgress(error)) return true;
  reason = address.text() + ": " + Describe(error);
  Close();
  return false;
}

TcpSocket::Progress TcpSocket::Finish(std::string& reason) {
  PollEntry entry{};
  entry.fd = static_cast<Handle>(handle_);
  entry.events = POLLOUT;
  if (PollOne(entry, 0) <= 0) return Progress::kBlocked;
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(entry.fd, SOL_SOCKET, SO_ERROR, reinterpret_cast<char*>(&error), &size) != 0) error = LastError();
  if (error == 0) return Progress::kDone;
  reason = Describe(error);
  return Progress::kClosed;
}

TcpSocket::Progress TcpSocket::Receive(ByteSpan into, std::size_t& count, std::string& reason) {
  count = 0;
  for (;;) {
    const auto got = ::recv(static_cast<Handle>(handle_), reinterpret_cast<char*>(into.data),
                            static_cast<Length>(into.size), 0);
    if (got > 0) {
      count = static_cast<std::size_t>(got);
      return Progress::kDone;
    }
    const int error = LastError();
    if (got < 0 && Interrupted(error)) continue;
    if (got < 0 && WouldBlock(error)) return Progress::kBlocked;
    reason = got == 0 ? "the server closed the connection, or died" : Describe(error);
    return Progress::kClosed;
  }
}

TcpSocket::Progress TcpSocket::Send(ByteView bytes, std::size_t& count, std::string& reason) {
  count = 0;
  for (;;) {
    const auto sent = ::send(static_cast<Handle>(handle_), reinterpret_cast<const char*>(bytes.data),
                             static_cast<Length>(bytes.size), kSendFlags);
    if (sent >= 0) {
      count = static_cast<std::size_t>(sent);
      return Progress::kDone;
    }
    const int error = LastError();
    if (Interrupted(error)) continue;
    if (WouldBlock(error)) return Progress::kBlocked;
    reason = Describe(error);
    return Progress::kClosed;
  }
}

void TcpSocket::Wait(bool for_write, int milliseconds) {
  PollEntry entry{};
  entry.fd = static_cast<Handle>(handle_);
  entry.events = static_cast<short>(POLLIN | (for_write ? POLLOUT : 0));
  (void)PollOne(entry, milliseconds);
}

void TcpSocket::EndSending() {
  if (is_open()) (void)::shutdown(static_cast<Handle>(handle_), kEndSending);
}

void TcpSocket::Close() {
  if (is_open()) (void)CloseSocket(static_cast<Handle>(handle_));
  handle_ = kNone;
}

void SleepFor(int milliseconds) { std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds)); }

}  // namespace shotstream
