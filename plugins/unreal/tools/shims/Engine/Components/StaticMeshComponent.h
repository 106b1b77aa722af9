// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: API/Runtime/Engine/UStaticMeshComponent (5.6)
#pragma once

#include "Components/MeshComponent.h"

class UStaticMesh;

class UStaticMeshComponent : public UMeshComponent
{
public:
	static UClass* StaticClass();
	virtual bool SetStaticMesh(UStaticMesh* Mesh);
};
