// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: API/Runtime/CoreUObject/UPackage (5.6)
#pragma once

#include "UObject/Object.h"

struct FSavePackageArgs;

class UPackage : public UObject
{
public:
	static bool SavePackage(UPackage* Package, UObject* Asset, const TCHAR* File, const FSavePackageArgs& Args);
	void SetDirtyFlag(bool bDirty);
	bool IsDirty() const;
	void FullyLoad();
	static UClass* StaticClass();
};
