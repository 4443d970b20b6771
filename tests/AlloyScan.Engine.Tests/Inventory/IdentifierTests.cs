using AlloyScan.Engine.Inventory;

namespace AlloyScan.Engine.Tests;

public sealed class IdentifierTests
{
    [Theory]
    [InlineData("  abc  12 ", "ABC 12")]
    [InlineData("", null)]
    [InlineData("None", null)]
    [InlineData("1111111", null)]
    [InlineData("......", null)]
    [InlineData("5CG1234XYZ", "5CG1234XYZ")]
    public void Serial_numbers(string text, string? expected) => Assert.Equal(expected, Identifiers.SerialNumber(text));

    [Theory]
    [InlineData("00:1a:2b:3c:4d:5e", "001A2B3C4D5E", false)]
    [InlineData("001A.2B3C.4D5E", "001A2B3C4D5E", false)]
    [InlineData("02-1A-2B-3C-4D-5E", "021A2B3C4D5E", true)]
    [InlineData("01:00:5E:00:00:FB", "01005E0000FB", true)]
    [InlineData("00:50:56:C0:00:08", "005056C00008", true)]
    [InlineData("00:00:00:00:00:00", null, false)]
    [InlineData("FF:FF:FF:FF:FF:FF", null, false)]
    [InlineData("00:1A:2B:3C:4D", null, false)]
    [InlineData("00:1A:2B:3C:4D:5E:6F", null, false)]
    [InlineData("not a mac", null, false)]
    public void Addresses(string text, string? expected, bool expectedWeak)
    {
        Assert.Equal(expected, Identifiers.MacAddress(text, out var weak));
        Assert.Equal(expectedWeak, weak);
    }

    [Fact]
    public void Both_byte_orders_of_a_UUID_are_one()
    {
        var one = Identifiers.BiosUuid("44454C4C-3500-1034-8057-B4C04F4A3232");
        Assert.NotNull(one);
        Assert.Equal(one, Identifiers.BiosUuid("{4c4c4544-0035-3410-8057-b4c04f4a3232}"));
        Assert.Null(Identifiers.BiosUuid("FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"));
        Assert.Null(Identifiers.BiosUuid("03000200-0400-0500-0006-000700080009"));
        Assert.Null(Identifiers.BiosUuid("00020003-0004-0005-0006-000700080009"));
        Assert.Null(Identifiers.BiosUuid("1234"));
    }

    [Theory]
    [InlineData("nyc-lt-1.corp.example.com", "NYC-LT-1")]
    [InlineData("10.0.0.1", "10.0.0.1")]
    [InlineData(" Pc ", "PC")]
    public void Names(string text, string expected) => Assert.Equal(expected, Identifiers.Name(text));
}
