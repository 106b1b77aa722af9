// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: FName in Unreal Engine (5.7); API/Runtime/Core/FName (5.6)
#pragma once

#include "Containers/UnrealString.h"

enum EName : uint32 { NAME_None = 0 };

enum
{
	NAME_SIZE = 1024
};

class FName
{
public:
	FName();
	FName(EName Name);
	FName(const TCHAR* Text);
	FName(const ANSICHAR* Text);
	explicit FName(const FString& Text);
	explicit FName(FStringView Text);
	FName(int32 Count, const TCHAR* Text);
	FString ToString() const;
	void ToString(FString& Text) const;
	bool IsNone() const;
	bool IsValid() const;
	int32 Compare(const FName& Other) const;
	bool LexicalLess(const FName& Other) const;
	int32 GetStringLength() const;
	bool operator==(const FName& Other) const;
	bool operator==(EName Other) const;
	bool operator==(const TCHAR* Other) const;
};

uint32 GetTypeHash(const FName& Name);
FString LexToString(const FName& Name);
