// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: API/Runtime/Projects/IPluginManager, IPlugin (5.6)
#pragma once

#include "Containers/UnrealString.h"
#include "Templates/SharedPointer.h"

struct FPluginDescriptor
{
	FString VersionName;
	int32 Version = 0;
};

class IPlugin
{
public:
	virtual ~IPlugin();
	virtual const FString& GetName() const = 0;
	virtual FString GetBaseDir() const = 0;
	virtual FString GetContentDir() const = 0;
	virtual const FPluginDescriptor& GetDescriptor() const = 0;
	virtual bool IsEnabled() const = 0;
};

class IPluginManager
{
public:
	static IPluginManager& Get();
	virtual ~IPluginManager();
	virtual TSharedPtr<IPlugin> FindPlugin(const FStringView Name) = 0;
};
