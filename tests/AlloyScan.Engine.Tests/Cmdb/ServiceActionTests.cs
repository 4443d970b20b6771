using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Tests.Sync;

namespace AlloyScan.Engine.Tests;

public sealed class ServiceActionTests
{
    private static ServiceAction Draft(params string[] mappings) => new()
    {
        Name = "Own", Class = RecordClass.Computer, Kind = ServiceActionKind.Update, Mappings = [.. mappings.Select(FieldMapping.Parse)],
    };

    private static string ErrorOf(Action work) => Assert.Throws<AlloyScanException>(work).ErrorId;

    [Fact]
    public void A_store_has_the_four_defaults()
    {
        using var fixture = new SyncFixture();
        var actions = fixture.Store.ServiceActions.List();
        Assert.Equal([2943, 2944, 2945, 2946], actions.Select(a => a.Id));
        Assert.All(actions, a => Assert.True(a.IsDefault && !a.IsEdited));
        Assert.Equal("Auto-Added", actions[0].InitialValues["status"]);
        Assert.Empty(actions[1].InitialValues);
        Assert.Equal(ReplacementMode.UnlessEdited, actions[1].Mappings.Single(m => m.Field == "asset_tag").Mode);
        Assert.Equal(ReplacementMode.WhenSourceHasValue, actions[1].Mappings.Single(m => m.Field == "name").Mode);
        Assert.DoesNotContain(actions, a => a.Mappings.Any(m => m.Field == "status"));
    }

    [Fact]
    public void A_default_can_be_edited_and_reset_but_not_removed()
    {
        using var fixture = new SyncFixture();
        var actions = fixture.Store.ServiceActions;
        var edited = actions.Update(actions.Get(2944) with { Mappings = [FieldMapping.Parse("name = hostName")], Name = "Mine" });
        Assert.True(edited is { IsDefault: true, IsEdited: true, Name: "Mine" });
        Assert.Equal("name = hostName WhenSourceHasValue", Assert.Single(edited.Mappings).ToString());
        Assert.Equal("ServiceActionIsDefault", ErrorOf(() => actions.Remove(2944)));

        Assert.False(actions.Reset(2944).IsEdited);
        Assert.False(actions.Get(2944).IsEdited);
        Assert.Equal(15, actions.Get(2944).Mappings.Count);
    }

    [Fact]
    public void Own_actions_are_numbered_from_10001_and_cannot_be_reset()
    {
        using var fixture = new SyncFixture();
        var actions = fixture.Store.ServiceActions;
        Assert.Equal(10001, actions.Create(Draft("name = name")).Id);
        var second = actions.Create(Draft("name = name") with { Name = " Second " });
        Assert.Equal((10002, "Second", false, false), (second.Id, second.Name, second.IsDefault, second.IsEdited));
        Assert.Equal("ServiceActionNotDefault", ErrorOf(() => actions.Reset(10002)));
        Assert.Equal([10002], actions.Find("sec*"));
        actions.Remove(10002);
        Assert.Equal("ServiceActionNotFound", ErrorOf(() => actions.Get(10002)));
        Assert.Equal("ServiceActionNotFound", ErrorOf(() => actions.Remove(10002)));
        Assert.Equal("ServiceActionNotFound", ErrorOf(() => actions.Update(second)));
    }

