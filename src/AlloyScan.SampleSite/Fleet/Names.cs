using System.Globalization;
using System.Text;
using System.Text.Json;

namespace AlloyScan.SampleSite;

/// <summary>People, offices, departments and tags of the made-up company.</summary>
internal static class Names
{
    public const string Domain = "corp.example.com";

    private static readonly Dictionary<string, string[]> s_lists = Read();

    public static readonly string[] First = s_lists["first"];
    public static readonly string[] Last = s_lists["last"];
    public static readonly byte[][] FirstLogin = Array.ConvertAll(First, Ascii);
    public static readonly byte[][] LastLogin = Array.ConvertAll(Last, Ascii);
    public static readonly byte[][] FirstUtf8 = Array.ConvertAll(First, Encoding.UTF8.GetBytes);
    public static readonly byte[][] LastUtf8 = Array.ConvertAll(Last, Encoding.UTF8.GetBytes);
    public static readonly string[] Departments = s_lists["department"];
    public static readonly JsonEncodedText[] DepartmentsJson = Array.ConvertAll(Departments, DataFile.Encode);
    public static readonly string[] Offices = s_lists["office"];
    public static readonly byte[][] OfficesUtf8 = Array.ConvertAll(Offices, Encoding.UTF8.GetBytes);
    public static readonly (string Name, string Color)[] Tags = Array.ConvertAll(s_lists["tag"], t => (t[..t.IndexOf(':')], t[(t.IndexOf(':') + 1)..]));

    public static readonly JsonEncodedText[] CostCenters = [.. Enumerable.Range(41, 24).Select(n => JsonEncodedText.Encode($"CC-{n}00"))];

    private static Dictionary<string, string[]> Read()
    {
        var lists = new Dictionary<string, string[]>();
        var section = "";
        foreach (var line in DataFile.Lines("people.txt"))
        {
            if (line[0] == '[')
                section = line[1..^1];
            else
                lists[section] = line.Split('|');
        }

        return lists;
    }

    /// <summary>A login has no accents, blanks or apostrophes.</summary>
    private static byte[] Ascii(string name)
    {
        var text = new StringBuilder();
        foreach (var c in name.Replace("ø", "o", StringComparison.Ordinal).Replace("Ł", "L", StringComparison.Ordinal).Normalize(NormalizationForm.FormD))
        {
            if (char.IsAsciiLetter(c) && CharUnicodeInfo.GetUnicodeCategory(c) != UnicodeCategory.NonSpacingMark)
                text.Append(char.ToLowerInvariant(c));
        }

        return Encoding.ASCII.GetBytes(text.ToString());
    }
}
