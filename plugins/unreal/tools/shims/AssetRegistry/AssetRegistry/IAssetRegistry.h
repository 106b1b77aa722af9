// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: API/Runtime/AssetRegistry/IAssetRegistry (5.6)
#pragma once

#include "AssetRegistry/AssetData.h"

class IAssetRegistry
{
public:
	static IAssetRegistry* Get();
	virtual ~IAssetRegistry();
	virtual bool GetAssetsByPath(FName Path, TArray<FAssetData>& Assets, bool bRecursive = false, bool bOnDisk = false) const = 0;
};
