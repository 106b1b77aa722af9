// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: API/Runtime/Core/IFileManager (5.6)
#pragma once

#include "Containers/UnrealString.h"
#include "Misc/DateTime.h"

class FArchive;

enum EFileWrite { FILEWRITE_None = 0, FILEWRITE_NoFail = 1, FILEWRITE_EvenIfReadOnly = 4, FILEWRITE_Append = 8, FILEWRITE_AllowRead = 16 };
enum EFileRead { FILEREAD_None = 0, FILEREAD_NoFail = 1, FILEREAD_Silent = 2, FILEREAD_AllowWrite = 4 };

class IFileManager
{
public:
	static IFileManager& Get();
	virtual ~IFileManager();
	virtual FArchive* CreateFileWriter(const TCHAR* Path, uint32 Flags = 0) = 0;
	virtual FArchive* CreateFileReader(const TCHAR* Path, uint32 Flags = 0) = 0;
	virtual bool MakeDirectory(const TCHAR* Path, bool bTree = false) = 0;
	virtual bool DirectoryExists(const TCHAR* Path) = 0;
	virtual bool FileExists(const TCHAR* Path) = 0;
	virtual int64 FileSize(const TCHAR* Path) = 0;
	virtual bool Delete(const TCHAR* Path, bool bMustExist = false, bool bEvenReadOnly = false, bool bQuiet = false) = 0;
	virtual bool DeleteDirectory(const TCHAR* Path, bool bMustExist = false, bool bTree = false) = 0;
	virtual bool Move(const TCHAR* To, const TCHAR* From, bool bReplace = true, bool bEvenIfReadOnly = false, bool bAttributes = false, bool bDoNotRetryOrError = false) = 0;
	virtual void FindFiles(TArray<FString>& Names, const TCHAR* Pattern, bool bFiles, bool bDirectories) = 0;
	virtual void FindFilesRecursive(TArray<FString>& Names, const TCHAR* Start, const TCHAR* Pattern, bool bFiles, bool bDirectories, bool bClear = true) = 0;
	virtual FString ConvertToAbsolutePathForExternalAppForRead(const TCHAR* Path) = 0;
	virtual FString ConvertToAbsolutePathForExternalAppForWrite(const TCHAR* Path) = 0;
	virtual FDateTime GetTimeStamp(const TCHAR* Path) = 0;
};
