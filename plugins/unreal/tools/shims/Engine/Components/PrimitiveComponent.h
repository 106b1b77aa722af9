// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Engine/UPrimitiveComponent (5.6)
#pragma once

#include "Components/SceneComponent.h"

class UMaterialInstanceDynamic;
class UMaterialInterface;

class UPrimitiveComponent : public USceneComponent
{
public:
	UPrimitiveComponent(const FObjectInitializer& ObjectInitializer = FObjectInitializer::Get());
	static UClass* StaticClass();
	virtual int32 GetNumMaterials() const;
	virtual UMaterialInterface* GetMaterial(int32 Index) const;
	virtual void SetMaterial(int32 Index, UMaterialInterface* Material);
	virtual UMaterialInstanceDynamic* CreateDynamicMaterialInstance(int32 Index, UMaterialInterface* Source = nullptr, FName Name = NAME_None);
};
