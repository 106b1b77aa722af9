// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: FText in Unreal Engine: Text Localization (5.7); API/Runtime/Core/FText (5.6)
#pragma once

#include "Containers/Map.h"
#include "Containers/UnrealString.h"
#include "UObject/NameTypes.h"

class FText;

class FFormatArgumentValue
{
public:
	FFormatArgumentValue(int32 Value);
	FFormatArgumentValue(int64 Value);
	FFormatArgumentValue(double Value);
	FFormatArgumentValue(const FText& Value);
};

using FFormatNamedArguments = TMap<FString, FFormatArgumentValue>;
using FFormatOrderedArguments = TArray<FFormatArgumentValue>;

class FTextFormat
{
public:
	FTextFormat(const FText& Text);
	static FTextFormat FromString(const FString& Text);
};

class FText
{
public:
	FText();
	static const FText& GetEmpty();
	static FText FromString(const FString& Text);
	static FText FromString(FString&& Text);
	static FText FromName(const FName& Name);
	static FText AsCultureInvariant(const FString& Text);
	static FText AsNumber(int32 Number);
	static FText AsNumber(int64 Number);
	static FText AsNumber(double Number);
	static FText Format(FTextFormat Format, const FFormatNamedArguments& Arguments);
	static FText Format(FTextFormat Format, const FFormatOrderedArguments& Arguments);
	template<typename... Args>
	static FText Format(FTextFormat Format, Args&&... Values)
	{
		static_assert((std::is_constructible_v<FFormatArgumentValue, Args&&> && ...), "FText::Format takes numbers and FText");
		return FText();
	}
	const FString& ToString() const;
	bool IsEmpty() const;
	bool IsEmptyOrWhitespace() const;
	bool EqualTo(const FText& Other) const;
	int32 CompareTo(const FText& Other) const;
};
