// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: Include What You Use in Unreal Engine (5.7): what CoreMinimal.h brings
#pragma once

#include "CoreTypes.h"
#include "Containers/Array.h"
#include "Containers/ArrayView.h"
#include "Containers/Map.h"
#include "Containers/Set.h"
#include "Containers/StringConv.h"
#include "Containers/StringView.h"
#include "Containers/UnrealString.h"
#include "CoreFwd.h"
#include "Delegates/Delegate.h"
#include "Internationalization/Internationalization.h"
#include "Internationalization/Text.h"
#include "Logging/LogMacros.h"
#include "Math/Color.h"
#include "Math/IntPoint.h"
#include "Math/UnrealMathUtility.h"
#include "Math/Vector.h"
#include "Misc/AssertionMacros.h"
#include "Misc/DateTime.h"
#include "Misc/Guid.h"
#include "Misc/Optional.h"
#include "Templates/Function.h"
#include "Templates/SharedPointer.h"
#include "Templates/UniquePtr.h"
#include "Templates/UnrealTemplate.h"
#include "UObject/NameTypes.h"
#include "UObject/UObjectHierarchyFwd.h"

// The module's log category that any code may use (API/Runtime/Core/LogTemp).
DECLARE_LOG_CATEGORY_EXTERN(LogTemp, Log, All);

class FArchive;
class FFeedbackContext;
class FOutputDevice;
extern FFeedbackContext* GWarn;
extern FOutputDevice* GLog;
extern bool GIsEditor;
extern uint64 GFrameCounter;
bool IsRunningCommandlet();
bool IsRunningDedicatedServer();
bool IsInGameThread();
bool IsInRenderingThread();
bool IsEngineExitRequested();
bool IsRunningCookCommandlet();
