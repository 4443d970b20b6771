using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Map;
using FsCheck;
using FsCheck.Fluent;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>The rules and laws of field mapping, without a store's data.</summary>
public sealed class FieldMapperTests : IDisposable
{
    private readonly SyncFixture _fixture = new();
    private readonly CmdbSchema _schema;

    public FieldMapperTests()
    {
        _fixture.Store.Fields.Create(RecordClass.Computer, "cost", FieldType.Number);
        _fixture.Store.Fields.Create(RecordClass.Computer, "bought", FieldType.Date);
        _fixture.Store.Fields.Create(RecordClass.Computer, "leased", FieldType.Boolean);
        using var session = _fixture.Store.NewSession();
        _schema = CmdbSchema.Load(session);
    }

    public void Dispose() => _fixture.Dispose();

    private FieldMapper Mapper(ServiceActionKind kind, IEnumerable<FieldMapping> mappings, Dictionary<string, string>? initial = null) => new(
        ServiceActionCheck.Resolve(new ServiceAction { Name = "Own", Class = RecordClass.Computer, Kind = kind, Mappings = [.. mappings], InitialValues = initial ?? [] }, _schema), _schema);

    private FieldMapper Mapper(params string[] mappings) => Mapper(ServiceActionKind.Update, mappings.Select(FieldMapping.Parse));

    private CmdbField Field(string name) => _schema.Find(RecordClass.Computer, name)!;

    private static DeviceFacts Facts(params (string Attribute, string? Value)[] values)
    {
        var all = new string?[SourceAttributes.All.Length];
        var custom = new Dictionary<string, string>();
        foreach (var (attribute, value) in values)
        {
            if (SourceAttributes.CustomName(attribute) is not { } name)
                all[SourceAttributes.IndexOf(attribute)] = value;
            else if (value is not null)
                custom[name] = value;
        }

        return new DeviceFacts { DeviceId = "d", DisplayName = "PC", ListHash = 0, Values = all, Custom = custom, Class = RecordClass.Computer };
    }

    private string?[] Values(params (string Field, string? Value)[] values)
    {
        var all = new string?[_schema.SizeOf(RecordClass.Computer)];
        foreach (var (field, value) in values)
            all[Field(field).Index] = value;
        return all;
    }

    [Theory]
    [InlineData("Always", "new", "old", null, "new")]
    [InlineData("Always", null, "old", null, "old")]
    [InlineData("Always AllowEmpty", null, "old", null, null)]
    [InlineData("Always AllowEmpty", " ", "old", null, null)]
    [InlineData("WhenTargetEmpty", "new", null, null, "new")]
    [InlineData("WhenTargetEmpty", "new", "old", "old", "old")]
    [InlineData("WhenSourceHasValue", "new", "old", null, "new")]
    [InlineData("WhenSourceHasValue", null, "old", "old", "old")]
    [InlineData("UnlessEdited", "new", "old", "old", "new")]
    [InlineData("UnlessEdited", "new", "old", "other", "old")]
    [InlineData("UnlessEdited", "new", "old", null, "old")]
    [InlineData("UnlessEdited", "new", null, null, "new")]
    [InlineData("UnlessEdited", "new", null, "old", null)]
    [InlineData("UnlessEdited", null, "old", "old", "old")]
    public void Each_mode_replaces_when_it_should(string mode, string? source, string? target, string? written, string? expected)
    {
        var changes = Mapper("asset_tag = assetTag " + mode).Changes(
            Facts(("assetTag", source)), Values(("asset_tag", target)), written is null ? [] : new Dictionary<string, string?> { ["asset_tag"] = written });
        Assert.Equal(expected, changes.Count == 0 ? target : changes.Single().Value);
    }

    [Fact]
    public void What_somebody_restored_counts_as_edited()
    {
        // We wrote 'new' over 'old', and an undo brought 'old' back, or emptied what had been empty.
        var written = new Dictionary<string, string?> { ["asset_tag"] = "new" };
        var mapper = Mapper("asset_tag = assetTag UnlessEdited");
        Assert.Empty(mapper.Changes(Facts(("assetTag", "new")), Values(("asset_tag", "old")), written));
        Assert.Empty(mapper.Changes(Facts(("assetTag", "newer")), Values(("asset_tag", null)), written));
    }

