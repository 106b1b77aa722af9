# SPDX-License-Identifier: Apache-2.0
"""Each rule of the engine's header tool, on a header that keeps all of them but that one."""

from __future__ import annotations

from pathlib import Path

import pytest
from unreal_check.cpp_tokens import CppSyntaxError, tokenize
from unreal_check.layer import Layer, read_layer
from unreal_check.reflection import check_reflection

HEADER = """\
#pragma once

#include "CoreMinimal.h"
#include "Kismet/BlueprintAsyncActionBase.h"
#include "Kismet/BlueprintFunctionLibrary.h"
#include "Signal.generated.h"

class USpeaker;

DECLARE_DYNAMIC_MULTICAST_DELEGATE_TwoParams(FSignalPin, int32, Count, const FString&, Text);
DECLARE_MULTICAST_DELEGATE_OneParam(FSignalNative, const TArray<FString>&);

UENUM(BlueprintType)
enum class ESignalKind : uint8
{
	Short UMETA(DisplayName = "Short one"),
	Long
};

USTRUCT(BlueprintType)
struct SIGNALS_API FSignal
{
	GENERATED_BODY()

	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Signal", meta = (ClampMin = 0))
	int32 Count = 0;

	UPROPERTY(EditAnywhere, Category = "Signal")
	TMap<FName, FString> Words;

	bool IsLoud() const { return Count > 3; }
	bool operator==(const FSignal& Other) const { return Count == Other.Count; }
};

UCLASS(Config = Game, ClassGroup = (Signals), meta = (BlueprintSpawnableComponent))
class SIGNALS_API USignalSource : public UActorComponent
{
	GENERATED_BODY()

public:
	USignalSource();

	UPROPERTY(BlueprintAssignable, Category = "Signal")
	FSignalPin OnSignal;

	UPROPERTY(Config, EditAnywhere, BlueprintReadOnly, Category = "Signal")
	bool bEnabled = true;

	UPROPERTY(EditAnywhere, Category = "Signal", meta = (EditCondition = "bEnabled"))
	FString Text = TEXT("x, (y)");

	UFUNCTION(BlueprintCallable, Category = "Signal", meta = (AdvancedDisplay = "Kind"))
	bool Send(const FSignal& Signal, ESignalKind Kind = ESignalKind::Short, const FString& Word = TEXT("a"));

	UFUNCTION(BlueprintPure, Category = "Signal")
	int32 GetCount() const;

	UFUNCTION(BlueprintNativeEvent, Category = "Signal")
	void Receive(int32 Count);

	virtual void BeginPlay() override;

protected:
	UFUNCTION()
	void HandleSignal(int32 Count, const FString& Word);

private:
	UPROPERTY(Transient)
	TObjectPtr<USpeaker> Speaker;

	TWeakObjectPtr<USpeaker> Last;
	TMap<FName, int32> Counts{};
	TFunction<void(int32)> Done;
};

UCLASS()
class SIGNALS_API USignalAsync : public UBlueprintAsyncActionBase
{
	GENERATED_BODY()

public:
	UFUNCTION(BlueprintCallable, meta = (BlueprintInternalUseOnly = "true", WorldContext = "World"))
	static USignalAsync* AwaitSignal(const UObject* World, float Seconds);

	UPROPERTY(BlueprintAssignable)
	FSignalPin OnDone;

	virtual void Activate() override;
};

UCLASS()
class SIGNALS_API USignalLibrary : public UBlueprintFunctionLibrary
{
	GENERATED_BODY()

public:
	UFUNCTION(BlueprintPure, Category = "Signal", meta = (WorldContext = "WorldContextObject"))
	static USpeaker* GetSpeaker(const UObject* WorldContextObject);
};
"""
SOURCE = """\
#include "Signal.h"

void USignalSource::BeginPlay()
{
	OnSignal.AddDynamic(this, &USignalSource::HandleSignal);
}

void USignalSource::Receive_Implementation(int32 Count) {}
void USignalSource::HandleSignal(int32 Count, const FString& Word) {}

USignalAsync* USignalAsync::AwaitSignal(const UObject* World, float Seconds)
{
	USignalAsync* Action = NewObject<USignalAsync>();
	Action->RegisterWithGameInstance(World);
	return Action;
}

void USignalAsync::Activate()
{
	SetReadyToDestroy();
}
"""


def layer_of(folder: Path, header: str = HEADER, source: str = SOURCE) -> Layer:
    module = folder / "Source" / "Signals"
    (module / "Public").mkdir(parents=True)
    (module / "Private").mkdir()
    (module / "Signals.Build.cs").write_text("// none")
    (module / "Public" / "Signal.h").write_text(header)
    (module / "Private" / "Signal.cpp").write_text(source)
    return read_layer(folder)


def test_a_header_that_keeps_the_rules_has_no_findings(tmp_path: Path) -> None:
    assert check_reflection(layer_of(tmp_path)) == []


