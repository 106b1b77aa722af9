// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "ShotStreamEditorLibrary.h"

#include "IPythonScriptPlugin.h"
#include "LevelSequence.h"
#include "PythonScriptTypes.h"
#include "ShotStreamEditorLog.h"
#include "UObject/UObjectGlobals.h"

namespace
{
	/** A text as a literal of Python, whatever is in it. */
	FString ToPythonLiteral(const FString& Text)
	{
		FString Literal = TEXT("'");
		for (const TCHAR Character : Text)
		{
			if (Character == TEXT('\\') || Character == TEXT('\''))
			{
				Literal.AppendChar(TEXT('\\'));
				Literal.AppendChar(Character);
			}
			else if (Character < TEXT(' '))
			{
				Literal += FString::Printf(TEXT("\\x%02x"), static_cast<uint32>(Character));
			}
			else
			{
				Literal.AppendChar(Character);
			}
		}
		Literal.AppendChar(TEXT('\''));
		return Literal;
	}
}

ULevelSequence* UShotStreamEditorLibrary::ImportTakeToSequence(const FString& Take, const FString& PackagePath)
{
	IPythonScriptPlugin* Python = IPythonScriptPlugin::Get();
	if (Python == nullptr || !Python->IsPythonAvailable())
	{
		UE_LOG(LogShotStreamEditor, Error, TEXT("Importing a take needs Python; enable the Python Editor Script Plugin."));
		return nullptr;
	}
	FPythonCommandEx Command;
	Command.ExecutionMode = EPythonCommandExecutionMode::EvaluateStatement;
	Command.Command = FString::Printf(TEXT("__import__('shotstream_import').import_take(%s, %s)"), *ToPythonLiteral(Take), *ToPythonLiteral(PackagePath));
	if (!Python->ExecPythonCommandEx(Command))
	{
		UE_LOG(LogShotStreamEditor, Error, TEXT("%s could not be imported: %s"), *Take, *Command.CommandResult);
		return nullptr;
	}
	// The result is the sequence's path as Python writes a text.
	const FString Literal = Command.CommandResult.TrimStartAndEnd();
	const FString Path = Literal.Mid(1, Literal.Len() - 2);
	return LoadObject<ULevelSequence>(nullptr, *Path);
}
