using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Sync.Identify;
using static AlloyScan.Engine.Tests.Sync.SyncFixture;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>Junk identifiers as data: the shipped list, own entries, learned ones.</summary>
public sealed class JunkIdentifierTests
{
    private static string ErrorOf(Action work) => Assert.Throws<AlloyScanException>(work).ErrorId;

    [Theory]
    [InlineData("To be filled by O.E.M.")]
    [InlineData("to be filled by oem")]
    [InlineData("Default_string")]
    [InlineData("[Empty]")]
    [InlineData("<CUT OUT>")]
    [InlineData("Not  Specified")]
    [InlineData("System Serial#")]
    [InlineData("0")]
    [InlineData("00-00-00")]
    [InlineData("xxxxxxxxxxx")]
    [InlineData("0123456789ABCDEF")]
    [InlineData("MB-1234567890")]
    [InlineData("BSN12345678901234567   ")]
    [InlineData("..........")]
    public void Placeholders_are_junk(string serial) => Assert.Null(Identifiers.SerialNumber(serial));

    [Theory]
    [InlineData("1.0-5CG1234XYZ")]
    [InlineData("X1.0")]
    [InlineData("DEFAULT STRING 77")]
    [InlineData("NONE42")]
    [InlineData("SN12345")]
    [InlineData("12-34-56-78")]
    [InlineData("N/A-0001")]
    [InlineData("00000001")]
    [InlineData("SERIAL0815")]
    [InlineData("OEM7")]
    [InlineData("1234567890A")]
    [InlineData("VMware-56 4d 0f")]
    public void A_real_value_that_contains_a_placeholder_is_good(string serial) => Assert.NotNull(Identifiers.SerialNumber(serial));

    [Theory]
    [InlineData("4C4C4544-0000-2010-8020-80C04F202020", true)]
    [InlineData("44454C4C-0000-1020-8020-80C04F202020", true)]
    [InlineData("0A0A0A0A-0A0A-0A0A-0A0A-0A0A0A0A0A0A", true)]
    [InlineData("01020102-0102-0102-0102-010201020102", false)]
    [InlineData("12345678-ffff-ffff-ffff-ffffffffffff", true)]
    [InlineData("DEADBEEF-DEAD-BEEF-DEAD-BEEFDEADBEEF", true)]
    [InlineData("4C4C4544-0035-3410-8057-B4C04F4A3232", false)]
    [InlineData("00000000-0000-0000-0000-AC1F6B000001", false)]
    public void Shared_UUIDs_are_junk(string uuid, bool junk) => Assert.Equal(junk, Identifiers.BiosUuid(uuid) is null);

    [Theory]
    [InlineData("00:50:56:C0:00:02", true)]
    [InlineData("00:15:5D:01:02:03", true)]
    [InlineData("00:E0:4C:68:00:11", true)]
    [InlineData("00:00:5E:00:01:0A", true)]
    [InlineData("68:A0:20:52:41:53", true)]
    [InlineData("50:50:54:50:30:30", true)]
    [InlineData("00:1A:7D:DA:71:13", true)]
    [InlineData("00:1A:7D:DA:72:13", false)]
    [InlineData("00:1A:2B:3C:4D:5E", false)]
    public void Shared_adapters_never_identify_alone(string mac, bool expected)
    {
        Assert.NotNull(Identifiers.MacAddress(mac, out var weak));
        Assert.Equal(expected, weak);
    }

    [Fact]
    public void Each_value_of_the_shipped_list_is_junk_as_the_list_says()
    {
        foreach (var (kind, value, _, blank) in ShippedJunk.All().Where(j => j.Value[0] != '<'))
        {
            if (kind == IdentifierKind.MacAddress)
            {
                var example = value[0] == '*' ? value[1..].PadLeft(12, '4') : value.TrimEnd('*').PadRight(12, '4');
                Assert.NotNull(Identifiers.MacAddress(example, out var weak));
                Assert.True(weak && !blank, value);
            }
            else
            {
                Assert.True(blank && Identifiers.Normalise(kind, value) is null, value);
            }
        }
    }