    [Fact]
    public void Numbers_dates_and_truths_compare_as_such()
    {
        var mapper = Mapper("cost = custom.cost Always", "bought = custom.bought Always", "leased = custom.leased Always", "memory_bytes = custom.memory Always");
        Assert.Empty(mapper.Changes(
            Facts(("custom.cost", "007.0"), ("custom.bought", "20260131"), ("custom.leased", "YES"), ("custom.memory", "01024")),
            Values(("cost", "7"), ("bought", "2026-01-31"), ("leased", "true"), ("memory_bytes", "1024")), []));
    }

    [Fact]
    public void Text_of_any_length_and_kind_is_mapped_as_it_is()
    {
        var text = string.Concat(Enumerable.Repeat("x\t\u0001\"'{}\n\U0001F600", 1000));
        Assert.True(text.Length >= 10_000);
        var values = Mapper(ServiceActionKind.Create, [FieldMapping.Parse("model = custom.long"), FieldMapping.Parse("cpu = <{custom.long}>")]).NewValues(Facts(("custom.long", text)));
        Assert.Equal(text, values[Field("model").Index]);
        Assert.Equal($"<{text}>", values[Field("cpu").Index]);
    }

    [Fact]
    public void A_template_needs_all_its_parts()
    {
        var mapper = Mapper("dns_name = {hostName}.{dnsDomain}", "model = {manufacturer} {{{custom.rack no}}}");
        Assert.Equal("pc.example|HP {7}", Result(Facts(("hostName", "pc"), ("dnsDomain", "example"), ("manufacturer", "HP"), ("custom.Rack No", "7"))));
        Assert.Equal(string.Empty, Result(Facts(("hostName", "pc"), ("manufacturer", "HP"))));

        string Result(DeviceFacts facts) => string.Join('|', mapper.Changes(facts, Values(("dns_name", "old"), ("model", "old")), []).Select(c => c.Value));
    }

    [Fact]
    public void A_template_sees_other_fields_as_the_mapping_leaves_them()
    {
        // Written against the order of evaluation; the asset tag was edited by a person, the model is replaced, the status is not mapped.
        var mapper = Mapper("name = {ci.dns_name} [{ci.status}]", "dns_name = {ci.asset_tag}-{ci.model}", "asset_tag = assetTag UnlessEdited", "model = model");
        var changes = mapper.Changes(
            Facts(("assetTag", "T9"), ("model", "M2")), Values(("asset_tag", "T1"), ("model", "M1"), ("status", "In Use"), ("name", "x"), ("dns_name", "y")), []);
        Assert.Equal(["dns_name=T1-M2", "model=M2", "name=T1-M2 [In Use]"], changes.Select(c => $"{c.Field.Name}={c.Value}").Order());

        var created = Mapper(
            ServiceActionKind.Create, [FieldMapping.Parse("name = {ci.asset_tag} {ci.status}"), FieldMapping.Parse("asset_tag = assetTag")], new() { ["status"] = "New" });
        Assert.Equal("T9 New", created.NewValues(Facts(("assetTag", "T9")))[Field("name").Index]);
    }

    [Fact]
    public void A_mapping_with_a_value_overrides_an_initial_value()
    {
        var mapper = Mapper(ServiceActionKind.Create, [FieldMapping.Parse("model = model"), FieldMapping.Parse("cpu = cpuName")], new() { ["model"] = "unknown", ["cpu"] = "unknown", ["cost"] = "007" });
        var values = mapper.NewValues(Facts(("model", "M1")));
        Assert.Equal(("M1", "unknown", "7"), (values[Field("model").Index], values[Field("cpu").Index], values[Field("cost").Index]));
    }

    // ---- Laws ----

    private static readonly string[] s_sources = ["name", "assetTag", "model", "custom.a", "custom.B b", "memoryBytes", "osInstallDate"];
    private static readonly string?[] s_texts = [null, "", " ", "a", "A ", "007", "7", "7.0", "2026-01-31", "20260131", "yes", "TRUE", "{x}", "\u0001"];