    [Fact]
    public void One_that_a_job_uses_cannot_be_removed_and_the_jobs_are_named()
    {
        using var fixture = new SyncFixture();
        var own = fixture.Store.ServiceActions.Create(Draft("name = name"));
        fixture.Store.Jobs.Update(fixture.Job with { ExistingComputerAction = own.Id });
        var error = Assert.Throws<AlloyScanException>(() => fixture.Store.ServiceActions.Remove(own.Id));
        Assert.Equal("ServiceActionInUse", error.ErrorId);
        Assert.Contains("'HQ'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_are_wanted_and_unique_without_case()
    {
        using var fixture = new SyncFixture();
        var actions = fixture.Store.ServiceActions;
        var own = actions.Create(Draft("name = name"));
        Assert.Equal("ServiceActionExists", ErrorOf(() => actions.Create(Draft("name = name") with { Name = "OWN" })));
        Assert.Equal("ServiceActionNameMissing", ErrorOf(() => actions.Create(Draft("name = name") with { Name = " " })));
        Assert.Equal("InvalidServiceAction", ErrorOf(() => actions.Create(Draft("name = name") with { Name = new string('x', 201) })));
        Assert.Equal("InvalidServiceAction", ErrorOf(() => actions.Update(own with { Kind = ServiceActionKind.Create })));
        Assert.Equal("own", actions.Update(own with { Name = "own" }).Name);
    }

    [Theory]
    [InlineData("UnknownField", "color = name")]
    [InlineData("FieldOfOtherClass", "type = name")]
    [InlineData("UnknownAttribute", "name = serial_number")]
    [InlineData("UnknownAttribute", "name = custom.")]
    [InlineData("UnknownTemplateAttribute", "name = {name}.{domain}")]
    [InlineData("UnknownTemplateAttribute", "name = {}")]
    [InlineData("UnknownTemplateField", "name = {ci.color}")]
    [InlineData("UnbalancedBrace", "name = {name")]
    [InlineData("UnbalancedBrace", "name = name}")]
    [InlineData("UnbalancedBrace", "name = {na{me}")]
    [InlineData("UnbalancedBrace", "name = {name}}")]
    [InlineData("MappingTypeMismatch", "memory_bytes = name")]
    [InlineData("MappingTypeMismatch", "memory_bytes = 'much'")]
    [InlineData("MappingTypeMismatch", "memory_bytes = '1.5'")]
    [InlineData("MappingTypeMismatch", "memory_bytes = {cpuCores}0")]
    [InlineData("MappingTypeMismatch", "memory_bytes = {ci.name}")]
    [InlineData("MappingTypeMismatch", "bought = name")]
    [InlineData("MappingTypeMismatch", "bought = memoryBytes")]
    [InlineData("MappingTypeMismatch", "bought = 'yesterday'")]
    [InlineData("MappingTypeMismatch", "leased = osInstallDate")]
    [InlineData("MappingTypeMismatch", "leased = 'perhaps'")]
    [InlineData("MappingTypeMismatch", "cost = osName")]
    [InlineData("DuplicateMapping", "name = name", "NAME = hostName")]
    [InlineData("MappingCycle", "name = {ci.name}")]
    [InlineData("MappingCycle", "name = {ci.model}", "model = {ci.cpu}", "cpu = {ci.name}")]
    [InlineData("AllowEmptyWithoutAlways", "name = name AllowEmpty")]
    [InlineData("AllowEmptyWithoutAlways", "name = name WhenTargetEmpty AllowEmpty")]
    [InlineData("MappingWithoutSource", "name = \"\"")]
    [InlineData("StatusInUpdate", "status = \"In Use\"")]
    public void A_faulty_mapping_is_refused_and_named(string errorId, params string[] mappings)
    {
        using var fixture = new SyncFixture();
        fixture.Store.Fields.Create(RecordClass.Computer, "bought", FieldType.Date);
        fixture.Store.Fields.Create(RecordClass.Computer, "leased", FieldType.Boolean);
        fixture.Store.Fields.Create(RecordClass.Computer, "cost", FieldType.Number);
        var error = Assert.Throws<AlloyScanException>(() => fixture.Store.ServiceActions.Create(Draft(mappings)));
        Assert.Equal(errorId, error.ErrorId);
        Assert.IsType<FieldMapping>(error.Target);
        Assert.Contains($"'{error.Target}'", error.Message, StringComparison.Ordinal);
        Assert.Contains("'Own'", error.Message, StringComparison.Ordinal);
        Assert.False(string.IsNullOrEmpty(error.Advice));
        Assert.Equal(4, fixture.Store.ServiceActions.List().Count);
    }

    [Fact]
    public void A_cycle_is_named_from_field_to_field()
    {
        using var fixture = new SyncFixture();
        var error = Assert.Throws<AlloyScanException>(() => fixture.Store.ServiceActions.Create(Draft("name = {ci.model} x", "model = {ci.cpu}", "cpu = {ci.name}")));
        Assert.Contains("name -> model -> cpu -> name", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Mappings_that_are_not_written_as_text_are_checked_too()
    {
        using var fixture = new SyncFixture();
        var actions = fixture.Store.ServiceActions;
        Assert.Equal("MappingWithoutSource", ErrorOf(() => actions.Create(Draft() with { Mappings = [new FieldMapping { Field = "name" }] })));
        Assert.Equal("MappingWithTwoSources", ErrorOf(() => actions.Create(Draft() with { Mappings = [new FieldMapping { Field = "name", Attribute = "name", Constant = "x" }] })));
        Assert.Equal("UnknownField", ErrorOf(() => actions.Create(Draft() with { Mappings = [new FieldMapping { Attribute = "name" }] })));
        Assert.Equal("InvalidMapping", ErrorOf(() => actions.Create(Draft() with { Mappings = [new FieldMapping { Field = "name", Attribute = "name", Mode = (ReplacementMode)9 }] })));
    }

    [Theory]
    [InlineData("UnknownInitialField", ServiceActionKind.Create, "color", "red")]
    [InlineData("InvalidInitialValue", ServiceActionKind.Create, "memory_bytes", "much")]
    [InlineData("InitialValuesInUpdate", ServiceActionKind.Update, "status", "New")]
    public void A_faulty_initial_value_is_refused(string errorId, ServiceActionKind kind, string field, string value)
    {
        using var fixture = new SyncFixture();
        Assert.Equal(errorId, ErrorOf(() => fixture.Store.ServiceActions.Create(Draft() with { Kind = kind, InitialValues = new Dictionary<string, string> { [field] = value } })));
    }

    [Fact]
    public void What_is_saved_says_every_mode_and_writes_names_as_they_are()
    {
        using var fixture = new SyncFixture();
        fixture.Store.Fields.Create(RecordClass.Computer, "cost_center", FieldType.Number);
        var saved = fixture.Store.ServiceActions.Create(Draft("NAME = hostname", "Cost_Center = CUSTOM.Cost Center", "user_name = userLogin", "memory_bytes = '007'", "model = {Manufacturer} x"));
        Assert.Equal(
            [
                "name = hostName WhenSourceHasValue", "cost_center = custom.Cost Center UnlessEdited", "user_name = userLogin UnlessEdited",
                "memory_bytes = \"7\" WhenSourceHasValue", "model = {Manufacturer} x WhenSourceHasValue",
            ],
            fixture.Store.ServiceActions.Get(saved.Id).Mappings.Select(m => m.ToString()));
    }

    [Theory]
    [InlineData("""{"Mappings":[{"Field":"name","Atribute":"name"}]}""")]
    [InlineData("""{"Mappings":[{"Field":"name","Attribute":"name","Mode":"Sometimes"}]}""")]
    [InlineData("""{"Mappings":[{"Field":"name","Attribute":"name","Mode":7}]}""")]
    [InlineData("""{"Mappings":[null]}""")]
    [InlineData("no json")]
    [InlineData("")]
    public async Task A_definition_that_somebody_broke_in_the_store_fails_the_run_at_its_start(string definition)
    {
        using var fixture = new SyncFixture();
        fixture.Sql($"UPDATE service_actions SET definition = '{definition}' WHERE id = 2943");
        var error = await Assert.ThrowsAsync<AlloyScanException>(() => fixture.RunAsync());
        Assert.Equal("ServiceActionUnreadable", error.ErrorId);
        Assert.Contains("Reset-AlloyScanServiceAction 2943", error.Advice, StringComparison.Ordinal);
        Assert.Empty(fixture.Source.Log);
        fixture.Store.ServiceActions.Reset(2943);
        await fixture.RunWellAsync();
    }

    [Fact]
    public async Task A_mapping_that_somebody_broke_in_the_store_fails_the_run_as_it_would_have_been_refused()
    {
        using var fixture = new SyncFixture();
        fixture.Sql("""UPDATE service_actions SET definition = '{"Mappings":[{"Field":"color","Attribute":"name"}]}' WHERE id = 2944""");
        Assert.Equal("UnknownField", (await Assert.ThrowsAsync<AlloyScanException>(() => fixture.RunAsync())).ErrorId);
        Assert.Single(fixture.Store.ServiceActions.Get(2944).Mappings);
    }
}
