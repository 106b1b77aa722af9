// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/DeveloperSettings/UDeveloperSettings (5.6)
#pragma once

#include "UObject/Object.h"
#include "UObject/Class.h"

class UDeveloperSettings : public UObject
{
public:
	UDeveloperSettings(const FObjectInitializer& ObjectInitializer = FObjectInitializer::Get());
	virtual FName GetContainerName() const;
	virtual FName GetCategoryName() const;
	virtual FName GetSectionName() const;
#if WITH_EDITOR
	virtual FText GetSectionText() const;
	virtual FText GetSectionDescription() const;
#endif
	virtual bool SupportsAutoRegistration() const;

protected:
	FName CategoryName;
	FName SectionName;
};
