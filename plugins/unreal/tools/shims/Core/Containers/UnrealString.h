// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: FString in Unreal Engine (5.7); API/Runtime/Core/FString (5.6)
#pragma once

#include "Containers/Array.h"
#include "Containers/StringView.h"
#include "Misc/FormatArguments.shim.h"

namespace ESearchCase
{
	enum Type { CaseSensitive, IgnoreCase };
}
namespace ESearchDir
{
	enum Type { FromStart, FromEnd };
}

class FString
{
public:
	FString();
	FString(const FString&);
	FString(FString&&);
	FString(const TCHAR* Text);
	FString(int32 Count, const TCHAR* Text);
	explicit FString(FStringView Text);
	explicit FString(const ANSICHAR* Text);
	FString& operator=(const FString&);
	FString& operator=(FString&&);
	FString& operator=(const TCHAR* Text);
	~FString();

	const TCHAR* operator*() const;
	TCHAR& operator[](int32 Index);
	const TCHAR& operator[](int32 Index) const;
	int32 Len() const;
	bool IsEmpty() const;
	bool IsValidIndex(int32 Index) const;
	void Empty(int32 Slack = 0);
	void Reset(int32 Size = 0);
	void Reserve(int32 Count);
	TArray<TCHAR>& GetCharArray();
	const TArray<TCHAR>& GetCharArray() const;

	FString& Append(FStringView Text);
	FString& AppendChar(TCHAR Character);
	void AppendInt(int32 Number);
	FString& operator+=(const FString& Text);
	FString& operator+=(const TCHAR* Text);
	FString& operator+=(FStringView Text);
	FString& operator+=(TCHAR Character);
	FString& operator/=(const FString& Text);
	FString& operator/=(const TCHAR* Text);
	friend FString operator+(const FString& First, const FString& Second);
	friend FString operator+(const FString& First, const TCHAR* Second);
	friend FString operator+(const TCHAR* First, const FString& Second);
	friend FString operator+(const FString& First, FStringView Second);
	friend FString operator/(const FString& First, const FString& Second);
	friend FString operator/(const FString& First, const TCHAR* Second);
	friend bool operator==(const FString& First, const FString& Second);
	friend bool operator==(const FString& First, const TCHAR* Second);
	friend bool operator<(const FString& First, const FString& Second);

	bool Equals(const FString& Other, ESearchCase::Type Case = ESearchCase::CaseSensitive) const;
	int32 Compare(const FString& Other, ESearchCase::Type Case = ESearchCase::CaseSensitive) const;
	bool Contains(const TCHAR* Text, ESearchCase::Type Case = ESearchCase::IgnoreCase, ESearchDir::Type Dir = ESearchDir::FromStart) const;
	bool Contains(const FString& Text, ESearchCase::Type Case = ESearchCase::IgnoreCase, ESearchDir::Type Dir = ESearchDir::FromStart) const;
	int32 Find(const TCHAR* Text, ESearchCase::Type Case = ESearchCase::IgnoreCase, ESearchDir::Type Dir = ESearchDir::FromStart, int32 Start = INDEX_NONE) const;
	int32 Find(const FString& Text, ESearchCase::Type Case = ESearchCase::IgnoreCase, ESearchDir::Type Dir = ESearchDir::FromStart, int32 Start = INDEX_NONE) const;
	bool FindChar(TCHAR Character, int32& Index) const;
	bool FindLastChar(TCHAR Character, int32& Index) const;
	bool StartsWith(const TCHAR* Text, ESearchCase::Type Case = ESearchCase::IgnoreCase) const;
	bool StartsWith(const FString& Text, ESearchCase::Type Case = ESearchCase::IgnoreCase) const;
	bool EndsWith(const TCHAR* Text, ESearchCase::Type Case = ESearchCase::IgnoreCase) const;
	bool EndsWith(const FString& Text, ESearchCase::Type Case = ESearchCase::IgnoreCase) const;
	FString Left(int32 Count) const;
	FString LeftChop(int32 Count) const;
	FString Right(int32 Count) const;
	FString RightChop(int32 Count) const;
	FString Mid(int32 Start, int32 Count = MAX_int32) const;
	void LeftInline(int32 Count, EAllowShrinking Shrinking = EAllowShrinking::Default);
	FString Replace(const TCHAR* From, const TCHAR* To, ESearchCase::Type Case = ESearchCase::IgnoreCase) const;
	int32 ReplaceInline(const TCHAR* From, const TCHAR* To, ESearchCase::Type Case = ESearchCase::IgnoreCase);
	bool ReplaceCharInline(TCHAR From, TCHAR To, ESearchCase::Type Case = ESearchCase::IgnoreCase);
	void RemoveAt(int32 Index, int32 Count = 1, EAllowShrinking Shrinking = EAllowShrinking::Default);
	bool RemoveFromStart(const TCHAR* Text, ESearchCase::Type Case = ESearchCase::IgnoreCase);
	bool RemoveFromEnd(const TCHAR* Text, ESearchCase::Type Case = ESearchCase::IgnoreCase);
	void InsertAt(int32 Index, const FString& Text);
	FString ToLower() const;
	FString ToUpper() const;
	FString TrimStart() const;
	FString TrimEnd() const;
	FString TrimStartAndEnd() const;
	void TrimStartAndEndInline();
	FString TrimChar(TCHAR Character, bool* bRemoved = nullptr) const;
	FString TrimQuotes(bool* bRemoved = nullptr) const;
	bool IsNumeric() const;
	bool Split(const FString& Separator, FString* First, FString* Second, ESearchCase::Type Case = ESearchCase::IgnoreCase, ESearchDir::Type Dir = ESearchDir::FromStart) const;
	int32 ParseIntoArray(TArray<FString>& Parts, const TCHAR* Separator, bool bCullEmpty = true) const;
	int32 ParseIntoArrayLines(TArray<FString>& Parts, bool bCullEmpty = true) const;

