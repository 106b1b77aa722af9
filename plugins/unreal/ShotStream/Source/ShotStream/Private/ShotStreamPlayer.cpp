// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "ShotStreamPlayer.h"

#include "ShotStreamConvert.h"

FShotStreamPlayer::FShotStreamPlayer(const FString& Identity)
	: FShotStreamPlayer(Identity, std::make_shared<shotstream::Session>())
{
}

FShotStreamPlayer::FShotStreamPlayer(const FString& Identity, std::shared_ptr<shotstream::Session> InSession)
	: Director(InSession, ShotStreamConvert::ToUtf8(Identity))
	, Session(MoveTemp(InSession))
{
}

FShotStreamPlayer::~FShotStreamPlayer()
{
	FShotStreamWorker::End(MoveTemp(Worker));
}

bool FShotStreamPlayer::Start()
{
	if (!Worker)
	{
		Worker = MakeUnique<FShotStreamWorker>(Session);
		if (!Worker->Start())
		{
			Worker.Reset();
		}
	}
	return Worker.IsValid();
}
