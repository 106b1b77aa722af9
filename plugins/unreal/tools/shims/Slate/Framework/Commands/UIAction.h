// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Slate/FUIAction, FExecuteAction (5.6)
#pragma once

#include "Delegates/Delegate.h"

using FExecuteAction = TDelegate<void()>;
using FCanExecuteAction = TDelegate<bool()>;

struct FUIAction
{
	FUIAction();
	FUIAction(FExecuteAction Execute);
	FUIAction(FExecuteAction Execute, FCanExecuteAction CanExecute);
};
