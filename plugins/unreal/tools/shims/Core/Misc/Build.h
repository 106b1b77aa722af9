// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: WITH_EDITOR, WITH_EDITORONLY_DATA, UE_BUILD_SHIPPING: build configuration macros (5.5). The check sets WITH_EDITOR
#pragma once

#ifndef WITH_EDITOR
#error the check defines WITH_EDITOR
#endif
#define WITH_EDITORONLY_DATA WITH_EDITOR
#define WITH_DEV_AUTOMATION_TESTS 1
#define WITH_AUTOMATION_TESTS 1
#define WITH_AUTOMATION_WORKER 1
#define WITH_SERVER_CODE 1
#define UE_BUILD_SHIPPING 0
#define UE_BUILD_TEST 0
#define UE_BUILD_DEVELOPMENT 1
#define UE_BUILD_DEBUG 0
#define UE_SERVER 0
#define UE_EDITOR WITH_EDITOR
#define STATS 1
#ifndef PLATFORM_WINDOWS
#define PLATFORM_WINDOWS 0
#endif
#define PLATFORM_LINUX 1
#define PLATFORM_MAC 0
