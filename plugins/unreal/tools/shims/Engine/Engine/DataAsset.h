// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Engine/UDataAsset, UPrimaryDataAsset (5.6)
#pragma once

#include "UObject/Object.h"
#include "UObject/Class.h"
#include "UObject/PrimaryAssetId.h"

class UDataAsset : public UObject
{
public:
	UDataAsset(const FObjectInitializer& ObjectInitializer = FObjectInitializer::Get());
	static UClass* StaticClass();
};

class UPrimaryDataAsset : public UDataAsset
{
public:
	UPrimaryDataAsset(const FObjectInitializer& ObjectInitializer = FObjectInitializer::Get());
	static UClass* StaticClass();
	virtual FPrimaryAssetId GetPrimaryAssetId() const override;
};
