// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "ShotStreamSubsystem.h"

#include "Engine/GameInstance.h"
#include "Engine/Texture2D.h"
#include "HAL/PlatformTime.h"
#include "Misc/App.h"
#include "Misc/CoreDelegates.h"
#include "Misc/Guid.h"
#include "Misc/Paths.h"
#include "ShotStreamConvert.h"
#include "ShotStreamLog.h"
#include "ShotStreamNarrative.h"
#include "ShotStreamPlayer.h"
#include "ShotStreamSettings.h"
#include "ShotStreamUpload.h"
#include "Templates/Casts.h"
#include "Templates/UnrealTemplate.h"

#include "shotstream/keys.h"

namespace
{
	FString FolderOfTakes(const FString& Asked)
	{
		FString Folder = Asked.IsEmpty() ? GetDefault<UShotStreamSettings>()->TakeFolder.Path : Asked;
		if (Folder.IsEmpty())
		{
			Folder = FPaths::Combine(FPaths::ProjectSavedDir(), TEXT("ShotStream"));
		}
		else if (FPaths::IsRelative(Folder))
		{
			Folder = FPaths::Combine(FPaths::ProjectDir(), Folder);
		}
		return FPaths::ConvertRelativePathToFull(Folder);
	}

	bool ReadKeys(const UShotStreamSettings& Settings, shotstream::ClientOptions& Options, shotstream::Problem& Problem)
	{
		if (Settings.ServerKey.IsEmpty() && Settings.ClientKeyFile.FilePath.IsEmpty())
		{
			return true;
		}
		FString File = Settings.ClientKeyFile.FilePath;
		if (FPaths::IsRelative(File))
		{
			File = FPaths::ConvertRelativePathToFull(FPaths::Combine(FPaths::ProjectDir(), File));
		}
		return shotstream::ReadServerKey(ShotStreamConvert::ToUtf8(Settings.ServerKey), Options.server_key, Problem)
			&& shotstream::ReadClientKey(ShotStreamConvert::ToUtf8(File), Options.client_key, Problem);
	}

	FShotStreamHandle ToHandle(uint64 Id)
	{
		FShotStreamHandle Handle;
		Handle.Id = static_cast<int64>(Id);
		return Handle;
	}
}

bool UShotStreamSubsystem::ShouldCreateSubsystem(UObject* Outer) const
{
	// Cooking and other commandlets have no connection, and a dedicated server, also one of play-in-editor, has nobody
	// who watches.
	return !IsRunningCommandlet() && !CastChecked<UGameInstance>(Outer)->IsDedicatedServerInstance() && Super::ShouldCreateSubsystem(Outer);
}

void UShotStreamSubsystem::Initialize(FSubsystemCollectionBase& Collection)
{
	Super::Initialize(Collection);
	// Each game instance has an identity of its own: several play in one editor.
	Player = MakeShared<FShotStreamPlayer>(TEXT("ue-") + FGuid::NewGuid().ToString(EGuidFormats::DigitsLower));
	Ticker = FTSTicker::GetCoreTicker().AddTicker(FTickerDelegate::CreateUObject(this, &UShotStreamSubsystem::Tick));
	PreExit = FCoreDelegates::OnEnginePreExit.AddUObject(this, &UShotStreamSubsystem::Stop);
	if (GetDefault<UShotStreamSettings>()->bConnectOnStart)
	{
		Connect(FString(), 0);
	}
}

void UShotStreamSubsystem::Deinitialize()
{
	Stop();
	Super::Deinitialize();
}

void UShotStreamSubsystem::Stop()
{
	FCoreDelegates::OnEnginePreExit.Remove(PreExit);
	PreExit.Reset();
	// Also from inside of the tick: removing waits for other threads only.
	FTSTicker::RemoveTicker(Ticker);
	Ticker.Reset();
	Player.Reset();
	LetGoOfTexture();
}

void UShotStreamSubsystem::LetGoOfTexture()
{
	if (Texture != nullptr)
	{
		Texture = nullptr;
		TextureSize = FIntPoint(0, 0);
		// Whoever shows it lets go of it now; it is collected after that.
		OnTextureChanged.Broadcast(nullptr);
	}
}

