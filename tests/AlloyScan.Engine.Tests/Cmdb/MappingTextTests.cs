using AlloyScan.Engine.Cmdb;
using FsCheck;
using FsCheck.Fluent;

namespace AlloyScan.Engine.Tests;

public sealed class MappingTextTests
{
    [Theory]
    [InlineData("dns_name = {name}.{dnsDomain} WhenTargetEmpty", "dns_name", null, null, "{name}.{dnsDomain}", ReplacementMode.WhenTargetEmpty, false)]
    [InlineData("asset_tag=custom.AssetNo", "asset_tag", "custom.AssetNo", null, null, null, false)]
    [InlineData(" asset_tag = custom.Asset No  unlessedited ", "asset_tag", "custom.Asset No", null, null, ReplacementMode.UnlessEdited, false)]
    [InlineData("owner = \"IT\" Always", "owner", null, "IT", null, ReplacementMode.Always, false)]
    [InlineData("owner = 'it''s \"IT\"'", "owner", null, "it's \"IT\"", null, null, false)]
    [InlineData("owner = \"{name} = x\"", "owner", null, "{name} = x", null, null, false)]
    [InlineData("name = name Always AllowEmpty", "name", "name", null, null, ReplacementMode.Always, true)]
    [InlineData("name = Always", "name", "Always", null, null, null, false)]
    [InlineData("name = custom.Renew Always Always", "name", "custom.Renew Always", null, null, ReplacementMode.Always, false)]
    [InlineData("model = {manufacturer} = {model}", "model", null, null, "{manufacturer} = {model}", null, false)]
    public void The_short_form_is_read(string text, string field, string? attribute, string? constant, string? template, ReplacementMode? mode, bool allowEmpty) =>
        Assert.Equal(new FieldMapping { Field = field, Attribute = attribute, Constant = constant, Template = template, Mode = mode, AllowEmpty = allowEmpty }, FieldMapping.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("name")]
    [InlineData("= name")]
    [InlineData("name =")]
    [InlineData("name = \"open")]
    [InlineData("name = \"x\" Sometimes")]
    public void What_is_no_mapping_is_refused(string text)
    {
        var error = Assert.Throws<AlloyScanException>(() => FieldMapping.Parse(text));
        Assert.Equal("InvalidMapping", error.ErrorId);
        Assert.NotNull(error.Advice);
    }

    [Fact]
    public void What_is_printed_is_read_back()
    {
        var constants = ArbMap.Default.GeneratorFor<string>().Where(s => !string.IsNullOrEmpty(s)).Select(s => new FieldMapping { Constant = s });
        var attributes = Gen.Elements("name", "custom.Asset No", "custom.Always", "custom.x AllowEmpty", "custom.a=b").Select(s => new FieldMapping { Attribute = s });
        var templates = Gen.Elements("{name}", "{name}.{dnsDomain}", "{{x}} {ci.model} Always", "a = {name}").Select(s => new FieldMapping { Template = s });
        var mappings =
            from source in Gen.OneOf(constants, attributes, templates)
            from mode in Gen.Elements(Enum.GetValues<ReplacementMode>())
            from allowEmpty in Gen.Elements(true, false)
            select source with { Field = "dns_name", Mode = mode, AllowEmpty = allowEmpty };
        Prop.ForAll(mappings.ToArbitrary(), mapping => FieldMapping.Parse(mapping.ToString()) == mapping).QuickCheckThrowOnFailure();
    }

    [Theory]
    [InlineData("{name}.{dnsDomain}", "[name]|.|[dnsDomain]")]
    [InlineData("{{{name}}}", "{|[name]|}")]
    [InlineData("a{{b}}c", "a{b}c")]
    [InlineData("{ ci.model } x", "[ci.model]| x")]
    [InlineData("x{", null)]
    [InlineData("}x", null)]
    [InlineData("{a{b}", null)]
    public void Templates_are_taken_apart(string template, string? expected)
    {
        var parts = MappingTemplate.Parse(template, out _);
        Assert.Equal(expected, parts is null ? null : string.Join('|', parts.Select(p => p.IsReference ? $"[{p.Text}]" : p.Text)));
    }

    [Theory]
    [InlineData(FieldType.Number, "007", "7")]
    [InlineData(FieldType.Number, "+1.50", "1.5")]
    [InlineData(FieldType.Number, "-0.0", "0")]
    [InlineData(FieldType.Number, "1,5", null)]
    [InlineData(FieldType.Number, "1e5", null)]
    [InlineData(FieldType.Date, "2026-01-31", "2026-01-31")]
    [InlineData(FieldType.Date, "20260131", "2026-01-31")]
    [InlineData(FieldType.Date, "2026-01-31T10:00:00+02:00", "2026-01-31T08:00:00Z")]
    [InlineData(FieldType.Date, "2026-01-31 10:00", "2026-01-31T10:00:00Z")]
    [InlineData(FieldType.Date, "31.01.2026", null)]
    [InlineData(FieldType.Date, "2026-02-30", null)]
    [InlineData(FieldType.Boolean, "YES", "true")]
    [InlineData(FieldType.Boolean, "0", "false")]
    [InlineData(FieldType.Boolean, "maybe", null)]
    [InlineData(FieldType.Text, " a\tb\u0001 ", "a\tb\u0001")]
    [InlineData(FieldType.Text, "a\0b", "ab")]
    [InlineData(FieldType.Text, "\0", null)]
    [InlineData(FieldType.Text, "\U0001F600", "\U0001F600")]
    public void A_value_has_one_form(FieldType type, string value, string? expected) => Assert.Equal(expected, FieldValues.Normalise(value, type));

    [Fact]
    public void A_text_that_no_database_gives_back_is_mended() => Assert.Equal("a\uFFFDb", FieldValues.Normalise("a\uD800b", FieldType.Text));

    [Theory]
    [InlineData("0017179869184", "17179869184")]
    [InlineData(" 7 ", "7")]
    [InlineData("7 ", "7")]
    [InlineData("-5", "-5")]
    [InlineData("1.5", null)]
    [InlineData("99999999999999999999", null)]
    public void A_whole_number_has_one_form(string value, string? expected) => Assert.Equal(expected, FieldValues.Normalise(value, FieldType.Number, whole: true));
}
