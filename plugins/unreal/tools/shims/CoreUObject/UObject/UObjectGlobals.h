// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/CoreUObject/NewObject, LoadObject, FindObject, IsValid, GetTransientPackage (5.6)
#pragma once

#include "CoreFwd.h"
#include "UObject/NameTypes.h"
#include "UObject/ObjectMacros.h"

class FObjectInitializer
{
public:
	FObjectInitializer();
	static const FObjectInitializer& Get();
	UObject* GetObj() const;
	template<typename T>
	T* CreateDefaultSubobject(UObject* Outer, FName Name, bool bTransient = false) const;
	template<typename T>
	const FObjectInitializer& SetDefaultSubobjectClass(FName Name) const;
};

template<typename T>
T* NewObject(UObject* Outer, const UClass* Class, FName Name = NAME_None, EObjectFlags Flags = RF_NoFlags, UObject* Template = nullptr);
template<typename T>
T* NewObject(UObject* Outer);
template<typename T>
T* NewObject(UObject* Outer, FName Name, EObjectFlags Flags = RF_NoFlags, UObject* Template = nullptr);
template<typename T>
T* NewObject();

UPackage* GetTransientPackage();
UPackage* CreatePackage(const TCHAR* Path);
template<typename T>
T* LoadObject(UObject* Outer, const TCHAR* Name, const TCHAR* File = nullptr, uint32 Flags = 0);
template<typename T>
T* FindObject(UObject* Outer, const TCHAR* Name, bool bExactClass = false);
template<typename T>
T* DuplicateObject(const T* Source, UObject* Outer, FName Name = NAME_None);
void CollectGarbage(EObjectFlags Keep, bool bFull = true);
constexpr EObjectFlags GARBAGE_COLLECTION_KEEPFLAGS = RF_NoFlags;
FName MakeUniqueObjectName(UObject* Outer, const UClass* Class, FName Base = NAME_None);

bool IsValid(const UObject* Object);

