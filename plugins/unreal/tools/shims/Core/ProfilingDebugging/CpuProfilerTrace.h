// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: Unreal Insights: TRACE_CPUPROFILER_EVENT_SCOPE (5.7)
#pragma once

#define TRACE_CPUPROFILER_EVENT_SCOPE(Name)
