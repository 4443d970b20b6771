using System.Collections;

namespace AlloyScan.PowerShell.Abstractions;

/// <summary>Reads the initial values of a service action. A blank value is as good as none.</summary>
internal static class InitialValueTable
{
    public static Dictionary<string, string> From(IDictionary table) =>
        FieldTexts.From(table, "InitialValue").Where(pair => pair.Value is not null).ToDictionary(pair => pair.Key, pair => pair.Value!, StringComparer.OrdinalIgnoreCase);
}
