// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// The editor's menu entry: Tools > ShotStream > Import Take.
#include "DesktopPlatformModule.h"
#include "Framework/Application/SlateApplication.h"
#include "IDesktopPlatform.h"
#include "Misc/MessageDialog.h"
#include "Modules/ModuleManager.h"
#include "ShotStreamEditorLibrary.h"
#include "ShotStreamEditorLog.h"
#include "Textures/SlateIcon.h"
#include "ToolMenus.h"

#define LOCTEXT_NAMESPACE "ShotStreamEditor"

DEFINE_LOG_CATEGORY(LogShotStreamEditor);

namespace
{
	const TCHAR* const ImportPath = TEXT("/Game/ShotStream");

	void AskAndImport()
	{
		IDesktopPlatform* Desktop = FDesktopPlatformModule::Get();
		if (Desktop == nullptr)
		{
			return;
		}
		const void* Parent = FSlateApplication::Get().FindBestParentWindowHandleForDialogs(nullptr);
		FString Folder;
		const FString Title = LOCTEXT("ChooseTake", "Choose the folder of a take").ToString();
		if (!Desktop->OpenDirectoryDialog(Parent, Title, FString(), Folder))
		{
			return;
		}
		if (UShotStreamEditorLibrary::ImportTakeToSequence(Folder, ImportPath) == nullptr)
		{
			FMessageDialog::Open(EAppMsgType::Ok, LOCTEXT("ImportFailed", "The take could not be imported. The output log says why (LogShotStreamEditor, LogPython)."));
		}
	}
}

class FShotStreamEditorModule final : public IModuleInterface
{
public:
	virtual void StartupModule() override
	{
		if (IsRunningCommandlet())
		{
			return;
		}
		UToolMenus::RegisterStartupCallback(FSimpleMulticastDelegate::FDelegate::CreateRaw(this, &FShotStreamEditorModule::AddMenu));
	}

	virtual void ShutdownModule() override
	{
		if (IsRunningCommandlet())
		{
			return;
		}
		UToolMenus::UnRegisterStartupCallback(this);
		UToolMenus::UnregisterOwner(this);
	}

private:
	void AddMenu()
	{
		const FToolMenuOwnerScoped Owner(this);
		UToolMenu* Tools = UToolMenus::Get()->ExtendMenu("LevelEditor.MainMenu.Tools");
		FToolMenuSection& Section = Tools->FindOrAddSection("ShotStream", LOCTEXT("Section", "ShotStream"));
		Section.AddMenuEntry(
			"ShotStreamImportTake",
			LOCTEXT("ImportTake", "Import Take..."),
			LOCTEXT("ImportTakeTip", "Makes a Level Sequence of a saved take, in /Game/ShotStream."),
			FSlateIcon(),
			FUIAction(FExecuteAction::CreateStatic(&AskAndImport)));
	}
};

IMPLEMENT_MODULE(FShotStreamEditorModule, ShotStreamEditor)

#undef LOCTEXT_NAMESPACE
