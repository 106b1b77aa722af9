// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Compared with: API/Developer/ToolMenus/UToolMenus, UToolMenu, FToolMenuSection, FToolMenuOwnerScoped (5.6)
#pragma once

#include "ToolMenu.h"
#include "ToolMenuEntry.h"
#include "ToolMenuOwner.h"
#include "ToolMenuSection.h"
#include "UObject/Class.h"

class UToolMenus : public UObject
{
public:
	static UToolMenus* Get();
	static UToolMenus* TryGet();
	static bool IsToolMenuUIEnabled();
	UToolMenu* ExtendMenu(const FName Name);
	UToolMenu* RegisterMenu(const FName Name, const FName Parent = NAME_None);
	UToolMenu* FindMenu(const FName Name);
	void RemoveEntry(const FName Menu, const FName Section, const FName Name);
	static FDelegateHandle RegisterStartupCallback(const TDelegate<void()>& Delegate);
	static void UnRegisterStartupCallback(const void* User);
	static void UnRegisterStartupCallback(FDelegateHandle Handle);
	static void UnregisterOwner(FToolMenuOwner Owner);
	void RefreshAllWidgets();
};

class FToolMenuOwnerScoped
{
public:
	FToolMenuOwnerScoped(const FToolMenuOwner Owner);
	~FToolMenuOwnerScoped();
	FToolMenuOwnerScoped(const FToolMenuOwnerScoped&) = delete;
	FToolMenuOwnerScoped& operator=(const FToolMenuOwnerScoped&) = delete;
};
