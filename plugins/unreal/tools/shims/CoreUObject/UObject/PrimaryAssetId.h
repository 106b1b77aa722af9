// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/CoreUObject/FPrimaryAssetId (5.6)
#pragma once

#include "UObject/NameTypes.h"

struct FPrimaryAssetType
{
	FPrimaryAssetType();
	FPrimaryAssetType(FName Name);
};

struct FPrimaryAssetId
{
	FPrimaryAssetId();
	FPrimaryAssetId(FPrimaryAssetType Type, FName Name);
	FString ToString() const;
};
