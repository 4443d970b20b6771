namespace AlloyScan.ModuleBuilder.Help;

/// <summary>Writes a cmdlet's syntax as Get-Command does.</summary>
internal static class Syntax
{
    public static IEnumerable<string> Lines(Cmdlet cmdlet)
    {
        foreach (var set in cmdlet.Sets)
            yield return $"{cmdlet.Name} {string.Join(' ', Parameters(cmdlet, set).Select(p => Part(p.Parameter, p.InSet)))} [<CommonParameters>]".Replace("  ", " ", StringComparison.Ordinal);
    }

    /// <summary>The parameters of one set in the order of the syntax.</summary>
    public static IEnumerable<(CmdletParameter Parameter, ParameterInSet InSet)> Parameters(Cmdlet cmdlet, string set) =>
        cmdlet.Parameters
            .Select(parameter => (Parameter: parameter, InSet: parameter.In(set)))
            .Where(pair => pair.InSet is not null)
            .Select(pair => (pair.Parameter, InSet: pair.InSet!))
            .OrderBy(pair => pair.InSet.Position ?? int.MaxValue)
            .ThenBy(pair => pair.InSet.Mandatory ? 0 : 1);

    private static string Part(CmdletParameter parameter, ParameterInSet inSet)
    {
        if (parameter.IsSwitch)
            return $"[-{parameter.Name}]";

        var name = inSet.Position is null ? $"-{parameter.Name}" : $"[-{parameter.Name}]";
        var part = $"{name} <{parameter.Type}>";
        return inSet.Mandatory ? part : $"[{part}]";
    }
}
