// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Compared with: API/Runtime/Engine/UMaterialInstanceDynamic (5.6)
#pragma once

#include "Materials/MaterialInterface.h"
#include "Math/Color.h"

class UMaterialInstance : public UMaterialInterface
{
public:
	TObjectPtr<UMaterialInterface> Parent;
};

class UMaterialInstanceDynamic : public UMaterialInstance
{
public:
	static UClass* StaticClass();
	static UMaterialInstanceDynamic* Create(UMaterialInterface* Parent, UObject* Outer);
	static UMaterialInstanceDynamic* Create(UMaterialInterface* Parent, UObject* Outer, FName Name);
	void SetTextureParameterValue(FName Name, UTexture* Value);
	void ClearParameterValues();
	void SetScalarParameterValue(FName Name, float Value);
	void SetVectorParameterValue(FName Name, FLinearColor Value);
};
