// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Compared with: API/Plugins/PythonScriptPlugin/EPythonCommandExecutionMode, EPythonFileExecutionScope, FPythonLogOutputEntry (5.6)
#pragma once

#include "Containers/UnrealString.h"

enum class EPythonCommandFlags : uint8 { None = 0, Unattended = 1 };
enum class EPythonCommandExecutionMode : uint8 { ExecuteFile, ExecuteStatement, EvaluateStatement };
enum class EPythonFileExecutionScope : uint8 { Private, Public };
enum class EPythonLogOutputType : uint8 { Info, Warning, Error };

struct FPythonLogOutputEntry
{
	EPythonLogOutputType Type = EPythonLogOutputType::Info;
	FString Output;
};

struct FPythonCommandEx
{
	EPythonCommandFlags Flags = EPythonCommandFlags::None;
	EPythonCommandExecutionMode ExecutionMode = EPythonCommandExecutionMode::ExecuteFile;
	EPythonFileExecutionScope FileExecutionScope = EPythonFileExecutionScope::Private;
	FString Command;
	FString CommandResult;
	TArray<FPythonLogOutputEntry> LogOutput;
};
