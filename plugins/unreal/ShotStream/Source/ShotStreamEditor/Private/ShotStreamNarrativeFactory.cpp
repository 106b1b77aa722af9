// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "ShotStreamNarrativeFactory.h"

#include "Dom/JsonObject.h"
#include "JsonObjectConverter.h"
#include "Misc/FeedbackContext.h"
#include "Serialization/JsonReader.h"
#include "Serialization/JsonSerializer.h"
#include "ShotStreamNarrative.h"

UShotStreamNarrativeFactory::UShotStreamNarrativeFactory()
{
	SupportedClass = UShotStreamNarrative::StaticClass();
	bCreateNew = true;
	bEditAfterNew = true;
}

UObject* UShotStreamNarrativeFactory::FactoryCreateNew(UClass* InClass, UObject* InParent, FName InName, EObjectFlags Flags, UObject* Context, FFeedbackContext* Warn)
{
	return NewObject<UShotStreamNarrative>(InParent, InClass, InName, Flags);
}

UShotStreamNarrativeImportFactory::UShotStreamNarrativeImportFactory()
{
	SupportedClass = UShotStreamNarrative::StaticClass();
	bCreateNew = false;
	bEditorImport = true;
	bText = true;
	Formats.Add(TEXT("shotstream;ShotStream narrative"));
}

UObject* UShotStreamNarrativeImportFactory::FactoryCreateText(UClass* InClass, UObject* InParent, FName InName, EObjectFlags Flags, UObject* Context, const TCHAR* Type, const TCHAR*& Buffer, const TCHAR* BufferEnd, FFeedbackContext* Warn)
{
	const FString Text = FString::ConstructFromPtrSize(Buffer, static_cast<int32>(BufferEnd - Buffer));
	TSharedPtr<FJsonObject> Json;
	if (!FJsonSerializer::Deserialize(TJsonReaderFactory<TCHAR>::Create(Text), Json) || !Json.IsValid())
	{
		Warn->Logf(ELogVerbosity::Error, TEXT("%s is no JSON."), *InName.ToString());
		return nullptr;
	}
	UShotStreamNarrative* Narrative = NewObject<UShotStreamNarrative>(InParent, InClass, InName, Flags);
	FText Reason;
	if (!FJsonObjectConverter::JsonObjectToUStruct(Json.ToSharedRef(), UShotStreamNarrative::StaticClass(), Narrative, 0, 0, true, &Reason))
	{
		Warn->Logf(ELogVerbosity::Error, TEXT("%s cannot be read as a narrative: %s"), *InName.ToString(), *Reason.ToString());
		return nullptr;
	}
	FString Problem;
	if (!Narrative->Check(Problem))
	{
		// It is kept: what is wrong is mended in the asset's editor.
		Warn->Logf(ELogVerbosity::Warning, TEXT("%s cannot be played yet: %s"), *InName.ToString(), *Problem);
	}
	return Narrative;
}
