// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: UE_VERSION_OLDER_THAN and its like, programming guide to versioning (5.5)
#pragma once

#define UE_VERSION_SHIM_NUMBER(Major, Minor, Patch) ((Major) * 10000 + (Minor) * 100 + (Patch))
#define UE_VERSION_OLDER_THAN(Major, Minor, Patch) \
	(UE_VERSION_SHIM_NUMBER(ENGINE_MAJOR_VERSION, ENGINE_MINOR_VERSION, ENGINE_PATCH_VERSION) < UE_VERSION_SHIM_NUMBER(Major, Minor, Patch))
#define UE_VERSION_NEWER_THAN(Major, Minor, Patch) \
	(UE_VERSION_SHIM_NUMBER(ENGINE_MAJOR_VERSION, ENGINE_MINOR_VERSION, ENGINE_PATCH_VERSION) > UE_VERSION_SHIM_NUMBER(Major, Minor, Patch))
#define UE_VERSION_NEWER_THAN_OR_EQUAL(Major, Minor, Patch) (!UE_VERSION_OLDER_THAN(Major, Minor, Patch))
