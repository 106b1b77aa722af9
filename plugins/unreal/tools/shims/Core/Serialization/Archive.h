// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: API/Runtime/Core/FArchive (5.6)
#pragma once

#include "Containers/UnrealString.h"

class FArchive
{
public:
	virtual ~FArchive();
	virtual void Serialize(void* Data, int64 Count);
	virtual bool Close();
	virtual void Flush();
	virtual int64 Tell();
	virtual int64 TotalSize();
	virtual void Seek(int64 Position);
	bool IsError() const;
	bool GetError() const;
	bool IsLoading() const;
	bool IsSaving() const;
};
