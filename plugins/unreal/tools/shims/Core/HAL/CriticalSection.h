// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: API/Runtime/Core/FCriticalSection (5.6)
#pragma once

class FCriticalSection
{
public:
	FCriticalSection();
	~FCriticalSection();
	FCriticalSection(const FCriticalSection&) = delete;
	FCriticalSection& operator=(const FCriticalSection&) = delete;
	void Lock();
	bool TryLock();
	void Unlock();
};
