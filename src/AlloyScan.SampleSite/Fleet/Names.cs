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

    /// <summary>
    /// A login has no accents, blanks or apostrophes. A table of our own, since Unicode's depends on what the machine
    /// has installed, and the fleet must not.
    /// </summary>
    private static byte[] Ascii(string name)
    {
        const string Accented = "áàâäãåçčéèêëěíìîïłñńóòôöõøřśšúùûüýžźż";
        const string Plain = "aaaaaacceeeeeiiiilnnoooooorssuuuuyzzz";
        var text = new StringBuilder();
        foreach (var c in name.ToLowerInvariant())
        {
            var letter = Accented.IndexOf(c, StringComparison.Ordinal) is var place and >= 0 ? Plain[place] : c;
            if (char.IsAsciiLetterLower(letter))
                text.Append(letter);
        }

        return Encoding.ASCII.GetBytes(text.ToString());
    }
}
