// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Compared with: API/Editor/AssetDefinition/FAssetCategoryPath (5.6)
#pragma once

#include "Containers/ArrayView.h"
#include "Internationalization/Text.h"

struct FAssetCategoryPath
{
	FAssetCategoryPath(const FText& Category);
	FAssetCategoryPath(const FText& Category, const FText& SubCategory);
	FAssetCategoryPath(const FAssetCategoryPath& Category, const FText& SubCategory);
	FAssetCategoryPath(TConstArrayView<FText> Path);
	FName GetCategory() const;
	FText GetCategoryText() const;
	FAssetCategoryPath operator/(const FText& SubCategory) const;
};
