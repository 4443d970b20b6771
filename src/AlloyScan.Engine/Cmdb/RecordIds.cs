using System.Globalization;
using AlloyScan.Engine.Inventory;

namespace AlloyScan.Engine.Cmdb;

/// <summary>IDs of CIs in the built-in CMDB: a letter for the class and a number of at least six digits.</summary>
internal static class RecordIds
{
    /// <summary>Class and number of an ID; a pair of nothing that exists for a text that is none.</summary>
    public static (int? Class, long? Number) Parse(string id)
    {
        var text = id.Trim();
        if (text.Length < 2 || !long.TryParse(text.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return (0, 0);

        return char.ToUpperInvariant(text[0]) switch
        {
            'C' => ((int)RecordClass.Computer, number),
            'H' => ((int)RecordClass.Hardware, number),
            _ => (0, 0),
        };
    }
}
