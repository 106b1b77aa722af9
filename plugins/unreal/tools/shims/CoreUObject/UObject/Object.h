// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Compared with: API/Runtime/CoreUObject/UObject (5.6): IsDataValid takes a context and is const since 5.3
#pragma once

#include "CoreFwd.h"
#include "Containers/Map.h"
#include "UObject/NameTypes.h"
#include "UObject/ObjectMacros.h"
#include "UObject/ObjectPtr.h"
#include "UObject/UObjectGlobals.h"

class FArchive;
class FDataValidationContext;
class FObjectPreSaveContext;
struct FPropertyChangedEvent;
struct FPrimaryAssetId;
class FAssetRegistryTagsContext;

enum class EDataValidationResult : uint8
{
	Invalid,
	Valid,
	NotValidated
};
EDataValidationResult CombineDataValidationResults(EDataValidationResult First, EDataValidationResult Second);

class UObjectBase
{
public:
	virtual ~UObjectBase();
	UClass* GetClass() const;
	UObject* GetOuter() const;
	FName GetFName() const;
	uint32 GetUniqueID() const;
	EObjectFlags GetFlags() const;
};

FString GetNameSafe(const UObject* Object);
FString GetPathNameSafe(const UObject* Object);

class UObjectBaseUtility : public UObjectBase
{
public:
	FString GetName() const;
	FString GetPathName(const UObject* Stop = nullptr) const;
	FString GetFullName(const UObject* Stop = nullptr) const;
	UPackage* GetPackage() const;
	UPackage* GetOutermost() const;
	template<typename T>
	T* GetTypedOuter() const;
	bool IsA(const UClass* Class) const;
	template<typename T>
	bool IsA() const;
	bool IsIn(const UObject* Outer) const;
	bool HasAnyFlags(EObjectFlags Flags) const;
	bool HasAllFlags(EObjectFlags Flags) const;
	void SetFlags(EObjectFlags Flags);
	void ClearFlags(EObjectFlags Flags);
	bool IsTemplate(EObjectFlags Flags = RF_ClassDefaultObject) const;
	void AddToRoot();
	void RemoveFromRoot();
	bool IsRooted() const;
	bool MarkPackageDirty() const;
	void MarkAsGarbage();
};

class UObject : public UObjectBaseUtility
{
public:
	UObject();
	UObject(const FObjectInitializer& ObjectInitializer);
	UObject(const UObject&) = delete;
	UObject& operator=(const UObject&) = delete;
	static UClass* StaticClass();
	using WithinClass = UObject;

	template<typename T>
	T* CreateDefaultSubobject(FName Name, bool bTransient = false);
	virtual void PostInitProperties();
	virtual void PostLoad();
	virtual void BeginDestroy();
	virtual bool IsReadyForFinishDestroy();
	virtual void FinishDestroy();
	virtual void Serialize(FArchive& Archive);
	virtual UWorld* GetWorld() const;
	virtual bool IsEditorOnly() const;
	virtual bool Modify(bool bAlwaysMarkDirty = true);
	virtual FPrimaryAssetId GetPrimaryAssetId() const;
	virtual void PreSave(FObjectPreSaveContext Context);
	virtual bool ImplementsGetWorld() const;
#if WITH_EDITOR
	virtual void PostEditChangeProperty(FPropertyChangedEvent& Event);
	virtual bool CanEditChange(const FProperty* Property) const;
	virtual EDataValidationResult IsDataValid(FDataValidationContext& Context) const;
#endif
	void SaveConfig(uint64 Flags = 0, const TCHAR* Filename = nullptr);
	void LoadConfig();
	bool TryUpdateDefaultConfigFile(const FString& File = FString(), bool bWarn = true);
	void ConditionalBeginDestroy();
	UFunction* FindFunction(FName Name) const;
	void ProcessEvent(UFunction* Function, void* Parameters);
};
