// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Core/FModuleManager, FDefaultModuleImpl; IMPLEMENT_MODULE: Unreal Engine Modules (5.7)
#pragma once

#include "Modules/ModuleInterface.h"
#include "UObject/NameTypes.h"

class FDefaultModuleImpl : public IModuleInterface
{
};

class FModuleManager
{
public:
	static FModuleManager& Get();
	template<typename T>
	static T& LoadModuleChecked(const FName Name);
	template<typename T>
	static T& GetModuleChecked(const FName Name);
	template<typename T>
	static T* GetModulePtr(const FName Name);
	template<typename T>
	static T* LoadModulePtr(const FName Name);
	bool IsModuleLoaded(const FName Name) const;
	IModuleInterface* LoadModule(const FName Name);
};

#define IMPLEMENT_MODULE(Class, Name) \
	extern "C" IModuleInterface* InitializeModule_##Name() \
	{ \
		return new Class(); \
	}
#define IMPLEMENT_GAME_MODULE(Class, Name) IMPLEMENT_MODULE(Class, Name)
