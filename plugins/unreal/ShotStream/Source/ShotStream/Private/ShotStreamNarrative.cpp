// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "ShotStreamNarrative.h"

#include "ShotStreamConvert.h"

#if WITH_EDITOR
#include "Misc/DataValidation.h"
#endif

bool UShotStreamNarrative::Check(FString& Problem) const
{
	shotstream::Problem Found;
	if (shotstream::CheckNarrative(ShotStreamConvert::ToScript(*this), Found))
	{
		Problem.Reset();
		return true;
	}
	Problem = ShotStreamConvert::FromUtf8(Found.reason);
	return false;
}

#if WITH_EDITOR
EDataValidationResult UShotStreamNarrative::IsDataValid(FDataValidationContext& Context) const
{
	FString Problem;
	if (Check(Problem))
	{
		return CombineDataValidationResults(Super::IsDataValid(Context), EDataValidationResult::Valid);
	}
	Context.AddError(FText::FromString(Problem));
	return EDataValidationResult::Invalid;
}
#endif
