// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Core (5.6): forward declarations, and those of CoreUObject (UObjectHierarchyFwd)
#pragma once

class UObject;
class UClass;
class UEnum;
class UPackage;
class UScriptStruct;
class UFunction;
class FProperty;
class AActor;
class UWorld;
class UActorComponent;
template<typename T>
class TSubclassOf;
template<typename T>
struct TObjectPtr;