void UShotStreamSubsystem::Complain(const FString& Code, const FString& Message)
{
	UE_LOG(LogShotStream, Warning, TEXT("%s (%s)"), *Message, *Code);
	OnError.Broadcast(Code, Message);
}

bool UShotStreamSubsystem::Connect(const FString& Host, int32 Port)
{
	if (!Player)
	{
		return false;
	}
	const UShotStreamSettings* Settings = GetDefault<UShotStreamSettings>();
	const FString Address = FString::Printf(TEXT("%s:%d"), Host.IsEmpty() ? *Settings->Host : *Host, Port == 0 ? Settings->Port : Port);
	const EShotStreamState State = GetState();
	if (Address == ConnectedTo && State != EShotStreamState::Disconnected && State != EShotStreamState::Lost)
	{
		return true;
	}
	shotstream::ClientOptions Options;
	Options.address = ShotStreamConvert::ToUtf8(Address);
	Options.timeout_s = Settings->TimeoutSeconds;
	Options.heartbeat_s = FMath::Min(1.0, Settings->TimeoutSeconds / 4.0);
	Options.connect_s = Settings->ConnectSeconds;
	Options.reconnect_s = Settings->ReconnectSeconds;
	shotstream::Problem Problem;
	if (!ReadKeys(*Settings, Options, Problem))
	{
		Complain(ShotStreamConvert::FromUtf8(Problem.code), ShotStreamConvert::FromUtf8(Problem.reason));
		return false;
	}
	// A game that never connects has no thread.
	if (!Player->Start())
	{
		Complain(TEXT("internal"), TEXT("This platform gives no thread for the connection."));
		return false;
	}
	Player->Director.SetLive(Settings->bLive);
	Player->Director.Connect(MoveTemp(Options));
	ConnectedTo = Address;
	return true;
}

void UShotStreamSubsystem::Disconnect()
{
	if (Player)
	{
		Player->Director.Disconnect();
	}
}

EShotStreamState UShotStreamSubsystem::GetState() const
{
	return Player ? ShotStreamConvert::FromState(Player->Director.state()) : EShotStreamState::Disconnected;
}

bool UShotStreamSubsystem::BeginStory(const FString& GlobalCaption, int64 Seed, const FString& Title)
{
	return Player && Player->Director.BeginStory(ShotStreamConvert::ToUtf8(GlobalCaption), static_cast<uint64>(FMath::Max<int64>(Seed, 0)), ShotStreamConvert::ToUtf8(Title));
}

void UShotStreamSubsystem::EndStory(bool bDrain)
{
	if (Player)
	{
		Player->Director.EndStory(bDrain);
	}
}

FShotStreamHandle UShotStreamSubsystem::SendBeat(const FShotStreamBeat& Beat)
{
	return ToHandle(Player ? Player->Director.SendBeat(ShotStreamConvert::ToBeat(Beat)) : 0);
}

void UShotStreamSubsystem::CancelBeat(FShotStreamHandle Handle)
{
	if (Player)
	{
		Player->Director.CancelBeat(static_cast<uint64>(Handle.Id));
	}
}

FShotStreamHandle UShotStreamSubsystem::StartNarrative(const UShotStreamNarrative* Narrative)
{
	if (!Player)
	{
		return FShotStreamHandle();
	}
	if (Narrative == nullptr)
	{
		Complain(TEXT("invalid_value"), TEXT("Start Narrative was given no narrative; choose one in the node."));
		return FShotStreamHandle();
	}
	return ToHandle(Player->Director.StartNarrative(ShotStreamConvert::ToScript(*Narrative)));
}

FShotStreamHandle UShotStreamSubsystem::AdvanceNarrative(FName Choice)
{
	return ToHandle(Player ? Player->Director.AdvanceNarrative(ShotStreamConvert::ToUtf8(Choice)) : 0);
}

FShotStreamHandle UShotStreamSubsystem::SendGameEvent(FName Name, const TMap<FString, FString>& Payload)
{
	return ToHandle(Player ? Player->Director.SendEvent(ShotStreamConvert::ToUtf8(Name), ShotStreamConvert::ToVariables(Payload)) : 0);
}

