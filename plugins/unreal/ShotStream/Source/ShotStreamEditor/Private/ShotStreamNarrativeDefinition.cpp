// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "ShotStreamNarrativeDefinition.h"

#include "ShotStreamNarrative.h"

#define LOCTEXT_NAMESPACE "ShotStreamEditor"

UShotStreamNarrativeDefinition::UShotStreamNarrativeDefinition()
{
	Categories.Emplace(LOCTEXT("Category", "ShotStream"));
}

FText UShotStreamNarrativeDefinition::GetAssetDisplayName() const
{
	return LOCTEXT("Narrative", "Narrative");
}

FLinearColor UShotStreamNarrativeDefinition::GetAssetColor() const
{
	return FLinearColor(FColor(240, 138, 60));
}

TSoftClassPtr<UObject> UShotStreamNarrativeDefinition::GetAssetClass() const
{
	return UShotStreamNarrative::StaticClass();
}

TConstArrayView<FAssetCategoryPath> UShotStreamNarrativeDefinition::GetAssetCategories() const
{
	return Categories;
}

#undef LOCTEXT_NAMESPACE
