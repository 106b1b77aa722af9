// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: Referencing Assets (5.7); API/Runtime/CoreUObject/FSoftObjectPath, FTopLevelAssetPath (5.6)
#pragma once

#include "UObject/NameTypes.h"

struct FTopLevelAssetPath
{
	FTopLevelAssetPath();
	FTopLevelAssetPath(FName Package, FName Asset);
	explicit FTopLevelAssetPath(const TCHAR* Path);
	FString ToString() const;
};

struct FSoftObjectPath
{
	FSoftObjectPath();
	FSoftObjectPath(const FString& Path);
	FSoftObjectPath(const TCHAR* Path);
	FSoftObjectPath(const UObject* Object);
	FString ToString() const;
	bool IsValid() const;
	bool IsNull() const;
	UObject* TryLoad() const;
	UObject* ResolveObject() const;
};
