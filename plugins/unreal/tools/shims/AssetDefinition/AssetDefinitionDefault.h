// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Editor/AssetDefinition/UAssetDefinitionDefault (5.6)
#pragma once

#include "AssetDefinition.h"

class UAssetDefinitionDefault : public UAssetDefinition
{
public:
	UAssetDefinitionDefault();
	UAssetDefinitionDefault(const FObjectInitializer&) : UAssetDefinitionDefault() {}
	static UClass* StaticClass();
};
