// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// How the Content Browser shows narratives.
#pragma once

#include "AssetDefinitionDefault.h"
#include "CoreMinimal.h"
#include "Misc/AssetCategoryPath.h"

#include "ShotStreamNarrativeDefinition.generated.h"

UCLASS()
class SHOTSTREAMEDITOR_API UShotStreamNarrativeDefinition : public UAssetDefinitionDefault
{
	GENERATED_BODY()

public:
	UShotStreamNarrativeDefinition();

	//~ UAssetDefinition
	virtual FText GetAssetDisplayName() const override;
	virtual FLinearColor GetAssetColor() const override;
	virtual TSoftClassPtr<UObject> GetAssetClass() const override;
	virtual TConstArrayView<FAssetCategoryPath> GetAssetCategories() const override;

private:
	TArray<FAssetCategoryPath> Categories;
};