BROKEN = [
    # Files
    ("pragma-once", "#pragma once\n", ""),
    ("generated-include", '#include "Signal.generated.h"', ""),
    ("generated-include", "Signal.generated.h", "Signals.generated.h"),
    (
        "generated-last",
        '#include "Signal.generated.h"\n',
        '#include "Signal.generated.h"\n#include "Other.h"\n',
    ),
    ("engine-name", "enum class ESignalKind", "enum class ESignal"),
    (
        "conditions",
        "	UFUNCTION()\n	void HandleSignal",
        "#if MINE\n	UFUNCTION()\n#endif\n	void HandleSignal",
    ),
    ("readable", "	GENERATED_BODY()\n\npublic:\n	USignalSource();", "	GENERATED_BODY(\n\npublic:"),
    # Names and bodies
    ("prefix", "struct SIGNALS_API FSignal\n", "struct SIGNALS_API Signal\n"),
    ("prefix", "USignalSource", "ASignalSource"),
    ("prefix", "ESignalKind", "SignalKind"),
    ("keyword", "struct SIGNALS_API FSignal", "class SIGNALS_API FSignal"),
    (
        "generated-body",
        "	GENERATED_BODY()\n\npublic:\n	USignalSource",
        "	GENERATED_UCLASS_BODY()\n\npublic:\n	USignalSource",
    ),
    ("generated-body", "{\n	GENERATED_BODY()\n\n	UPROPERTY", "{\n	UPROPERTY"),
    ("base", " : public UActorComponent", ""),
    ("api-macro", "class SIGNALS_API USignalSource", "class USignalSource"),
    ("api-macro", "class SIGNALS_API USignalSource", "class SIGNAL_API USignalSource"),
    ("enum", "ESignalKind : uint8", "ESignalKind : int32"),
    ("enum", "enum class ESignalKind : uint8", "enum ESignalKind"),
    ("config", "Config = Game, ", ""),
    ("not-reflected", "USTRUCT(BlueprintType)\n", ""),
    ("one-name", "	int32 GetCount() const;", "	int32 Send() const;"),
    ("library-static", "	static USpeaker* GetSpeaker", "	USpeaker* GetSpeaker"),
    # Specifiers
    ("specifier", "BlueprintReadWrite", "BlueprintReadwrit"),
    ("specifier", "EditAnywhere, BlueprintReadWrite", "EditAnywhere BlueprintReadWrite"),
    ("specifier", "EditAnywhere, BlueprintReadWrite", "EditAnywhere, VisibleAnywhere"),
    ("specifier", "BlueprintPure, Category", "BlueprintPure, WorldContext, Category"),
    ("specifier", "	UFUNCTION()\n	void HandleSignal", "	UPROPERTY()\n	void HandleSignal"),
    ("metadata", "ClampMin = 0", "ClampMinimum = 0"),
    ("metadata", "ClampMin = 0", "ClampMin = none"),
    ("metadata", "UMETA(DisplayName", "UMETA(DisplyName"),
    ("metadata-name", 'WorldContext = "WorldContextObject"', 'WorldContext = "WorldContext"'),
    ("metadata-name", 'AdvancedDisplay = "Kind"', 'AdvancedDisplay = "Sort"'),
    ("metadata-name", 'EditCondition = "bEnabled"', 'EditCondition = "bEnable"'),
    ("category", 'BlueprintPure, Category = "Signal"', "BlueprintPure"),
    ("category", 'BlueprintReadOnly, Category = "Signal"', "BlueprintReadOnly"),
    # Properties
    ("property-type", "	int32 Count = 0;", "	uint32 Count = 0;"),
    ("property-type", "	int32 Count = 0;", "	TSharedPtr<int32> Count;"),
    ("property-type", "	int32 Count = 0;", "	TArray<TArray<int32>> Count;"),
    ("property-type", "	int32 Count = 0;", "	std::string Count;"),
    ("property-type", "	int32 Count = 0;", "	FUnknown Count;"),
    ("property-type", "	int32 Count = 0;", "	FSignalNative* Count;"),
    ("property-type", "UENUM(BlueprintType)\nenum", "UENUM()\nenum", "int32 Count = 0", "ESignalKind Count"),
    ("object-pointer", "TObjectPtr<USpeaker> Speaker", "USpeaker* Speaker"),
    ("object-property", "	UPROPERTY(Transient)\n", ""),
    ("object-property", "TMap<FName, int32> Counts{}", "TMap<FName, USpeaker*> Counts{}"),
    (
        "private-access",
        "	TWeakObjectPtr",
        '	UPROPERTY(BlueprintReadOnly, Category = "S")\n	TWeakObjectPtr',
    ),
    ("assignable", "	FSignalPin OnSignal;", "	FSignalNative OnSignal;"),
    ("assignable", "BlueprintAssignable, Category", "BlueprintReadWrite, Category"),
    # Functions
    ("function-type", "const FSignal& Signal,", "FSignal* Signal,"),
    ("function-type", "const FSignal& Signal,", "const std::vector<int>& Signal,"),
    ("function-type", "int32 GetCount", "uint64 GetCount"),
    ("function-type", "int32 GetCount", "TObjectPtr<USpeaker> GetCount"),
    ("function-type", "float Seconds", "float"),
    ("default", "const FSignal& Signal,", "FSignal Signal = FSignal(),"),
    ("shadowing", "ESignalKind Kind = ESignalKind::Short", "bool bEnabled = true", '"Kind"', '"1"'),
    ("pure", "int32 GetCount() const", "void GetCount() const"),
    (
        "private-access",
        "protected:\n	UFUNCTION()",
        'private:\n	UFUNCTION(BlueprintCallable, Category = "S")',
    ),
    ("world-context", ', meta = (WorldContext = "WorldContextObject")', ""),
    ("event", "	void Receive(", "	virtual void Receive("),
    ("override", "	virtual void BeginPlay", "	UFUNCTION()\n	virtual void BeginPlay"),
    # Delegates
    ("delegate-parameters", "_TwoParams(FSignalPin", "_OneParam(FSignalPin"),
    ("delegate-parameters", "int32, Count, const FString&, Text", "int32, const FString&"),
    ("delegate-parameters", "_OneParam(FSignalNative", "_TwoParams(FSignalNative"),
    ("delegate-type", "(FSignalPin, int32,", "(FSignalPin, uint32,"),
    ("delegate-type", "(FSignalPin, int32,", "(FSignalPin, const FStringView&,"),
    ("prefix", "FSignalPin", "SignalPin"),
    ("bound-function", "	UFUNCTION()\n	void HandleSignal", "	void HandleSignal"),
    # Latent nodes
    ("async-action", 'BlueprintInternalUseOnly = "true", ', ""),
    ("async-action", "static USignalAsync* AwaitSignal", "static USignalLibrary* AwaitSignal"),
    ("async-action", "	UPROPERTY(BlueprintAssignable)\n	FSignalPin OnDone;", ""),
    ("async-action", "	virtual void Activate() override;", ""),
    (
        "async-action",
        "	virtual void Activate() override;",
        "	virtual void Activate() override;\n	UPROPERTY()\n	TObjectPtr<const UObject> Context;",
    ),
]


