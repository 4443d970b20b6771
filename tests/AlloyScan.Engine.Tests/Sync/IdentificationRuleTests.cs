using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Sync.Identify;
using static AlloyScan.Engine.Tests.Sync.SyncFixture;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>Identification rules as data in the store.</summary>
public sealed class IdentificationRuleTests
{
    private static string Say(IEnumerable<IdentificationRule> rules) => string.Join("; ", rules.Select(r => $"{r.Position} {r.Name}"));

    private static IdentificationRule Rule(string name, params string[] conditions) =>
        new() { Class = RecordClass.Hardware, Name = name, Conditions = [.. conditions.Select(RuleCondition.Parse)] };

    private static string ErrorOf(Action work) => Assert.Throws<AlloyScanException>(work).ErrorId;

    [Fact]
    public void A_new_store_has_the_shipped_rules_between_the_system_rules()
    {
        using var fixture = new SyncFixture();

        Assert.Equal(
            "0 Equal ID; 1 Name and serial number match; 2 Serial number matches; 3 MAC address and name match; 4 BIOS UUID matches; 5 Default",
            Say(fixture.Store.IdentificationRules.List(RecordClass.Computer)));
        Assert.Equal("0 Equal ID; 1 Serial number matches; 2 MAC address matches; 3 Default", Say(fixture.Store.IdentificationRules.List(RecordClass.Hardware)));
        Assert.Equal(["Equal ID", "Default"], fixture.Store.IdentificationRules.List(RecordClass.Computer).Where(r => r.IsSystem).Select(r => r.Name));
        Assert.Equal("SerialNumber matches", fixture.Store.IdentificationRules.Get(RecordClass.Hardware, "serial NUMBER matches").Conditions.Single().ToString());
        Assert.Equal(2, fixture.Store.IdentificationRules.List(namePattern: "*mac*").Count);
    }

    [Fact]
    public void A_store_whose_rules_were_all_removed_stays_without()
    {
        using var fixture = new SyncFixture();
        foreach (var rule in fixture.Store.IdentificationRules.List().Where(r => !r.IsSystem))
            fixture.Store.IdentificationRules.Remove(rule.Class, rule.Name);

        using var again = AlloyScan.Engine.Store.AlloyStore.Open(fixture.Store.Location);

        Assert.All(again.IdentificationRules.List(), r => Assert.True(r.IsSystem));
        Assert.Equal(10, again.IdentificationRules.Reset().Count);
    }

    [Fact]
    public void Rules_are_placed_moved_renamed_and_removed_without_gaps()
    {
        using var fixture = new SyncFixture();
        var rules = fixture.Store.IdentificationRules;

        rules.Create(Rule("Tag", "AssetTag matches"));
        rules.Create(Rule("First", "Name matches", "MacAddress does not match"), 1);
        Assert.Equal("0 Equal ID; 1 First; 2 Serial number matches; 3 MAC address matches; 4 Tag; 5 Default", Say(rules.List(RecordClass.Hardware)));

        rules.Update(rules.Get(RecordClass.Hardware, "Tag") with { Position = 2, Name = "By tag", Action = RuleAction.Conflict });
        Assert.Equal("0 Equal ID; 1 First; 2 By tag; 3 Serial number matches; 4 MAC address matches; 5 Default", Say(rules.List(RecordClass.Hardware)));
        Assert.Equal(RuleAction.Conflict, rules.Get(RecordClass.Hardware, "by tag").Action);

        rules.Remove(RecordClass.Hardware, "first");
        Assert.Equal("0 Equal ID; 1 By tag; 2 Serial number matches; 3 MAC address matches; 4 Default", Say(rules.List(RecordClass.Hardware)));
        Assert.Equal(4, rules.List(RecordClass.Computer).Count(r => !r.IsSystem));

        rules.Reset(RecordClass.Hardware);
        Assert.Equal("0 Equal ID; 1 Serial number matches; 2 MAC address matches; 3 Default", Say(rules.List(RecordClass.Hardware)));
    }

    [Fact]
    public void What_would_do_harm_is_refused()
    {
        using var fixture = new SyncFixture();
        var rules = fixture.Store.IdentificationRules;
        var before = fixture.Rows("SELECT * FROM identification_rules");

        Assert.Equal("RuleTooBroad", ErrorOf(() => rules.Create(Rule("All"))));
        Assert.Equal("RuleTooBroad", ErrorOf(() => rules.Create(Rule("Others", "SerialNumber does not match", "Name does not equal"))));
        Assert.Equal("InvalidIdentificationRule", ErrorOf(() => rules.Create(Rule("Twice", "Name matches", "Name equals"))));
        Assert.Equal("InvalidIdentificationRule", ErrorOf(() => rules.Create(Rule(" ", "Name matches"))));
        Assert.Equal("InvalidIdentificationRule", ErrorOf(() => rules.Create(Rule("Maker", "Name matches") with { Action = RuleAction.Create })));
        Assert.Equal("RuleExists", ErrorOf(() => rules.Create(Rule("serial number matches", "Name matches"))));
        Assert.Equal("RuleExists", ErrorOf(() => rules.Create(Rule("default", "Name matches"))));
        Assert.Equal("RuleExists", ErrorOf(() => rules.Update(rules.Get(RecordClass.Hardware, "MAC address matches") with { Name = "Serial number matches" })));
        Assert.Equal("InvalidRulePosition", ErrorOf(() => rules.Create(Rule("Far", "Name matches"), 4)));
        Assert.Equal("InvalidRulePosition", ErrorOf(() => rules.Create(Rule("Before", "Name matches"), 0)));
        Assert.Equal("InvalidRulePosition", ErrorOf(() => rules.Update(rules.Get(RecordClass.Hardware, "MAC address matches") with { Position = 3 })));
        Assert.Equal("RuleIsSystem", ErrorOf(() => rules.Update(rules.Get(RecordClass.Hardware, "Equal ID") with { Position = 2 })));
        Assert.Equal("RuleIsSystem", ErrorOf(() => rules.Remove(RecordClass.Computer, "Default")));
        Assert.Equal("RuleAmbiguous", ErrorOf(() => rules.Get(null, "Serial number matches")));
        Assert.Equal(RecordClass.Computer, rules.Get(null, "BIOS UUID matches").Class);
        Assert.Equal("RuleNotFound", ErrorOf(() => rules.Remove(RecordClass.Computer, "No such rule")));
        Assert.Equal("InvalidRuleCondition", ErrorOf(() => rules.Create(Rule("Odd", "Name matches") with { Conditions = [new RuleCondition((IdentificationAttribute)99, ComparisonOperator.Matches)] })));

        Assert.Equal(before, fixture.Rows("SELECT * FROM identification_rules"));
    }