void UShotStreamSubsystem::SetVariable(const FString& Name, const FString& Value)
{
	if (Player)
	{
		Player->Director.SetVariable(ShotStreamConvert::ToUtf8(Name), ShotStreamConvert::ToUtf8(Value));
	}
}

FName UShotStreamSubsystem::GetCurrentBeat() const
{
	const std::string_view Name = Player ? Player->Director.current_beat() : std::string_view();
	return Name.empty() ? NAME_None : FName(*ShotStreamConvert::FromUtf8(Name));
}

bool UShotStreamSubsystem::StartTake(const FString& Folder, bool bFromStart)
{
	return Player && Player->Director.StartTake(ShotStreamConvert::ToUtf8(FolderOfTakes(Folder)), bFromStart);
}

void UShotStreamSubsystem::StopTake()
{
	if (Player)
	{
		Player->Director.StopTake();
	}
}

bool UShotStreamSubsystem::IsRecordingTake() const
{
	return Player && Player->Director.is_recording();
}

UTexture2D* UShotStreamSubsystem::GetStreamTexture() const
{
	return Texture;
}

int64 UShotStreamSubsystem::GetDroppedFrames() const
{
	return Player ? static_cast<int64>(Player->Director.dropped_frames()) : 0;
}

double UShotStreamSubsystem::GetFramesPerSecond() const
{
	return Player ? Player->Director.fps() : 0.0;
}

bool UShotStreamSubsystem::Tick(float DeltaSeconds)
{
	// Whatever is told may end the game, and this with it; the core stays until the tick is over.
	const TSharedPtr<FShotStreamPlayer> Playing = Player;
	if (!Playing)
	{
		return false;
	}
	Playing->Director.Update();
	const shotstream::FrameRef Frame = Playing->Director.TakeFrame(FPlatformTime::Seconds());
	Upload(Frame);
	shotstream::Happening Happening;
	while (Player && Playing->Director.Poll(Happening))
	{
		if (const auto* Changed = std::get_if<shotstream::StateChanged>(&Happening))
		{
			OnStateChanged.Broadcast(ShotStreamConvert::FromState(Changed->state));
		}
		else if (const auto* News = std::get_if<shotstream::BeatNews>(&Happening))
		{
			OnBeatProgress.Broadcast(ShotStreamConvert::FromNews(*News));
		}
		else if (const auto* Ended = std::get_if<shotstream::StoryEnded>(&Happening))
		{
			ShownShot = -1;
			OnStoryEnded.Broadcast(ShotStreamConvert::FromUtf8(Ended->reason));
		}
		else if (const auto* Trouble = std::get_if<shotstream::Trouble>(&Happening))
		{
			Complain(ShotStreamConvert::FromUtf8(Trouble->code), ShotStreamConvert::FromUtf8(Trouble->message));
		}
		else if (const auto* Saved = std::get_if<shotstream::TakeSaved>(&Happening))
		{
			OnTakeSaved.Broadcast(ShotStreamConvert::FromUtf8(Saved->manifest), Saved->complete);
		}
	}
	if (Player && Frame)
	{
		const FShotStreamFrame Shown = ShotStreamConvert::FromHeader(Frame->header);
		if (Shown.Shot != ShownShot)
		{
			ShownShot = Shown.Shot;
			OnShotStarted.Broadcast(Shown.Shot, Shown.BeatId);
		}
		OnFrame.Broadcast(Shown);
	}
	return Player.IsValid();
}

void UShotStreamSubsystem::Upload(const shotstream::FrameRef& Frame)
{
	if (!Frame || !FApp::CanEverRender())
	{
		return;
	}
	const FIntPoint Size(Frame->header.width, Frame->header.height);
	if (!(Size == TextureSize))
	{
		// Also if none can be made: it is tried, and told, once for each size.
		TextureSize = Size;
		Texture = ShotStreamUpload::MakeTexture(Size.X, Size.Y);
		if (Texture == nullptr)
		{
			UE_LOG(LogShotStream, Error, TEXT("No texture of %d x %d pixels can be made, so that the frames do not show."), Size.X, Size.Y);
		}
		OnTextureChanged.Broadcast(Texture);
	}
	if (Texture != nullptr)
	{
		ShotStreamUpload::Enqueue(*Texture, Frame);
	}
}
