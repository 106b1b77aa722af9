// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: API/Runtime/AssetRegistry/FAssetRegistryModule (5.6)
#pragma once

#include "AssetRegistry/IAssetRegistry.h"
#include "Modules/ModuleManager.h"

class FAssetRegistryModule : public IModuleInterface
{
public:
	static void AssetCreated(UObject* Asset);
	virtual IAssetRegistry& Get() const;
};
