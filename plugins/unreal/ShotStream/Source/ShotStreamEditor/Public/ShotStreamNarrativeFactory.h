// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Narratives in the Content Browser: new ones, and from .shotstream files.
#pragma once

#include "CoreMinimal.h"
#include "Factories/Factory.h"

#include "ShotStreamNarrativeFactory.generated.h"

/** Add > ShotStream > Narrative. */
UCLASS()
class SHOTSTREAMEDITOR_API UShotStreamNarrativeFactory : public UFactory
{
	GENERATED_BODY()

public:
	UShotStreamNarrativeFactory();

	//~ UFactory
	virtual UObject* FactoryCreateNew(UClass* InClass, UObject* InParent, FName InName, EObjectFlags Flags, UObject* Context, FFeedbackContext* Warn) override;
};

/** Imports a .shotstream file: a narrative as JSON, with the names that the asset's properties have. */
UCLASS()
class SHOTSTREAMEDITOR_API UShotStreamNarrativeImportFactory : public UFactory
{
	GENERATED_BODY()

public:
	UShotStreamNarrativeImportFactory();

	//~ UFactory
	virtual UObject* FactoryCreateText(UClass* InClass, UObject* InParent, FName InName, EObjectFlags Flags, UObject* Context, const TCHAR* Type, const TCHAR*& Buffer, const TCHAR* BufferEnd, FFeedbackContext* Warn) override;
};
