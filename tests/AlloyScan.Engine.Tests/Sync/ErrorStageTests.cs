using System.Collections;
using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Site;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Sync.Map;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>One bad device is one error row with its stage, whatever was thrown, and all others are done.</summary>
public sealed class ErrorStageTests
{
    public static TheoryData<string> Failures => [.. s_failures.Keys];

    private static readonly Dictionary<string, Func<Exception>> s_failures = new()
    {
        ["format"] = () => new FormatException("Not a number."),
        ["overflow"] = () => new OverflowException("Too large."),
        ["key"] = () => new KeyNotFoundException("Nothing there."),
        ["invalid"] = () => new InvalidOperationException("Not now."),
        ["ours, of data"] = () => new AlloyScanException(ErrorKind.InvalidData, "OddData", "The data is odd."),
        ["ours, of an argument"] = () => new AlloyScanException(ErrorKind.InvalidArgument, "OddArgument", "The argument is odd."),
        ["ours, of a missing item"] = () => new AlloyScanException(ErrorKind.NotFound, "NotThere", "It is not there."),
    };

    private static SyncFixture WithDevices(int count)
    {
        var fixture = new SyncFixture();
        for (var i = 0; i < count; i++)
            fixture.Source.Add(SyncFixture.Device($"d{i:000}", $"PC-{i:000}", $"SERIAL-{i:000}"), SyncFixture.Snapshot($"a{i:000}", software: ("Editor", "1")));
        return fixture;
    }

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task A_device_whose_answer_cannot_be_taken_in_fails_in_Read(string failure)
    {
        using var fixture = WithDevices(300);
        fixture.Source.Snapshots["a007"] = fixture.Source.Snapshots["a007"] with { Network = new SnapshotNetwork { Adapters = new Thrower<SnapshotAdapter>(s_failures[failure]) } };
        await CheckAsync(fixture, "Read");
    }

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task A_device_that_cannot_be_written_fails_in_Apply_and_costs_only_itself(string failure)
    {
        using var fixture = WithDevices(300);
        fixture.Source.Snapshots["a007"] = fixture.Source.Snapshots["a007"] with { Software = new Thrower<InstalledSoftware>(s_failures[failure]) };
        await CheckAsync(fixture, "Apply");
    }

    [Fact]
    public async Task A_device_that_cannot_be_planned_fails_in_Plan()
    {
        using var fixture = WithDevices(20);
        fixture.Source.Snapshots["a007"] = fixture.Source.Snapshots["a007"] with { Software = new Thrower<InstalledSoftware>(() => new FormatException("Not a number.")) };
        foreach (var mode in new[] { SyncMode.WhatIf, SyncMode.SavePlan })
        {
            var run = await fixture.RunAsync(mode);
            Assert.Equal((SyncRunStatus.PartiallySucceeded, 19), (run.Status, fixture.Heard.Changes.Count));
            Assert.Equal(("Plan", "PlanFailed", "d007"), Assert.Single(fixture.Heard.Errors) is var error ? (error.Stage, error.ErrorId, error.DeviceId) : default);
        }
    }

    [Fact]
    public async Task A_change_that_the_CMDB_refuses_fails_in_Apply()
    {
        using var fixture = WithDevices(300);
        fixture.Trigger("odd", "BEFORE INSERT ON records", "new.name = 'PC-007'", fixture.Failure("this name is not allowed here"));
        await CheckAsync(fixture, "Apply");
        Assert.Contains("this name is not allowed here", fixture.Scalar("SELECT message FROM sync_errors"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_device_that_cannot_be_identified_fails_in_Identify()
    {
        using var fixture = WithDevices(5);
        await fixture.RunWellAsync();
        fixture.Source.Add(SyncFixture.Device("twin", "PC-001", "SERIAL-001"));
        Assert.Equal(1, (await fixture.RunAsync()).Conflicts);
        var facts = Newtonsoft.Json.Linq.JObject.Parse(fixture.Scalar("SELECT facts FROM conflicts")!);
        facts["Values"] = new Newtonsoft.Json.Linq.JArray();
        fixture.Sql($"UPDATE conflicts SET facts = '{facts.ToString(Newtonsoft.Json.Formatting.None).Replace("'", "''", StringComparison.Ordinal)}'");

        var run = await fixture.RunAsync();
        Assert.Equal((SyncRunStatus.PartiallySucceeded, 1), (run.Status, run.Errors));
        Assert.Equal("Identify|IdentifyFailed", fixture.Scalar("SELECT stage || '|' || error_id FROM sync_errors"));
    }

    [Fact]
    public void What_cannot_be_mapped_fails_in_Map()
    {
        using var fixture = new SyncFixture();
        using var session = fixture.Store.NewSession();
        var schema = CmdbSchema.Load(session);
        var mapper = new FieldMapper(ServiceActions.Resolve(session, 2943, RecordClass.Computer, ServiceActionKind.Create, schema), schema);
        var facts = new DeviceFacts { DeviceId = "d1", DisplayName = "PC", ListHash = 0, Values = [] };

        var failure = DeviceFailure.Of(Assert.ThrowsAny<Exception>(() => mapper.NewValues(facts)), "Apply");
        Assert.Equal(("Map", "MapFailed"), (failure.Stage, failure.ErrorId));
        failure = DeviceFailure.Of(Assert.ThrowsAny<Exception>(() => mapper.Changes(facts, new string?[schema.SizeOf(RecordClass.Computer)], [])), "Apply");
        Assert.Equal("Map", failure.Stage);
    }

    [Fact]
    public async Task A_hundred_bad_devices_are_a_hundred_rows()
    {
        using var fixture = WithDevices(700);
        for (var i = 0; i < 700; i += 2)
            fixture.Source.Snapshots[$"a{i:000}"] = fixture.Source.Snapshots[$"a{i:000}"] with { Software = new Thrower<InstalledSoftware>(() => new FormatException("Not a number.")) };
        var run = await fixture.RunAsync();
        Assert.Equal((SyncRunStatus.PartiallySucceeded, 350, 350), (run.Status, run.Created, run.Errors));
        Assert.Equal("350|350", fixture.Rows("SELECT count(*), count(DISTINCT device_id) FROM sync_errors")[0]);
    }

    private static async Task CheckAsync(SyncFixture fixture, string stage)
    {
        var run = await fixture.RunAsync();
        Assert.True(run.Status == SyncRunStatus.PartiallySucceeded, run.Message);
        Assert.Equal((299, 1), (run.Created, run.Errors));
        Assert.Equal(("1", stage), (fixture.Scalar("SELECT count(*) FROM sync_errors"), fixture.Scalar("SELECT stage FROM sync_errors WHERE device_id = 'd007'")));
        Assert.Equal("299", fixture.Scalar("SELECT count(*) FROM discovered_installations"));
    }

    /// <summary>A list that fails when somebody looks into it.</summary>
    private sealed class Thrower<T>(Func<Exception> failure) : IReadOnlyList<T>
    {
        public int Count => 1;

        public T this[int index] => throw failure();

        public IEnumerator<T> GetEnumerator() => throw failure();

        IEnumerator IEnumerable.GetEnumerator() => throw failure();
    }
}
