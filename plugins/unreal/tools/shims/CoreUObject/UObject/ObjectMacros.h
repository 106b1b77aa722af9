// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: Unreal Engine Reflection System (5.7); API/Runtime/CoreUObject/EObjectFlags (5.6). The macros do nothing here: the reflection check reads them
#pragma once

#include "HAL/Platform.h"

#define UCLASS(...)
#define USTRUCT(...)
#define UENUM(...)
#define UINTERFACE(...)
#define UFUNCTION(...)
#define UPROPERTY(...)
#define UPARAM(...)
#define UMETA(...)
#define UDELEGATE(...)

#define BODY_MACRO_COMBINE_INNER(A, B, C, D) A##B##C##D
#define BODY_MACRO_COMBINE(A, B, C, D) BODY_MACRO_COMBINE_INNER(A, B, C, D)
#define GENERATED_BODY(...) BODY_MACRO_COMBINE(CURRENT_FILE_ID, _, __LINE__, _GENERATED_BODY)

enum EObjectFlags
{
	RF_NoFlags = 0,
	RF_Public = 1,
	RF_Standalone = 2,
	RF_Transactional = 8,
	RF_ClassDefaultObject = 16,
	RF_Transient = 64
};
constexpr EObjectFlags operator|(EObjectFlags A, EObjectFlags B)
{
	return EObjectFlags(int(A) | int(B));
}

class FObjectInitializer;
class UClass;
class UEnum;
class UObject;
class UScriptStruct;

template<typename T>
UEnum* StaticEnum();
