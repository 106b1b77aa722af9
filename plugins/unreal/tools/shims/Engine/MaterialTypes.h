// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Engine/FHashedMaterialParameterInfo, FMaterialParameterInfo (5.6)
#pragma once

#include "UObject/NameTypes.h"

struct FMaterialParameterInfo
{
	FName Name;
	explicit FMaterialParameterInfo(const TCHAR* Name);
	FMaterialParameterInfo(const FName& Name);
};

struct FHashedMaterialParameterInfo
{
	FHashedMaterialParameterInfo(const FMaterialParameterInfo& Info);
	FHashedMaterialParameterInfo(const FName& Name);
};
