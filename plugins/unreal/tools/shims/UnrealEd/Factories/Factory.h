// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Compared with: API/Editor/UnrealEd/UFactory (5.6)
#pragma once

#include "Misc/FeedbackContext.h"
#include "Templates/SubclassOf.h"
#include "UObject/Class.h"
#include "UObject/Object.h"

class UAssetImportTask;

class UFactory : public UObject
{
public:
	UFactory(const FObjectInitializer& ObjectInitializer = FObjectInitializer::Get());
	static UClass* StaticClass();
	TSubclassOf<UObject> SupportedClass;
	TArray<FString> Formats;
	uint8 bCreateNew : 1;
	uint8 bEditAfterNew : 1;
	uint8 bEditorImport : 1;
	uint8 bText : 1;
	int32 ImportPriority = 0;
	TObjectPtr<UAssetImportTask> AssetImportTask;
	virtual FText GetDisplayName() const;
	virtual uint32 GetMenuCategories() const;
	virtual FText GetToolTip() const;
	virtual bool ConfigureProperties();
	virtual bool CanCreateNew() const;
	virtual bool ShouldShowInNewMenu() const;
	virtual bool DoesSupportClass(UClass* Class);
	virtual bool FactoryCanImport(const FString& Filename);
	virtual UClass* ResolveSupportedClass();
	virtual UObject* FactoryCreateNew(UClass* InClass, UObject* InParent, FName InName, EObjectFlags Flags, UObject* Context, FFeedbackContext* Warn);
	virtual UObject* FactoryCreateNew(UClass* InClass, UObject* InParent, FName InName, EObjectFlags Flags, UObject* Context, FFeedbackContext* Warn, FName CallingContext);
	virtual UObject* FactoryCreateFile(UClass* InClass, UObject* InParent, FName InName, EObjectFlags Flags, const FString& Filename, const TCHAR* Parms, FFeedbackContext* Warn, bool& bOutOperationCanceled);
	virtual UObject* FactoryCreateText(UClass* InClass, UObject* InParent, FName InName, EObjectFlags Flags, UObject* Context, const TCHAR* Type, const TCHAR*& Buffer, const TCHAR* BufferEnd, FFeedbackContext* Warn);
	FString GetCurrentFilename() const;

protected:
	static FString CurrentFilename;
};
