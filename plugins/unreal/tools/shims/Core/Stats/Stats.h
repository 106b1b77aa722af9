// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: Stats System Overview (5.7)
#pragma once

#define DECLARE_STATS_GROUP(Description, Group, Category)
#define DECLARE_CYCLE_STAT(Name, Stat, Group)
#define SCOPE_CYCLE_COUNTER(Stat)
#define QUICK_SCOPE_CYCLE_COUNTER(Stat)
#define RETURN_QUICK_DECLARE_CYCLE_STAT(Stat, Group)
