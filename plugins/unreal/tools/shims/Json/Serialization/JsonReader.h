// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Json/TJsonReader, TJsonReaderFactory (5.6)
#pragma once

#include "Containers/UnrealString.h"
#include "Templates/SharedPointer.h"

template<typename Char = TCHAR>
class TJsonReader
{
public:
	virtual ~TJsonReader();
	const FString& GetErrorMessage() const;
	uint32 GetLineNumber() const;
	uint32 GetCharacterNumber() const;
};

template<typename Char = TCHAR>
class TJsonReaderFactory
{
public:
	static TSharedRef<TJsonReader<Char>> Create(const FString& Text);
	static TSharedRef<TJsonReader<Char>> CreateFromView(FStringView Text);
};