	template<typename... Args>
	static FString Printf(ShotStreamShim::TFormat<std::type_identity_t<Args>...> Format, Args... Values);
	template<typename... Args>
	FString& Appendf(ShotStreamShim::TFormat<std::type_identity_t<Args>...> Format, Args... Values);
	static FString FromInt(int32 Number);
	static FString SanitizeFloat(double Number, int32 MinimumDigits = 1);
	static FString Chr(TCHAR Character);
	static FString ChrN(int32 Count, TCHAR Character);
	static FString ConstructFromPtrSize(const TCHAR* Text, int32 Count);
	static FString ConstructFromPtrSize(const ANSICHAR* Text, int32 Count);
	template<typename Range>
	static FString Join(const Range& Parts, const TCHAR* Separator);
	static FString JoinBy(const TArray<FString>& Parts, const TCHAR* Separator);

	const TCHAR* begin() const;
	const TCHAR* end() const;
};

uint32 GetTypeHash(const FString& Text);

struct FCString
{
	static int32 Atoi(const TCHAR* Text);
	static int64 Atoi64(const TCHAR* Text);
	static float Atof(const TCHAR* Text);
	static double Atod(const TCHAR* Text);
	static int32 Strlen(const TCHAR* Text);
	static int32 Strcmp(const TCHAR* First, const TCHAR* Second);
	static int32 Stricmp(const TCHAR* First, const TCHAR* Second);
};

struct FChar
{
	static bool IsAlnum(TCHAR Character);
	static bool IsAlpha(TCHAR Character);
	static bool IsDigit(TCHAR Character);
	static bool IsWhitespace(TCHAR Character);
	static bool IsUpper(TCHAR Character);
	static TCHAR ToLower(TCHAR Character);
	static TCHAR ToUpper(TCHAR Character);
};

template<typename T>
struct TCString;

FString LexToString(bool Value);
FString LexToString(int32 Value);
FString LexToString(int64 Value);
FString LexToString(uint32 Value);
FString LexToString(uint64 Value);
FString LexToString(float Value);
FString LexToString(double Value);
bool LexTryParseString(int32& Value, const TCHAR* Text);
bool LexTryParseString(int64& Value, const TCHAR* Text);
bool LexTryParseString(double& Value, const TCHAR* Text);
void LexFromString(int32& Value, const TCHAR* Text);
void LexFromString(int64& Value, const TCHAR* Text);
void LexFromString(double& Value, const TCHAR* Text);
