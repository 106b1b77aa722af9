// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Events as lines of JSON.
#pragma once

#include "json_line.h"
#include "shotstream/events.h"
#include "shotstream/frame_ring.h"

void PrintEvent(const shotstream::Event& event);
void PrintFrame(const shotstream::Frame& frame);
