// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Engine/UBlueprintFunctionLibrary (5.6)
#pragma once

#include "UObject/Object.h"
#include "UObject/Class.h"

class UBlueprintFunctionLibrary : public UObject
{
public:
	UBlueprintFunctionLibrary(const FObjectInitializer& ObjectInitializer = FObjectInitializer::Get());
	static UClass* StaticClass();
};
