using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Sync;
using static AlloyScan.Engine.Tests.Sync.SyncFixture;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>Fields that do not hold what is written to them, and fields that go back and forth.</summary>
public sealed class UnsettledFieldTests
{
    private const string Found = "SELECT class, number, field, problem FROM unsettled_fields ORDER BY 1, 2, 3";

    private static SyncFixture TwoComputers()
    {
        var fixture = new SyncFixture();
        fixture.Source.Add(Device("d0", "PC-0", "SN0"), Snapshot("s0"));
        fixture.Source.Add(Device("d1", "PC-1", "SN1"), Snapshot("s1"));
        return fixture;
    }

    private static void Rename(SyncFixture fixture, string name) =>
        fixture.Source.Replace("d0", d => d with { Name = name, LastSeen = d.LastSeen!.Value.AddHours(1) });

    [Fact]
    public async Task Calm_fields_are_not_reported()
    {
        using var fixture = TwoComputers();
        Assert.Equal(0, (await fixture.RunWellAsync()).Unsettled);
        Rename(fixture, "NEW");
        Assert.Equal((1, 0), (await fixture.RunWellAsync()) is var run ? (run.Updated, run.Unsettled) : default);
        Assert.Empty(fixture.Rows(Found));
        Assert.Empty(fixture.Heard.Warnings);
    }

    [Fact]
    public async Task A_field_that_goes_back_and_forth_is_reported_until_it_holds()
    {
        using var fixture = TwoComputers();
        await fixture.RunWellAsync();
        Rename(fixture, "OTHER");
        Assert.Equal(0, (await fixture.RunWellAsync()).Unsettled);
        Rename(fixture, "PC-0");

        var run = await fixture.RunWellAsync();

        Assert.Equal((1, 1), (run.Unsettled, fixture.Store.Runs.Get(run.Id).Unsettled));
        Assert.Equal(["1|1|name|Flapping"], fixture.Rows(Found));
        Assert.Equal("1 field does not settle: name of C000001 ('PC-0', 'OTHER', 'PC-0' again).", Assert.Single(fixture.Heard.Warnings));

        // A run in which nothing moved looks at nothing; one in which it holds takes it off.
        Assert.Equal(0, (await fixture.RunWellAsync()).Unsettled);
        Assert.Single(fixture.Rows(Found));
        fixture.Source.Audit("d0", s => s);
        await fixture.RunWellAsync();
        Assert.Empty(fixture.Rows(Found));
    }

    [Fact]
    public async Task A_field_that_somebody_keeps_setting_back_is_reported()
    {
        using var fixture = TwoComputers();
        await fixture.RunWellAsync();
        fixture.Sql("UPDATE records SET model = 'MINE' WHERE id = 1");
        Assert.Equal((1, 0), (await fixture.RunWellAsync()) is var first ? (first.Updated, first.Unsettled) : default);
        fixture.Sql("UPDATE records SET model = 'MINE' WHERE id = 1");

        Assert.Equal(1, (await fixture.RunWellAsync()).Unsettled);
        Assert.Equal(["1|1|model|Flapping"], fixture.Rows(Found));
    }

    [Fact]
    public async Task What_an_undo_took_back_is_no_flapping()
    {
        using var fixture = TwoComputers();
        await fixture.RunWellAsync();
        Rename(fixture, "OTHER");
        var run = await fixture.RunWellAsync();
        fixture.Sql($"UPDATE records SET name = 'PC-0' WHERE id = 1; UPDATE runs SET undone_by = 99 WHERE id = {run.Id}");

        Assert.Equal((1, 0), (await fixture.RunAsync(full: true)) is var again ? (again.Updated, again.Unsettled) : default);
    }

    [Fact]
    public async Task A_field_that_does_not_hold_what_is_written_is_reported_for_new_and_old_CIs()
    {
        using var fixture = TwoComputers();
        fixture.Trigger("shout", "AFTER INSERT ON records", "new.number = 2", "UPDATE records SET model = upper(new.model), version = version WHERE id = new.id");
        fixture.Trigger("shout_again", "AFTER UPDATE OF name ON records", null, "UPDATE records SET name = lower(new.name) WHERE id = new.id AND name <> lower(new.name)");
        // The first update would write the model again, and it would hold: created otherwise than updated is no trouble.
        Assert.Equal(0, (await fixture.RunWellAsync()).Unsettled);
        Rename(fixture, "LOUD");

        var run = await fixture.RunWellAsync();

        Assert.Equal(1, run.Unsettled);
        Assert.Equal(["1|1|name|NotSettled"], fixture.Rows(Found));
        Assert.Contains("written 'LOUD', reads 'loud'", Assert.Single(fixture.Heard.Warnings), StringComparison.Ordinal);

        fixture.DropTrigger("shout_again");
        await fixture.RunWellAsync();
        Assert.Empty(fixture.Rows("SELECT * FROM unsettled_fields WHERE problem = 'NotSettled'"));
        fixture.Sql("DELETE FROM records");
        Assert.Empty(fixture.Rows(Found));
    }

    [Fact]
    public async Task The_warning_names_five_fields_at_most()
    {
        using var fixture = new SyncFixture();
        for (var i = 0; i < 7; i++)
            fixture.Source.Add(Device("d" + i, "PC-" + i, "SN" + i), Snapshot("s" + i));
        await fixture.RunWellAsync();
        foreach (var suffix in new[] { "-X", "" })
        {
            for (var i = 0; i < 7; i++)
                fixture.Source.Replace("d" + i, d => d with { Name = "PC-" + d.Id[1..] + suffix, LastSeen = d.LastSeen!.Value.AddHours(1) });
            await fixture.RunWellAsync();
        }

        var warning = Assert.Single(fixture.Heard.Warnings);
        Assert.StartsWith("7 fields do not settle: ", warning, StringComparison.Ordinal);
        Assert.Equal(5, warning.Split("again)").Length - 1);
    }
}
