using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Sync;
using static AlloyScan.Engine.Tests.Sync.SyncFixture;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>Custom fields of CIs: their definitions, and their values through runs and edits.</summary>
public sealed class CustomFieldTests
{
    private static void Map(SyncFixture fixture, params string[] mappings)
    {
        foreach (var id in new[] { 2943, 2944 })
        {
            var action = fixture.Store.ServiceActions.Get(id);
            fixture.Store.ServiceActions.Update(action with { Mappings = [.. action.Mappings, .. mappings.Select(FieldMapping.Parse)] });
        }
    }

    private static AuditSnapshot With(AuditSnapshot snapshot, params (string Name, string? Value)[] custom) =>
        snapshot with { Custom = custom.ToDictionary(c => c.Name, c => c.Value) };

    private static string? Custom(SyncFixture fixture) => fixture.Scalar("SELECT custom FROM computers ORDER BY id");

    [Fact]
    public async Task Custom_audit_fields_reach_custom_fields_whatever_their_case()
    {
        using var fixture = new SyncFixture();
        fixture.Store.Fields.Create(RecordClass.Computer, "cost_center", FieldType.Number);
        fixture.Store.Fields.Create(RecordClass.Computer, "bought", FieldType.Date);
        fixture.Store.Fields.Create(RecordClass.Computer, "leased", FieldType.Boolean);
        fixture.Store.Fields.Create(RecordClass.Computer, "room", FieldType.Text);
        Map(fixture, "cost_center = custom.Cost Center", "bought = custom.bought", "leased = CUSTOM.leased?", "room = {custom.building} / {custom.Room No}");
        fixture.Source.Add(
            Device("a", "PC-1"),
            With(Snapshot("s-a"), ("COST CENTER", "0042.50"), ("Bought", "20260131"), ("Leased?", "Yes"), ("building", "B\"1"), (" room no ", "17")));

        await fixture.RunWellAsync();

        Assert.Equal("""{"bought":"2026-01-31","cost_center":42.5,"leased":true,"room":"B\"1 / 17"}""", Custom(fixture));
        var computer = fixture.Store.Cmdb.Computers().Single();
        Assert.Equal((42.5m, true, "2026-01-31", "B\"1 / 17"), (computer.Custom["Cost_Center"], computer.Custom["leased"], computer.Custom["bought"], computer.Custom["room"]));
        Assert.Contains(fixture.Heard.Changes.Single().Fields, f => f.ToString().Contains("cost_center", StringComparison.Ordinal));
        Assert.Equal(0, (await fixture.RunWellAsync()).Updated);
    }

