namespace AlloyScan.ModuleBuilder.Help;

/// <summary>Brings the pages of docs/ in step with the cmdlets; what people wrote stays.</summary>
internal static class DocsRefresher
{
    public static IEnumerable<string> Refresh(string docs, IEnumerable<Cmdlet> cmdlets)
    {
        Directory.CreateDirectory(docs);
        foreach (var cmdlet in cmdlets)
        {
            var path = Path.Combine(docs, cmdlet.Name + ".md");
            var before = File.Exists(path) ? File.ReadAllText(path).ReplaceLineEndings("\n") : $"# {cmdlet.Name}\n";
            var after = CmdletPage.Parse(before).Refresh(cmdlet);
            if (after == before)
                continue;

            File.WriteAllText(path, after);
            yield return path;
        }
    }
}
