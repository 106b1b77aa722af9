// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "ShotStreamNarrativeFactory.h"

#include "Dom/JsonObject.h"
#include "JsonObjectConverter.h"
#include "Misc/FeedbackContext.h"
#include "Serialization/JsonReader.h"
#include "Serialization/JsonSerializer.h"
#include "ShotStreamNarrative.h"

namespace
{
	/** The first name in it that no property has. The engine's reader would pass over it, as over any typing error; its
	 *  strict mode wants every property to be there instead. */
	FString FindUnknownName(const FJsonObject& Json, const UStruct* Struct)
	{
		for (const auto& Field : Json.Values)
		{
			const FString Name(*Field.Key);
			if (Name.Len() >= NAME_SIZE || Struct->FindPropertyByName(FName(*Name)) == nullptr)
			{
				return Name;
			}
		}
		return FString();
	}

	/** The same in a list of objects, with the place: `beats[1].txt`. */
	FString FindUnknownName(const FJsonObject& Json, const TCHAR* List, const UStruct* Struct)
	{
		const TArray<TSharedPtr<FJsonValue>>* Entries = nullptr;
		if (!Json.TryGetArrayField(List, Entries))
		{
			return FString();
		}
		for (int32 Index = 0; Index < Entries->Num(); ++Index)
		{
			const TSharedPtr<FJsonObject>* Entry = nullptr;
			const FString Name = (*Entries)[Index]->TryGetObject(Entry) ? FindUnknownName(**Entry, Struct) : FString();
			if (!Name.IsEmpty())
			{
				return FString::Printf(TEXT("%s[%d].%s"), List, Index, *Name);
			}
		}
		return FString();
	}

	FString FindUnknownName(const FJsonObject& Json)
	{
		FString Name = FindUnknownName(Json, UShotStreamNarrative::StaticClass());
		if (Name.IsEmpty())
		{
			Name = FindUnknownName(Json, TEXT("beats"), FShotStreamNarrativeBeat::StaticStruct());
		}
		return Name.IsEmpty() ? FindUnknownName(Json, TEXT("events"), FShotStreamEventRule::StaticStruct()) : Name;
	}
}

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
	const FString Unknown = FindUnknownName(*Json);
	if (!Unknown.IsEmpty())
	{
		Warn->Logf(ELogVerbosity::Error, TEXT("%s: %s is no property of a narrative; is it spelled right?"), *InName.ToString(), *Unknown);
		return nullptr;
	}
	UShotStreamNarrative* Narrative = NewObject<UShotStreamNarrative>(InParent, InClass, InName, Flags);
	FText Reason;
	if (!FJsonObjectConverter::JsonObjectToUStruct(Json.ToSharedRef(), UShotStreamNarrative::StaticClass(), Narrative, 0, 0, false, &Reason))
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
