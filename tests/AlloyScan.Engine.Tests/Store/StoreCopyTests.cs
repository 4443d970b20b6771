using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Tests.Sync;

namespace AlloyScan.Engine.Tests;

/// <summary>A SQLite store that goes to PostgreSQL.</summary>
[Trait("Store", "PostgreSQL")]
public sealed class StoreCopyTests : IDisposable
{
    private readonly SyncFixture _from = new(postgres: false);
    private readonly TestStore? _to = TestStore.Server is null ? null : new TestStore(postgres: true);

    private long _lost;

    public void Dispose()
    {
        _from.Dispose();
        _to?.Dispose();
    }

    [PostgresFact]
    public async Task All_rows_arrive_and_the_next_run_finds_nothing_to_do()
    {
        await FillAsync();
        using var destination = AlloyStore.Open(_to!.Location);
        var steps = new List<StoreCopyProgress>();

        var result = _from.Store.CopyTo(destination, steps.Add, default);

        foreach (var table in result.Tables)
            Assert.Equal(_from.Scalar($"SELECT count(*) FROM {table.Table}"), _to.Scalar($"SELECT count(*) FROM {table.Table}"));
        Assert.Equal(_from.Everything().Where(r => !r.StartsWith("leases|", StringComparison.Ordinal)), _to.Everything().Where(r => !r.StartsWith("leases|", StringComparison.Ordinal) && !r.StartsWith("api_usage|", StringComparison.Ordinal)));
        Assert.Equal(_from.Rows("SELECT * FROM api_usage"), _to.Rows("SELECT * FROM api_usage"));
        Assert.Equal(result.Tables.Sum(t => t.Rows), result.Rows);
        Assert.Equal(result.Tables.Count, steps.Select(s => s.Table).Distinct().Count());

        var run = await destination.Sync.ExecuteAsync(new SyncRequest { Job = destination.Jobs.Get("HQ"), Source = _from.Source }, new SyncFixture.Recorder(), default);
        Assert.Equal((SyncRunStatus.Succeeded, 0, 0), (run.Status, run.Created, run.Updated));
        // Its number was not given before, not even to the run that is gone.
        Assert.True(run.Id > _lost, $"{run.Id} after {_lost}");

        _from.Source.Add(SyncFixture.Device("d9", "PC-9", "SN9"), SyncFixture.Snapshot("s9", software: [("Office", "3")]));
        run = await destination.Sync.ExecuteAsync(new SyncRequest { Job = destination.Jobs.Get("HQ"), Source = _from.Source }, new SyncFixture.Recorder(), default);
        Assert.Equal((SyncRunStatus.Succeeded, 1), (run.Status, run.Created));
    }

    [PostgresFact]
    public async Task A_destination_that_holds_something_is_refused_and_left_alone()
    {
        await FillAsync();
        using var destination = AlloyStore.Open(_to!.Location);
        destination.Jobs.Create(new Engine.Jobs.SyncJob { Name = "Other", SiteUrl = new Uri("https://other.example/x"), ClientId = "c", ClientSecret = Engine.Credentials.SecretReference.FromEnvironment("V") });

        var error = Assert.Throws<AlloyScanException>(() => _from.Store.CopyTo(destination, _ => { }, default));

        Assert.Equal(("StoreNotEmpty", ErrorKind.AlreadyExists), (error.ErrorId, error.Kind));
        Assert.Contains("jobs", error.Message, StringComparison.Ordinal);
        Assert.Equal(["Other"], destination.Jobs.List().Select(j => j.Name));
    }

    [PostgresFact]
    public async Task A_copy_that_is_stopped_leaves_nothing_behind_and_can_be_made_again()
    {
        await FillAsync();
        using var destination = AlloyStore.Open(_to!.Location);
        using var stop = new CancellationTokenSource();

        Assert.Throws<OperationCanceledException>(() => _from.Store.CopyTo(destination, p => { if (p.Table == "records") stop.Cancel(); }, stop.Token));

        Assert.Equal("0", _to.Scalar("SELECT count(*) FROM jobs"));
        Assert.Equal(4, destination.ServiceActions.List().Count);
        Assert.True(_from.Store.CopyTo(destination, _ => { }, default).Rows > 0);
    }

    [PostgresFact]
    public async Task No_job_runs_on_the_source_while_it_is_copied()
    {
        await FillAsync();
        using var destination = AlloyStore.Open(_to!.Location);
        AlloyScanException? refused = null;
        _from.Store.CopyTo(
            destination,
            p =>
            {
                if (p.Table == "links" && refused is null)
                    refused = Assert.Throws<AlloyScanException>(() => _from.RunAsync().GetAwaiter().GetResult());
            },
            default);
        Assert.Equal("JobRunning", refused?.ErrorId);
    }

    [PostgresFact]
    public void Only_from_SQLite_to_PostgreSQL()
    {
        using var destination = AlloyStore.Open(_to!.Location);
        Assert.Equal("UnsupportedStore", Assert.Throws<AlloyScanException>(() => destination.CopyTo(_from.Store, _ => { }, default)).ErrorId);
        Assert.Equal("UnsupportedStore", Assert.Throws<AlloyScanException>(() => _from.Store.CopyTo(_from.Store, _ => { }, default)).ErrorId);
    }

    private async Task FillAsync()
    {
        for (var i = 0; i < 8; i++)
            _from.Source.Add(SyncFixture.Device($"d{i}", $"PC-{i} \u00C9", $"SN{i}"), SyncFixture.Snapshot($"s{i}", software: [("Office", "1"), ($"Tool {i}", "2")]));
        await _from.RunWellAsync();
        _from.Source.Replace("d1", d => d with { Name = "Renamed", LastSeen = FakeSource.T(2) });
        await _from.RunWellAsync();
        _from.Source.Devices.RemoveAt(7);
        await _from.RunAsync();
        _lost = _from.Store.Runs.List().Max(r => r.Id);
        _from.Sql("DELETE FROM runs WHERE id = (SELECT max(id) FROM runs)");
    }
}
