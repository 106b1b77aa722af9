// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Json/FJsonValue (5.6)
#pragma once

#include "Containers/Map.h"
#include "Containers/UnrealString.h"
#include "Templates/SharedPointer.h"

class FJsonObject;

enum class EJson { None, Null, String, Number, Boolean, Array, Object };

class FJsonValue
{
public:
	virtual ~FJsonValue();
	EJson Type = EJson::None;
	double AsNumber() const;
	FString AsString() const;
	bool AsBool() const;
	const TArray<TSharedPtr<FJsonValue>>& AsArray() const;
	const TSharedPtr<FJsonObject>& AsObject() const;
	bool IsNull() const;
	virtual bool TryGetNumber(double& Number) const;
	virtual bool TryGetNumber(int32& Number) const;
	virtual bool TryGetNumber(int64& Number) const;
	virtual bool TryGetString(FString& Text) const;
	virtual bool TryGetBool(bool& Value) const;
	virtual bool TryGetArray(const TArray<TSharedPtr<FJsonValue>>*& Array) const;
	virtual bool TryGetObject(const TSharedPtr<FJsonObject>*& Object) const;
};

class FJsonValueString : public FJsonValue
{
public:
	FJsonValueString(const FString& Text);
};
class FJsonValueNumber : public FJsonValue
{
public:
	FJsonValueNumber(double Number);
};
class FJsonValueBoolean : public FJsonValue
{
public:
	FJsonValueBoolean(bool Value);
};
class FJsonValueArray : public FJsonValue
{
public:
	FJsonValueArray(const TArray<TSharedPtr<FJsonValue>>& Values);
};
class FJsonValueObject : public FJsonValue
{
public:
	FJsonValueObject(TSharedPtr<FJsonObject> Object);
};
