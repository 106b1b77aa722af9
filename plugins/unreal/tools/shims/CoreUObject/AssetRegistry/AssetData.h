// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/CoreUObject/FAssetData (5.6)
#pragma once

#include "UObject/Object.h"
#include "UObject/SoftObjectPath.h"

struct FAssetData
{
	FName PackageName;
	FName PackagePath;
	FName AssetName;
	bool IsValid() const;
	UObject* GetAsset() const;
	FSoftObjectPath GetSoftObjectPath() const;
	UClass* GetClass() const;
};