    [Fact]
    public void What_deserves_a_second_thought_is_said()
    {
        Assert.Contains("name alone", Assert.Single(IdentificationRules.Doubts(Rule("Name", "Name matches"))), StringComparison.Ordinal);
        Assert.Empty(IdentificationRules.Doubts(Rule("Name", "Name matches") with { Action = RuleAction.Conflict }));
        Assert.Contains("Two blanks are equal", Assert.Single(IdentificationRules.Doubts(Rule("Tag", "AssetTag equals", "Name does not match"))), StringComparison.Ordinal);
        Assert.Empty(IdentificationRules.Doubts(Rule("Both", "AssetTag equals", "SerialNumber matches")));
        Assert.All(IdentificationPolicy.Shipped, r => Assert.Empty(IdentificationRules.Doubts(r)));
    }

    [Theory]
    [InlineData("SerialNumber matches", IdentificationAttribute.SerialNumber, ComparisonOperator.Matches)]
    [InlineData("serial number MATCHES", IdentificationAttribute.SerialNumber, ComparisonOperator.Matches)]
    [InlineData("MacAddress does not match", IdentificationAttribute.MacAddress, ComparisonOperator.DoesNotMatch)]
    [InlineData("name equals", IdentificationAttribute.Name, ComparisonOperator.Equals)]
    [InlineData("AuditId DoesNotEqual", IdentificationAttribute.AuditId, ComparisonOperator.DoesNotEqual)]
    [InlineData("bios-uuid does not equal", IdentificationAttribute.BiosUuid, ComparisonOperator.DoesNotEqual)]
    public void Conditions_are_read_as_people_write_them(string text, IdentificationAttribute attribute, ComparisonOperator comparison) =>
        Assert.Equal(new RuleCondition(attribute, comparison), RuleCondition.Parse(text));

    [Fact]
    public void Every_condition_reads_back_what_it_prints()
    {
        foreach (var attribute in Enum.GetValues<IdentificationAttribute>())
        {
            foreach (var comparison in Enum.GetValues<ComparisonOperator>())
            {
                var condition = new RuleCondition(attribute, comparison);
                Assert.Equal(condition, RuleCondition.Parse(condition.ToString()));
                Assert.Equal(condition, RuleCondition.Parse(attribute.ToString(), comparison.ToString()));
            }
        }
    }

    [Theory]
    [InlineData("Color matches")]
    [InlineData("Name")]
    [InlineData("Name is like")]
    [InlineData("")]
    public void A_condition_that_says_nothing_is_refused(string text)
    {
        var error = Assert.Throws<AlloyScanException>(() => RuleCondition.Parse(text));
        Assert.Equal("InvalidRuleCondition", error.ErrorId);
        Assert.Contains(text.StartsWith("Name", StringComparison.Ordinal) ? "matches" : "SerialNumber", error.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public void A_policy_travels_as_JSON()
    {
        var rules = IdentificationPolicy.CheckAll([.. IdentificationPolicy.Shipped, Rule("Tag", "AssetTag matches", "Name does not equal") with { Action = RuleAction.Conflict }]);

        var back = IdentificationPolicy.FromJson(IdentificationPolicy.ToJson(rules));

        Assert.Equal(IdentificationPolicy.ToJson(rules), IdentificationPolicy.ToJson(back));
        Assert.Equal(Say(rules), Say(back));
        Assert.Equal("InvalidIdentificationRule", ErrorOf(() => IdentificationPolicy.FromJson("{ nonsense")));
        Assert.Equal("RuleTooBroad", ErrorOf(() => IdentificationPolicy.FromJson("""[{"Class":"Computer","Name":"All","Conditions":[],"Action":"Overwrite"}]""")));
    }

    [Fact]
    public async Task A_run_uses_the_rules_of_the_store()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("a", "PC-1", "SN1"), Snapshot("s-a"));
        fixture.Source.Add(Device("b", "PC-2", "SN1"), Snapshot("s-b"));
        fixture.Store.IdentificationRules.Remove(RecordClass.Computer, "Serial number matches");

        var run = await fixture.RunWellAsync();

        Assert.Equal((2, 0), (run.Created, run.Conflicts));
    }
}
