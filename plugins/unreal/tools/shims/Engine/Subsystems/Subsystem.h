// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: Programming Subsystems (5.7); API/Runtime/Engine/USubsystem (5.6)
#pragma once

#include "Containers/Array.h"
#include "UObject/Object.h"
#include "UObject/Class.h"

class USubsystem;

class FSubsystemCollectionBase
{
public:
	template<typename T>
	T* InitializeDependency()
	{
		static_assert(std::is_base_of_v<USubsystem, T>, "a dependency is a subsystem");
		return nullptr;
	}
};

class USubsystem : public UObject
{
public:
	USubsystem();
	static UClass* StaticClass();
	virtual bool ShouldCreateSubsystem(UObject* Outer) const;
	virtual void Initialize(FSubsystemCollectionBase& Collection);
	virtual void Deinitialize();
};
