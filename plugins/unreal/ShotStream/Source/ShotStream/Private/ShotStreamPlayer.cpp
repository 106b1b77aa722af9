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
	FShotStreamWorker::Stop(MoveTemp(Worker));
}

bool FShotStreamPlayer::Start()
{
	Worker = MakeUnique<FShotStreamWorker>(Session);
	return Worker->Start();
}