    [Fact]
    public async Task A_newly_mapped_audit_field_is_filled_from_what_was_kept_without_a_further_call()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("a", "PC-1"), With(Snapshot("s-a"), ("Cost Center", "42")));
        await fixture.RunWellAsync();

        fixture.Store.Fields.Create(RecordClass.Computer, "cost_center", FieldType.Number);
        Map(fixture, "cost_center = custom.cost center");
        var run = await fixture.RunWellAsync();

        Assert.Equal((1, 1L), (run.Updated, run.ApiCalls));
        Assert.Equal("list", Assert.Single(fixture.Source.Log));
        Assert.Equal("""{"cost_center":42}""", Custom(fixture));
        Assert.Equal("Update|cost_center|-|42", Assert.Single(fixture.Rows("SELECT action, field, old_value, new_value FROM sync_changes WHERE run_id = 2")));
        Assert.Equal(0, (await fixture.RunWellAsync()).Updated);
    }

    [Fact]
    public async Task A_custom_field_that_was_edited_is_kept_and_another_mode_repairs_it()
    {
        using var fixture = new SyncFixture();
        fixture.Store.Fields.Create(RecordClass.Computer, "room", FieldType.Text);
        fixture.Store.Fields.Create(RecordClass.Computer, "floor", FieldType.Number);
        Map(fixture, "room = custom.room", "floor = custom.floor WhenSourceHasValue");
        fixture.Source.Add(Device("a", "PC-1"), With(Snapshot("s-a"), ("room", "1"), ("floor", "2")));
        await fixture.RunWellAsync();

        // By SQL, past our own commands, with a member that belongs to no field.
        fixture.Sql("""UPDATE records SET custom = '{"ROOM":"typed","floor":"9","other":[1]}'""");
        var run = await fixture.RunWellAsync();

        Assert.Equal((1, "list"), (run.Updated, Assert.Single(fixture.Source.Log)));
        Assert.Equal("""{"ROOM":"typed","other":[1],"floor":2}""", Custom(fixture));
        Assert.Equal("floor|9|2", Assert.Single(fixture.Rows("SELECT field, old_value, new_value FROM sync_changes WHERE run_id = 2")));

        fixture.Source.Audit("a", s => With(s, ("room", "8"), ("floor", "002.0")));
        Assert.Equal(0, (await fixture.RunWellAsync()).Updated);
        Assert.Equal("typed", fixture.Store.Cmdb.Computers().Single().Custom["room"]);
    }

    [Fact]
    public async Task A_number_in_another_form_is_the_same_number_and_was_not_edited()
    {
        using var fixture = new SyncFixture();
        fixture.Store.Fields.Create(RecordClass.Computer, "cost", FieldType.Number);
        Map(fixture, "cost = custom.cost");
        fixture.Source.Add(Device("a", "PC-1"), With(Snapshot("s-a"), ("cost", "007")));
        await fixture.RunWellAsync();

        // The same number, typed as text: neither drift nor an edit.
        fixture.Sql("""UPDATE records SET custom = '{"cost":"7.0"}'""");
        Assert.Equal(0, (await fixture.RunWellAsync()).Updated);
        fixture.Source.Audit("a", s => With(s, ("cost", "8")));
        Assert.Equal(1, (await fixture.RunWellAsync()).Updated);
        Assert.Equal("""{"cost":8}""", Custom(fixture));
    }

    [Fact]
    public async Task What_a_field_cannot_hold_leaves_it_as_it_was_and_is_said()
    {
        using var fixture = new SyncFixture();
        fixture.Store.Fields.Create(RecordClass.Computer, "cost", FieldType.Number);
        Map(fixture, "cost = custom.cost Always");
        fixture.Source.Add(Device("a", "PC-1"), With(Snapshot("s-a"), ("cost", "7")));
        await fixture.RunWellAsync();

        fixture.Source.Audit("a", s => With(s, ("cost", "a lot")));
        Assert.Equal(0, (await fixture.RunWellAsync()).Updated);
        Assert.Equal("""{"cost":7}""", Custom(fixture));
        var warning = Assert.Single(fixture.Heard.Warnings);
        Assert.Contains("'a lot' of PC-1", warning, StringComparison.Ordinal);
        Assert.Contains("'cost'", warning, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_always_with_allow_empty_empties_a_custom_field()
    {
        using var fixture = new SyncFixture();
        fixture.Store.Fields.Create(RecordClass.Computer, "one", FieldType.Text);
        fixture.Store.Fields.Create(RecordClass.Computer, "two", FieldType.Text);
        Map(fixture, "one = custom.one Always AllowEmpty", "two = custom.two Always");
        fixture.Source.Add(Device("a", "PC-1"), With(Snapshot("s-a"), ("one", "1"), ("two", "2")));
        await fixture.RunWellAsync();

        fixture.Source.Audit("a", s => With(s, ("one", " "), ("two", null)));
        Assert.Equal(1, (await fixture.RunWellAsync()).Updated);
        Assert.Equal("""{"two":"2"}""", Custom(fixture));
        Assert.Equal("one|1|-", Assert.Single(fixture.Rows("SELECT field, old_value, new_value FROM sync_changes WHERE run_id = 2")));
    }

    [Fact]
    public async Task Hardware_has_custom_fields_of_its_own()
    {
        using var fixture = new SyncFixture();
        fixture.Store.Fields.Create(RecordClass.Hardware, "room", FieldType.Text);
        var action = fixture.Store.ServiceActions.Get(2945);
        fixture.Store.ServiceActions.Update(action with { InitialValues = new Dictionary<string, string>(action.InitialValues) { ["room"] = "store" } });
        fixture.Source.Add(Device("p", "PRN-1", "P1", type: "printer"));
        fixture.Source.Add(Device("a", "PC-1"), Snapshot("s-a"));

        await fixture.RunWellAsync();

        Assert.Equal("""{"room":"store"}""", fixture.Scalar("SELECT custom FROM hardware"));
        Assert.Equal("Auto-Added", fixture.Scalar("SELECT status FROM hardware"));
        Assert.Null(Custom(fixture));
        Assert.Empty(fixture.Store.Cmdb.Computers().Single().Custom);
        Assert.Equal("UnknownField", Assert.Throws<AlloyScanException>(() => fixture.Store.Cmdb.Update(RecordClass.Computer, "C000001", new Dictionary<string, string?> { ["room"] = "1" })).ErrorId);
        Assert.Equal("1", fixture.Store.Cmdb.Update(RecordClass.Hardware, "H000001", new Dictionary<string, string?> { ["room"] = "1" }).Custom["room"]);
        Assert.Empty(fixture.Store.Cmdb.Update(RecordClass.Hardware, "H000001", new Dictionary<string, string?> { ["room"] = "" }).Custom);
    }

    [Fact]
    public async Task A_value_of_the_wrong_type_is_refused_in_an_edit()
    {
        using var fixture = new SyncFixture();
        fixture.Store.Fields.Create(RecordClass.Computer, "cost", FieldType.Number);
        fixture.Source.Add(Device("a", "PC-1"), Snapshot("s-a"));
        await fixture.RunWellAsync();
        Assert.Equal("InvalidFieldValue", Assert.Throws<AlloyScanException>(() => Edit("much")).ErrorId);
        Assert.Equal(7L, Edit("007").Custom["cost"]);
        var version = fixture.Scalar("SELECT version FROM records");
        Assert.Equal(7L, Edit("7.0").Custom["cost"]);
        Assert.Equal(version, fixture.Scalar("SELECT version FROM records"));

        ConfigurationItem Edit(string value) => fixture.Store.Cmdb.Update(RecordClass.Computer, "C000001", new Dictionary<string, string?> { ["COST"] = value });
    }

    [Fact]
    public async Task A_column_that_is_no_JSON_fails_its_device_and_no_other()
    {
        using var fixture = new SyncFixture();
        fixture.Store.Fields.Create(RecordClass.Computer, "room", FieldType.Text);
        fixture.Source.Add(Device("a", "PC-1"), Snapshot("s-a"));
        fixture.Source.Add(Device("b", "PC-2"), Snapshot("s-b"));
        await fixture.RunWellAsync();
        fixture.Sql("UPDATE records SET custom = 'nonsense' WHERE number = 1");
        fixture.Source.Replace("b", d => d with { Name = "PC-3" });

        var run = await fixture.RunAsync();

        Assert.Equal((SyncRunStatus.PartiallySucceeded, 1, 1), (run.Status, run.Errors, run.Updated));
        Assert.Equal("CustomValuesUnreadable", fixture.Scalar("SELECT error_id FROM sync_errors"));
    }

    [Fact]
    public void Fields_are_listed_and_their_names_checked()
    {
        using var fixture = new SyncFixture();
        var fields = fixture.Store.Fields;
        Assert.Equal(16, fields.List(RecordClass.Computer).Count);
        Assert.Equal(10, fields.List(RecordClass.Hardware).Count);
        var made = fields.Create(RecordClass.Computer, " Cost_Center ", FieldType.Number);
        Assert.Equal(new RecordField { Class = RecordClass.Computer, Name = "Cost_Center", Type = FieldType.Number, IsCustom = true }, made);
        Assert.Equal(made, fields.List(RecordClass.Computer)[^1]);
        fields.Create(RecordClass.Hardware, "cost_center", FieldType.Text);

        Assert.Equal("FieldExists", Create("cost_center"));
        Assert.Equal("FieldExists", Create("name"));
        // Hardware has it, and one word is to mean one thing.
        Assert.Equal("FieldExists", Create("type"));
        foreach (var bad in new[] { "1st", "cost center", "a.b", "a\"", "id", "Custom", "software", "ü", new string('a', 65) })
            Assert.Equal("InvalidFieldName", Create(bad));

        string Create(string name) => Assert.Throws<AlloyScanException>(() => fields.Create(RecordClass.Computer, name, FieldType.Text)).ErrorId;
    }

    [Fact]
    public async Task A_field_goes_with_its_values_and_comes_back_as_a_new_one()
    {
        using var fixture = new SyncFixture();
        var fields = fixture.Store.Fields;
        fields.Create(RecordClass.Computer, "room", FieldType.Text);
        fields.Create(RecordClass.Computer, "floor", FieldType.Number);
        Map(fixture, "room = custom.room", "floor = custom.floor");
        fixture.Source.Add(Device("a", "PC-1"), With(Snapshot("s-a"), ("room", "1"), ("floor", "2")));
        fixture.Source.Add(Device("b", "PC-2"), Snapshot("s-b"));
        await fixture.RunWellAsync();

        var error = Assert.Throws<AlloyScanException>(() => fields.Remove(RecordClass.Computer, "room"));
        Assert.Equal("FieldInUse", error.ErrorId);
        Assert.Contains("#2943", error.Message, StringComparison.Ordinal);
        Assert.Contains("#2944", error.Message, StringComparison.Ordinal);

        fixture.Store.ServiceActions.Reset(2943);
        var update = fixture.Store.ServiceActions.Get(2944);
        fixture.Store.ServiceActions.Update(update with { Mappings = [FieldMapping.Parse("name = {ci.room}")] });
        Assert.Equal("FieldInUse", Assert.Throws<AlloyScanException>(() => fields.Remove(RecordClass.Computer, "room")).ErrorId);
        fixture.Store.ServiceActions.Reset(2944);
        Assert.Equal(1, fields.CountValues(RecordClass.Computer, "ROOM"));
        fields.Remove(RecordClass.Computer, "ROOM");

        Assert.Equal("""{"floor":2}""", Custom(fixture));
        Assert.Equal("FieldNotFound", Assert.Throws<AlloyScanException>(() => fields.Get(RecordClass.Computer, "room")).ErrorId);
        Assert.Equal("FieldIsBuiltIn", Assert.Throws<AlloyScanException>(() => fields.Remove(RecordClass.Computer, "name")).ErrorId);

        // The new field holds nothing that anybody edited.
        fields.Create(RecordClass.Computer, "room", FieldType.Text);
        Map(fixture, "room = custom.room");
        Assert.Equal(1, (await fixture.RunWellAsync()).Updated);
        Assert.Equal("""{"floor":2,"room":"1"}""", Custom(fixture));
    }
}
