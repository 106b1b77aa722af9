// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Compared with: API/Runtime/Engine/UMaterialInterface (5.6)
#pragma once

#include "MaterialTypes.h"
#include "UObject/Object.h"
#include "UObject/Class.h"

class UTexture;

class UMaterialInterface : public UObject
{
public:
	static UClass* StaticClass();
	virtual bool GetTextureParameterValue(const FHashedMaterialParameterInfo& Info, UTexture*& Value, bool bOveriddenOnly = false) const;
};
