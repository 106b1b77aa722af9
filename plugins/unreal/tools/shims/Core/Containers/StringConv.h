// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: Character Encoding in Unreal Engine (5.7); API/Runtime/Core/StringCast, FTCHARToUTF8, FUTF8ToTCHAR (5.6)
#pragma once

#include "Containers/UnrealString.h"

class FTCHARToUTF8
{
public:
	FTCHARToUTF8(const TCHAR* Text);
	FTCHARToUTF8(const TCHAR* Text, int32 Count);
	explicit FTCHARToUTF8(const FString& Text);
	explicit FTCHARToUTF8(FStringView Text);
	const ANSICHAR* Get() const;
	int32 Length() const;
	operator const ANSICHAR*() const;
};

class FUTF8ToTCHAR
{
public:
	FUTF8ToTCHAR(const ANSICHAR* Text);
	FUTF8ToTCHAR(const ANSICHAR* Text, int32 Count);
	const TCHAR* Get() const;
	int32 Length() const;
	operator const TCHAR*() const;
};

#define TCHAR_TO_UTF8(Text) (static_cast<const ANSICHAR*>(FTCHARToUTF8(static_cast<const TCHAR*>(Text)).Get()))
#define UTF8_TO_TCHAR(Text) (static_cast<const TCHAR*>(FUTF8ToTCHAR(static_cast<const ANSICHAR*>(Text)).Get()))
#define TCHAR_TO_ANSI(Text) TCHAR_TO_UTF8(Text)
#define ANSI_TO_TCHAR(Text) UTF8_TO_TCHAR(Text)

namespace ShotStreamShim
{
	template<typename To>
	struct TConverted
	{
		const To* Get() const;
		int32 Length() const;
		operator FStringView() const;
	};
}

template<typename To, typename From>
ShotStreamShim::TConverted<To> StringCast(const From* Text);
template<typename To, typename From>
ShotStreamShim::TConverted<To> StringCast(const From* Text, int32 Count);
