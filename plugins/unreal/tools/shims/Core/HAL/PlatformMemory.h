// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: API/Runtime/Core/FMemory (5.6)
#pragma once

#include "HAL/Platform.h"

struct FMemory
{
	static void* Memcpy(void* To, const void* From, SIZE_T Count);
	static void* Memzero(void* To, SIZE_T Count);
	static void* Memset(void* To, uint8 Value, SIZE_T Count);
	static int32 Memcmp(const void* First, const void* Second, SIZE_T Count);
	static void* Malloc(SIZE_T Count, uint32 Alignment = 0);
	static void Free(void* Memory);
};