    private Gen<List<FieldMapping>> Mappings()
    {
        var fields = _schema.Of(RecordClass.Computer).Where(f => f != CmdbFields.Status).ToArray();
        var one =
            from field in Gen.Elements(fields)
            from source in Gen.Elements(s_sources)
            from other in Gen.Elements(fields)
            from shape in Gen.Choose(0, 3)
            from mode in Gen.Elements(Enum.GetValues<ReplacementMode>())
            from allowEmpty in Gen.Elements(true, false)
            select (shape switch
            {
                0 => new FieldMapping { Field = field.Name, Attribute = source },
                1 => new FieldMapping { Field = field.Name, Constant = "7" },
                2 => new FieldMapping { Field = field.Name, Template = $"{{{source}}}" },
                // Only to fields further on, so that there is no cycle.
                _ => new FieldMapping { Field = field.Name, Template = other.Index > field.Index ? $"{{ci.{other.Name}}}" : $"{{{source}}}" },
            }) with { Mode = mode, AllowEmpty = allowEmpty && mode == ReplacementMode.Always };
        return one.ListOf().Select(all => all.DistinctBy(m => m.Field).Where(m => Fits(m)).ToList());
    }

    private bool Fits(FieldMapping mapping)
    {
        try
        {
            Mapper(ServiceActionKind.Update, [mapping]);
            return true;
        }
        catch (AlloyScanException e) when (e.ErrorId == "MappingTypeMismatch")
        {
            return false;
        }
    }

    private sealed record Case(List<FieldMapping> Mappings, DeviceFacts Facts, string?[] Current, Dictionary<string, string?> Written, int Seed)
    {
        public override string ToString() =>
            $"{string.Join("; ", Mappings)} | {string.Join(",", Facts.Values)} {string.Join(",", Facts.Custom!)} | {string.Join(",", Current)} | {string.Join(",", Written)}";
    }

    private Arbitrary<Case> Cases()
    {
        var size = _schema.SizeOf(RecordClass.Computer);
        var names = _schema.Of(RecordClass.Computer).ToDictionary(f => f.Index);
        var text = Gen.Elements(s_texts);
        return (
            from mappings in Mappings()
            from sources in text.ArrayOf(s_sources.Length)
            from current in text.ArrayOf(size)
            from written in text.ArrayOf(size)
            from wrote in Gen.Elements(true, false).ArrayOf(size)
            from seed in Gen.Choose(0, int.MaxValue)
            select new Case(
                mappings, Facts([.. s_sources.Zip(sources)]),
                // What a CI holds is in its form already, save what somebody typed into a number.
                [.. current.Select((v, i) => v is not null && names.TryGetValue(i, out var field) ? field.Normalise(v) : null)],
                Enumerable.Range(0, size).Where(i => wrote[i] && names.ContainsKey(i)).ToDictionary(i => names[i].Name, i => written[i] is { } v ? names[i].Normalise(v) : null),
                seed)).ToArbitrary();
    }

    [Fact]
    public void Mapping_twice_changes_nothing() => Prop.ForAll(Cases(), c =>
    {
        var mapper = Mapper(ServiceActionKind.Update, c.Mappings);
        var after = (string?[])c.Current.Clone();
        var written = new Dictionary<string, string?>(c.Written);
        foreach (var (field, value) in mapper.Changes(c.Facts, c.Current, c.Written))
            (after[field.Index], written[field.Name]) = (value, value);
        return mapper.Changes(c.Facts, after, written).Count == 0;
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Fact]
    public void No_mode_ever_blanks_without_allow_empty() => Prop.ForAll(Cases(), c =>
        Mapper(ServiceActionKind.Update, c.Mappings).Changes(c.Facts, c.Current, c.Written)
            .All(change => change.Value is not null || c.Mappings.Single(m => m.Field == change.Field.Name).AllowEmpty)).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Fact]
    public void The_order_of_mappings_does_not_matter() => Prop.ForAll(Cases(), c =>
    {
        var shuffled = c.Mappings.ToArray();
        new Random(c.Seed).Shuffle(shuffled);
        var same = Mapper(ServiceActionKind.Update, c.Mappings).Changes(c.Facts, c.Current, c.Written)
            .SequenceEqual(Mapper(ServiceActionKind.Update, shuffled).Changes(c.Facts, c.Current, c.Written));
        var created = Mapper(ServiceActionKind.Create, c.Mappings).NewValues(c.Facts).SequenceEqual(Mapper(ServiceActionKind.Create, shuffled).NewValues(c.Facts));
        return same && created;
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));
}
