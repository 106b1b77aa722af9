// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: API/Developer/AssetTools/IAssetTools (5.6)
#pragma once

#include "UObject/Object.h"

class UFactory;

class IAssetTools
{
public:
	static IAssetTools& Get();
	virtual ~IAssetTools();
	virtual UObject* CreateAsset(const FString& Name, const FString& Path, UClass* Class, UFactory* Factory, FName Context = NAME_None) = 0;
	virtual void CreateUniqueAssetName(const FString& Base, const FString& Suffix, FString& Package, FString& Name) = 0;
	virtual TArray<UObject*> ImportAssets(const FString& Path) = 0;
};
