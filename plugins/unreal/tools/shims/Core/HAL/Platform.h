// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: fundamental types, API/Runtime/Core/HAL (5.5); the characters of Linux and Mac
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <type_traits>
#include <utility>

using uint8 = unsigned char;
using uint16 = unsigned short;
using uint32 = unsigned int;
using uint64 = unsigned long long;
using int8 = signed char;
using int16 = short;
using int32 = int;
using int64 = long long;
using ANSICHAR = char;
using WIDECHAR = char16_t;
using TCHAR = WIDECHAR;
using UTF8CHAR = char8_t;
using SIZE_T = std::size_t;
using UPTRINT = std::uintptr_t;
using TYPE_OF_NULLPTR = decltype(nullptr);

#define TEXT_PASTE(Text) u##Text
#define TEXT(Text) TEXT_PASTE(Text)
#define UTF8TEXT(Text) u8##Text
#define FORCEINLINE inline
#define FORCENOINLINE
#define RESTRICT __restrict
#define UE_DEPRECATED(Version, Message)
#define PRAGMA_DISABLE_DEPRECATION_WARNINGS
#define PRAGMA_ENABLE_DEPRECATION_WARNINGS
#define UE_NODISCARD [[nodiscard]]
#define INDEX_NONE (-1)
#define UE_ARRAY_COUNT(Array) (sizeof(Array) / sizeof((Array)[0]))
#define MAX_int32 (int32(0x7fffffff))
#define MAX_uint32 (uint32(0xffffffff))
#define MAX_int64 (int64(0x7fffffffffffffffll))
#define MAX_uint16 (uint16(0xffff))
#define PREPROCESSOR_JOIN_INNER(First, Second) First##Second
#define PREPROCESSOR_JOIN(First, Second) PREPROCESSOR_JOIN_INNER(First, Second)
#define PREPROCESSOR_TO_STRING_INNER(Text) #Text
#define PREPROCESSOR_TO_STRING(Text) PREPROCESSOR_TO_STRING_INNER(Text)
