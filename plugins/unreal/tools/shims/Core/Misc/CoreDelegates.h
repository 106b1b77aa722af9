// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Compared with: API/Runtime/Core/FCoreDelegates (5.6): OnPreExit, OnEnginePreExit; those reached by a function since 5.0 stay fields of the class here as there
#pragma once

#include "Delegates/Delegate.h"

struct FCoreDelegates
{
	static TMulticastDelegate<void()> OnPreExit;
	static TMulticastDelegate<void()> OnEnginePreExit;
	static TMulticastDelegate<void()> OnExit;
	static TMulticastDelegate<void()> OnBeginFrame;
	static TMulticastDelegate<void()> OnEndFrame;
	static TMulticastDelegate<void()> OnPostEngineInit;
	static TMulticastDelegate<void()>& GetOnPostEngineInit();
	static TMulticastDelegate<void()> OnFEngineLoopInitComplete;
	static TMulticastDelegate<void()>& GetApplicationWillTerminateDelegate();
};
