// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Compared with: API/Editor/AssetDefinition/UAssetDefinition, EAssetCategoryPaths, FAssetOpenArgs (5.6)
#pragma once

#include "AssetRegistry/AssetData.h"
#include "Math/Color.h"
#include "Misc/AssetCategoryPath.h"
#include "UObject/Class.h"
#include "UObject/Object.h"
#include "UObject/SoftObjectPtr.h"

enum class EAssetCommandResult : uint8 { Handled, Unhandled };

struct FAssetOpenArgs
{
	template<typename T>
	TArray<T*> LoadObjects() const;
};

struct EAssetCategoryPaths
{
	static FAssetCategoryPath Basic;
	static FAssetCategoryPath Cinematics;
	static FAssetCategoryPath Gameplay;
	static FAssetCategoryPath Media;
	static FAssetCategoryPath Misc;
};

class UAssetDefinition : public UObject
{
public:
	UAssetDefinition();
	UAssetDefinition(const FObjectInitializer&) : UAssetDefinition() {}
	static UClass* StaticClass();
	virtual FText GetAssetDisplayName() const;
	virtual FText GetAssetDisplayName(const FAssetData& Asset) const;
	virtual TSoftClassPtr<UObject> GetAssetClass() const;
	virtual FLinearColor GetAssetColor() const;
	virtual FText GetAssetDescription(const FAssetData& Asset) const;
	virtual TConstArrayView<FAssetCategoryPath> GetAssetCategories() const;
	virtual EAssetCommandResult OpenAssets(const FAssetOpenArgs& Args) const;
	virtual bool CanImport() const;
};
