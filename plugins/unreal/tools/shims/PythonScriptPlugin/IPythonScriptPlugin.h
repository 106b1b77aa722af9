// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Compared with: API/Plugins/PythonScriptPlugin/IPythonScriptPlugin, FPythonCommandEx (5.6)
#pragma once

#include "Modules/ModuleInterface.h"
#include "PythonScriptTypes.h"

class IPythonScriptPlugin : public IModuleInterface
{
public:
	static IPythonScriptPlugin* Get();
	virtual bool IsPythonAvailable() const = 0;
	virtual bool IsPythonInitialized() const = 0;
	virtual bool ExecPythonCommand(const TCHAR* Command) = 0;
	virtual bool ExecPythonCommandEx(FPythonCommandEx& Command) = 0;
};
