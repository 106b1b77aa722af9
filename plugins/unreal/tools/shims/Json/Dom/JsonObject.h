// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Json/FJsonObject (5.6)
#pragma once

#include "Dom/JsonValue.h"

class FJsonObject
{
public:
	TMap<FString, TSharedPtr<FJsonValue>> Values;
	bool HasField(FStringView Name) const;
	TSharedPtr<FJsonValue> TryGetField(FStringView Name) const;
	FString GetStringField(FStringView Name) const;
	double GetNumberField(FStringView Name) const;
	int32 GetIntegerField(FStringView Name) const;
	bool GetBoolField(FStringView Name) const;
	const TArray<TSharedPtr<FJsonValue>>& GetArrayField(FStringView Name) const;
	const TSharedPtr<FJsonObject>& GetObjectField(FStringView Name) const;
	bool TryGetStringField(FStringView Name, FString& Text) const;
	bool TryGetNumberField(FStringView Name, double& Number) const;
	bool TryGetNumberField(FStringView Name, int32& Number) const;
	bool TryGetNumberField(FStringView Name, int64& Number) const;
	bool TryGetBoolField(FStringView Name, bool& Value) const;
	bool TryGetArrayField(FStringView Name, const TArray<TSharedPtr<FJsonValue>>*& Array) const;
	bool TryGetObjectField(FStringView Name, const TSharedPtr<FJsonObject>*& Object) const;
	void SetStringField(const FString& Name, const FString& Text);
	void SetNumberField(const FString& Name, double Number);
	void SetBoolField(const FString& Name, bool Value);
	void SetArrayField(const FString& Name, const TArray<TSharedPtr<FJsonValue>>& Array);
	void SetObjectField(const FString& Name, const TSharedPtr<FJsonObject>& Object);
};
