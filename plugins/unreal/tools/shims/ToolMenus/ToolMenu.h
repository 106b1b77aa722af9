// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Compared with: API/Developer/ToolMenus/UToolMenu (5.6)
#pragma once

#include "ToolMenuSection.h"
#include "UObject/Object.h"

struct FToolMenuInsert
{
	FToolMenuInsert();
	FToolMenuInsert(FName Name, int32 Type);
};

class UToolMenu : public UObject
{
public:
	FToolMenuSection& AddSection(const FName Name, const FText& Label = FText(), const FToolMenuInsert Where = FToolMenuInsert());
	FToolMenuSection& FindOrAddSection(const FName Name);
	FToolMenuSection& FindOrAddSection(const FName Name, const FText& Label, const FToolMenuInsert Where = FToolMenuInsert());
	FToolMenuSection* FindSection(const FName Name);
};