    [Fact]
    public async Task An_own_entry_is_normalised_and_says_who_carries_it()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("a", "PC-1", "loan pool"), Snapshot("s-a"));
        fixture.Source.Add(Device("b", "PC-2", "SN2", "00:1A:2B:3C:4D:5E"), Snapshot("s-b"));
        await fixture.RunWellAsync();
        fixture.Sql("DELETE FROM links WHERE device_id = 'b'");
        var junk = fixture.Store.JunkIdentifiers;

        var serial = junk.Add(IdentificationAttribute.SerialNumber, "  Loan   Pool ", "sticker");
        var mac = junk.Add(IdentificationAttribute.MacAddress, "001a.2b3c.4d5e");

        Assert.Equal(("LOAN POOL", "sticker", 1, 1), (serial.Value, serial.Note, serial.Records, serial.LiveLinks));
        Assert.Equal(("00:1A:2B:3C:4D:5E", 1, 0), (mac.Value, mac.Records, mac.LiveLinks));
        Assert.Equal("a C000001", Assert.Single(junk.Carriers(serial).Select(c => $"{c.DeviceId} {c.RecordId}")));
        Assert.Equal(2, junk.List(source: JunkSource.Own).Count());
        Assert.Equal(mac, Assert.Single(junk.List(valuePattern: "00-1a-2b-3c-4d-5e")));
        using var session = fixture.Store.NewSession();
        var own = OwnJunk.Load(session);
        Assert.True(own.Contains(new Identifier(IdentifierKind.SerialNumber, "LOAN POOL")));
        Assert.True(own.Contains(new Identifier(IdentifierKind.WeakMacAddress, "001A2B3C4D5E")));
        Assert.False(own.Contains(new Identifier(IdentifierKind.AssetTag, "LOAN POOL")));

        junk.Remove(IdentificationAttribute.SerialNumber, "loan pool");
        Assert.Equal([mac], junk.List(source: JunkSource.Own));
    }

    [Fact]
    public void What_is_no_value_of_its_kind_is_refused()
    {
        using var fixture = new SyncFixture();
        var junk = fixture.Store.JunkIdentifiers;

        Assert.Equal("InvalidJunkIdentifier", ErrorOf(() => junk.Add(IdentificationAttribute.MacAddress, "00:1A:2B:3C:4D:5")));
        Assert.Equal("InvalidJunkIdentifier", ErrorOf(() => junk.Add(IdentificationAttribute.BiosUuid, "4C4C4544-0035")));
        Assert.Equal("InvalidJunkIdentifier", ErrorOf(() => junk.Add(IdentificationAttribute.SerialNumber, "   ")));
        Assert.Equal("InvalidJunkIdentifier", ErrorOf(() => junk.Add(IdentificationAttribute.AuditId, "a-1")));
        Assert.Equal("JunkIdentifierExists", ErrorOf(() => junk.Add(IdentificationAttribute.SerialNumber, "Default string")));
        junk.Add(IdentificationAttribute.AssetTag, "POOL");
        Assert.Equal("JunkIdentifierExists", ErrorOf(() => junk.Add(IdentificationAttribute.AssetTag, "pool")));
        Assert.Single(junk.List(source: JunkSource.Own));
    }

    [Fact]
    public async Task Only_own_entries_can_be_removed_and_the_others_say_why()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("a", "PC-1", "SN1"), Snapshot("s-a"));
        await fixture.RunWellAsync();
        fixture.Sql("INSERT INTO learned_junk (site_id, kind, value, carriers, good_runs, learned_at) SELECT site_id, 2, 'SN1', 7, 1, 1700000000000 FROM links");
        var junk = fixture.Store.JunkIdentifiers;

        var learned = Assert.Single(junk.List(source: JunkSource.Learned));
        Assert.Equal((7, 1, 1, "site.example/hq"), (learned.Carriers, learned.GoodRuns, learned.LiveLinks, learned.Site));
        Assert.Equal("PC-1", Assert.Single(junk.Carriers(learned)).DeviceName);
        Assert.Empty(junk.List(source: JunkSource.Learned, site: "other"));

        var error = Assert.Throws<AlloyScanException>(() => junk.Remove(IdentificationAttribute.SerialNumber, "sn1"));
        Assert.Equal("JunkIdentifierLearned", error.ErrorId);
        Assert.Contains("7 devices", error.Message, StringComparison.Ordinal);
        Assert.Equal("JunkIdentifierShipped", ErrorOf(() => junk.Remove(IdentificationAttribute.SerialNumber, "To be filled by O.E.M.")));
        Assert.Equal("JunkIdentifierShipped", ErrorOf(() => junk.Remove(IdentificationAttribute.MacAddress, "00E04C*")));
        Assert.Equal("JunkIdentifierNotFound", ErrorOf(() => junk.Remove(IdentificationAttribute.SerialNumber, "SN2")));

        // Named by hand it stays junk, whatever the runs learn.
        junk.Add(IdentificationAttribute.SerialNumber, "SN1");
        junk.Remove(IdentificationAttribute.SerialNumber, "SN1");
        Assert.Single(junk.List(source: JunkSource.Learned));
    }
}