@pytest.mark.parametrize("case", BROKEN, ids=[f"{case[0]}-{index}" for index, case in enumerate(BROKEN)])
def test_a_broken_rule_is_found(case: tuple[str, ...], tmp_path: Path) -> None:
    rule, *changes = case
    header = HEADER
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        assert old in header, old
        header = header.replace(old, new)
    found = check_reflection(layer_of(tmp_path, header))
    assert rule in {finding.rule for finding in found}, found
    assert all(finding.line >= 1 and finding.message for finding in found)


BROKEN_SOURCES = [
    ("event", "Receive_Implementation", "Receive"),
    ("bound-function", "&USignalSource::HandleSignal", "&USignalSource::HandleSignals"),
    ("bound-function", "&USignalSource::HandleSignal", "&USignalSource::BeginPlay"),
    ("bound-function", "&USignalSource::HandleSignal", "[](int32 Count) {}"),
    ("async-action", "	Action->RegisterWithGameInstance(World);\n", ""),
    ("async-action", "	SetReadyToDestroy();\n", ""),
]


@pytest.mark.parametrize(("rule", "old", "new"), BROKEN_SOURCES)
def test_a_broken_source_is_found(rule: str, old: str, new: str, tmp_path: Path) -> None:
    assert old in SOURCE
    found = check_reflection(layer_of(tmp_path, source=SOURCE.replace(old, new, 1)))
    assert rule in {finding.rule for finding in found}, found


def test_tokens_keep_strings_lines_and_conditions() -> None:
    text = '#if WITH_EDITOR\nint A = 1\'000; // one\n#else\nFString B = TEXT("//no \\" { (");\n#endif\n'
    text += 'R"x(a)" b)x" >>'
    tokens = tokenize(text).tokens
    by_text = {token.text: token for token in tokens}
    assert by_text["1'000"].line == 2
    assert by_text['"//no \\" { ("'].line == 4
    assert by_text["B"].conditions == ("not (WITH_EDITOR)",)
    assert by_text["FString"].comment == ""
    assert by_text['R"x(a)" b)x"'].conditions == ()
    assert [token.text for token in tokens[-2:]] == [">", ">"]


@pytest.mark.parametrize("text", ['"open', "#if A\nint b;", "#endif", "int \x01;"])
def test_what_is_no_source_is_refused(text: str) -> None:
    with pytest.raises(CppSyntaxError):
        tokenize(text)
