// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/CoreUObject/UClass, UEnum, UStruct, GetDefault, GetMutableDefault (5.6)
#pragma once

#include "Templates/Casts.h"
#include "Templates/SubclassOf.h"
#include "UObject/Object.h"

class FProperty;

class UField : public UObject
{
};

class UStruct : public UField
{
public:
	UStruct* GetSuperStruct() const;
	bool IsChildOf(const UStruct* Other) const;
	FProperty* FindPropertyByName(FName Name) const;
};

class UScriptStruct : public UStruct
{
};

class UFunction : public UStruct
{
};

class UEnum : public UField
{
public:
	FString GetNameStringByValue(int64 Value) const;
	FName GetNameByValue(int64 Value) const;
	FText GetDisplayNameTextByValue(int64 Value) const;
	int64 GetValueByName(FName Name) const;
	int64 GetValueByNameString(const FString& Name) const;
	int64 GetMaxEnumValue() const;
	FString GetNameStringByIndex(int32 Index) const;
	int64 GetValueByIndex(int32 Index) const;
	int32 NumEnums() const;
};

class UClass : public UStruct
{
public:
	UObject* GetDefaultObject(bool bCreate = true) const;
	template<typename T>
	T* GetDefaultObject() const;
	bool ImplementsInterface(const UClass* Interface) const;
	bool HasAnyClassFlags(uint32 Flags) const;
	UFunction* FindFunctionByName(FName Name) const;
};

template<typename T>
const T* GetDefault();
template<typename T>
T* GetMutableDefault();
