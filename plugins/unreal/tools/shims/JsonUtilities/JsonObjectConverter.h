// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Compared with: API/Runtime/JsonUtilities/FJsonObjectConverter (5.6)
#pragma once

#include "Dom/JsonObject.h"
#include "Internationalization/Text.h"
#include "UObject/Class.h"

class FJsonObjectConverter
{
public:
	static bool JsonObjectToUStruct(const TSharedRef<FJsonObject>& Object, const UStruct* Struct, void* Into, int64 CheckFlags = 0, int64 SkipFlags = 0, const bool bStrict = false, FText* Reason = nullptr);
	template<typename T>
	static bool JsonObjectToUStruct(const TSharedRef<FJsonObject>& Object, T* Into, int64 CheckFlags = 0, int64 SkipFlags = 0, const bool bStrict = false, FText* Reason = nullptr);
	template<typename T>
	static bool JsonObjectStringToUStruct(const FString& Text, T* Into, int64 CheckFlags = 0, int64 SkipFlags = 0, const bool bStrict = false, FText* Reason = nullptr);
	static bool UStructToJsonObject(const UStruct* Struct, const void* From, TSharedRef<FJsonObject> Object, int64 CheckFlags = 0, int64 SkipFlags = 0);
	template<typename T>
	static bool UStructToJsonObjectString(const T& From, FString& Text, int64 CheckFlags = 0, int64 SkipFlags = 0, int32 Indent = 0);
};
