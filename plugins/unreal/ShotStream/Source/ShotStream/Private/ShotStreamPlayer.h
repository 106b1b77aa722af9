// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// What a game instance has of the core: its director, on the game thread, and the thread of its connection.
#pragma once

#include "Containers/UnrealString.h"
#include "ShotStreamWorker.h"
#include "Templates/UniquePtr.h"

#include "shotstream/director.h"

class FShotStreamPlayer
{
public:
	/** @param Identity  Names this game instance, and no other one, to the server. */
	explicit FShotStreamPlayer(const FString& Identity);
	~FShotStreamPlayer();

	/** Starts the thread, if it does not run yet. */
	bool Start();

	shotstream::Director Director;

private:
	explicit FShotStreamPlayer(const FString& Identity, std::shared_ptr<shotstream::Session> InSession);

	std::shared_ptr<shotstream::Session> Session;
	TUniquePtr<FShotStreamWorker> Worker;
};
