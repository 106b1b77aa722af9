// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Core/TStringView (5.6)
#pragma once

#include "Containers/StringFwd.h"

class FStringView
{
public:
	FStringView();
	FStringView(const TCHAR* Text);
	FStringView(const TCHAR* Text, int32 Count);
	FStringView(const FString& Text);
	int32 Len() const;
	bool IsEmpty() const;
	const TCHAR* GetData() const;
	TCHAR operator[](int32 Index) const;
	FStringView Left(int32 Count) const;
	FStringView Right(int32 Count) const;
	FStringView RightChop(int32 Count) const;
	FStringView Mid(int32 Start, int32 Count = MAX_int32) const;
	FStringView TrimStartAndEnd() const;
	bool Equals(FStringView Other) const;
	bool StartsWith(FStringView Other) const;
	bool FindChar(TCHAR Character, int32& Index) const;
	int32 Find(FStringView Other, int32 Start = 0) const;
	bool operator==(FStringView Other) const;
	const TCHAR* begin() const;
	const TCHAR* end() const;
};
