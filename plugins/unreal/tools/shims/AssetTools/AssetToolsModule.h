// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: API/Developer/AssetTools/FAssetToolsModule (5.6)
#pragma once

#include "IAssetTools.h"
#include "Modules/ModuleManager.h"

class FAssetToolsModule : public IModuleInterface
{
public:
	static FAssetToolsModule& GetModule();
	virtual IAssetTools& Get() const;
};
